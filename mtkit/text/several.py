"""A check for what takes several texts: Python lets a single one pass for the sequence of its characters."""

from __future__ import annotations

from collections.abc import Iterable

from mtkit.errors import SettingsError


def check_several(**arguments: Iterable[object] | None) -> None:
    """Raise `SettingsError` where one of the arguments, by name, is a single text."""
    for name, given in arguments.items():
        if isinstance(given, str | bytes):
            raise SettingsError(f"{name} is a single text, and several are expected; give a list, which may hold one")
