"""log.jsonl in a model folder: what training told, one JSON object a line.

    {"kind": "started", ...}      once, before the first update
    {"kind": "note", ...}         what else there is to know, as the weights that it starts from
    {"kind": "report", ...}       every few updates
    {"kind": "validation", ...}   with sample translations
    {"kind": "warning", ...}      where it does not go as it was meant to
    {"kind": "finished", ...}     once, at the end

The fields are those of the events, without the folder, which may move; `elapsed` is the seconds of training so far. A
training that is resumed goes on in the same log, from where it was when the state was saved.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from mtkit.training.events import Event, Finished, Note, Reported, Started, Validated, Warned

LOG = "log.jsonl"

KINDS = {
    Started: "started",
    Note: "note",
    Reported: "report",
    Validated: "validation",
    Warned: "warning",
    Finished: "finished",
}


def log_line(event: Event, elapsed: float) -> bytes:
    """Return an event as a record of the log."""
    fields = {name: value for name, value in vars(event).items() if name != "out"}
    return msgspec.json.encode({"kind": KINDS[type(event)], **fields, "elapsed": round(elapsed, 3)})


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the records, none where there is no log yet, and without lines that are damaged."""
    log, records = folder / LOG, []
    for line in log.read_bytes().splitlines() if log.exists() else []:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            records.append(msgspec.json.decode(line, type=dict[str, Any]))
    return records
