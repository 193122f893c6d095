"""log.jsonl in a model folder: how a training went, one JSON object a line.

    {"kind": "started", ...}      once, before the first update
    {"kind": "note", ...}         what else there is to know, as the weights that it starts from
    {"kind": "report", ...}       every few updates
    {"kind": "validation", ...}   with sample translations
    {"kind": "warning", ...}      where it does not go as it was meant to
    {"kind": "finished", ...}     once, at the end

The fields are those of the events in `mtkit.training`, without the folder, which may move; `elapsed` is the seconds of
training so far. A training that is resumed goes on in the same log, from where it was when the state was saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from mtkit.errors import OutputError
from mtkit.storage import append, sync, writing

LOG = "log.jsonl"

NOT_LOGGED = {"out"}
"""Fields of events that are paths: a model folder may move."""


def log_line(kind: str, fields: Mapping[str, Any], elapsed: float) -> bytes:
    """Return a record of the log, without its line feed."""
    kept = {name: value for name, value in fields.items() if name not in NOT_LOGGED}
    return msgspec.json.encode({"kind": kind, **kept, "elapsed": round(elapsed, 3)})


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the records, none where there is no log yet, and without lines that are damaged."""
    log, records = folder / LOG, []
    for line in log.read_bytes().splitlines() if log.exists() else []:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            records.append(msgspec.json.decode(line, type=dict[str, Any]))
    return records


class TrainingLog:
    """The log of one model folder, as it is written. Lines that a full disk does not take wait in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG
        self.size = 0
        """Bytes that are written."""
        self._waiting = b""

    def restore(self, size: int) -> None:
        """Forget what the log says after its first `size` bytes; raise `OutputError` where that is impossible."""
        with writing(self.path), self.path.open("ab") as file:
            self.size = min(size, file.tell())
            file.truncate(self.size)

    def write(self, line: bytes) -> None:
        """Add a line, now or as soon as it can be."""
        self._waiting += line + b"\n"
        with suppress(OutputError):
            self._append()

    def flush(self) -> None:
        """Write what waits, and wait for the disk; raise `OutputError` where it takes no more."""
        self._append()
        sync(self.path)

    def _append(self) -> None:
        self.size = append(self.path, self._waiting)
        self._waiting = b""
