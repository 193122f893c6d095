"""The file that a command writes line by line: it appears whole or not at all, and a stop keeps what there is.

Until it is whole, its lines are in a file beside it, `out.part` for `out`. One that a stop left holds whole lines, but
perhaps for the last, so that their number says where the work goes on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mtkit.errors import SettingsError
from mtkit.lock import locked
from mtkit.storage import sync, writing

_BLOCK = 1 << 20


class OutputFile:
    """What is written: `part` is where its lines are, `lines` how many were there at the beginning."""

    def __init__(self, part: Path, sink: BinaryIO, lines: int) -> None:
        self.part, self.sink, self.lines = part, sink, lines
        self.kept = 0
        """Lines that were left in `part`, once it is over."""


@contextmanager
def output_file(path: Path, *, resume: bool) -> Iterator[OutputFile]:
    """Open the file, for lines at the end of `part`; at the end it is put in its place.

    After an error `part` stays where it holds a whole line, and nothing but whole ones. What is there but not a file,
    such as a pipe or /dev/null, is written as it is.

    Args:
        path: the file. A link is followed: the file it leads to is replaced.
        resume: go on with the lines of `part`, if it is there; otherwise it begins again.

    Raises:
        OutputError: it cannot be written, or another process is writing it.
        SettingsError: what is not a file is to be resumed.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        if resume:
            raise SettingsError(f"--resume goes on with a file, and {path} is not one; leave it out")
        with writing(path), path.open("wb") as sink:
            yield OutputFile(path, sink, 0)
        return
    with writing(path):
        place = Path(os.path.realpath(path))
        if place.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.part")
    with locked(place):
        with writing(part):
            lines = _whole_lines(part) if resume else 0
            sink = part.open("ab" if resume else "wb")
        file = OutputFile(part, sink, lines)
        try:
            with writing(path), sink:
                yield file
            with writing(path):
                sync(part)
                os.replace(part, place)
                sync(place.parent)
        except BaseException:
            with writing(part):
                file.kept = _whole_lines(part)
                if not file.kept:
                    part.unlink()
            raise


def _whole_lines(part: Path) -> int:
    """Count the lines of a file, of which there may be none, and cut off what comes after the last whole one."""
    lines, end, position = 0, 0, 0
    if not part.exists():
        return 0
    with part.open("r+b") as file:
        while block := file.read(_BLOCK):
            lines += block.count(b"\n")
            if (last := block.rfind(b"\n")) >= 0:
                end = position + last + 1
            position += len(block)
        file.truncate(end)
    return lines
