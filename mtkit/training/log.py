"""log.jsonl in a model folder: what training told, one JSON object a line.

    {"kind": "started", ...}      once, before the first update
    {"kind": "report", ...}       every few updates
    {"kind": "validation", ...}   with sample translations
    {"kind": "finished", ...}     once, at the end

The fields are those of the events, without the folder, which may move; `elapsed` is the seconds of training so far. A
training that is resumed goes on in the same log, from where it was when the state was saved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from mtkit.storage import writing
from mtkit.training.events import Event, Finished, Reported, Started, Validated

LOG = "log.jsonl"

KINDS = {Started: "started", Reported: "report", Validated: "validation", Finished: "finished"}


def append_event(folder: Path, event: Event, elapsed: float) -> int:
    """Write an event down, and return the bytes that the log has then."""
    fields = {name: value for name, value in vars(event).items() if name != "out"}
    record = {"kind": KINDS[type(event)], **fields, "elapsed": round(elapsed, 3)}
    with writing(folder / LOG), (folder / LOG).open("ab") as file:
        file.write(msgspec.json.encode(record) + b"\n")
        return file.tell()


def truncate_log(folder: Path, size: int) -> None:
    """Forget what was written after the first `size` bytes."""
    log = folder / LOG
    if log.exists():
        with writing(log), log.open("r+b") as file:
            file.truncate(size)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the records, none where there is no log yet."""
    log = folder / LOG
    return [msgspec.json.decode(line) for line in log.read_bytes().splitlines()] if log.exists() else []
