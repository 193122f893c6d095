"""What every command takes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from mtkit.fields import Settings, about
from mtkit.settings.choices import Device


class CommandSettings(Settings, frozen=True, kw_only=True):
    """What every command takes."""

    seed: Annotated[int, Meta(ge=0, le=2**32 - 1), about("Seed of everything random.", "General")] = 1
    threads: Annotated[int, Meta(ge=0, le=1024), about("CPU threads; 0 takes all cores.", "General", resume="free")] = 0
    device: Annotated[
        Device, about("Where the network runs; auto takes a GPU if there is one.", "General", resume="free")
    ] = "auto"
