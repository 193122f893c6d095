"""Lines of a text file, plain or gzip.

Lines end at a line feed alone. Every other character that some tool takes for a line end (U+2028, U+0085, a form feed,
a lone carriage return) stays inside its line, since splitting at it on one side would shift all pairs that follow.

A path is opened once and read from its beginning on, so a pipe (`<(command)`, /dev/stdin, a FIFO) loses nothing.
"""

from __future__ import annotations

import gzip
import io
import stat
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mtkit.errors import CorpusError
from mtkit.storage import LFS_POINTER, POINTER_FAULT

LONGEST_LINE = 1 << 20
"""Bytes. A line is a sentence, or in a file of embeddings a vector: a longer one comes of a file that is not text or
has other line ends. What a line is made into takes up to 100 times its size."""

PACKED_BY = {".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}
"""Compressed files that are not read: what made them, by the end of their names."""

# By content, not by name: no text begins so.
GZIP_MAGIC = b"\x1f\x8b"
PACKED_MAGIC = {b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst", b"PK\x03\x04": ".zip"} | {
    b"BZh%d1AY&SY" % level: ".bz2" for level in range(1, 10)
}
_BLOCK = 1 << 16
_HEAD = max(map(len, PACKED_MAGIC))

Opener = Callable[[Path], AbstractContextManager[BinaryIO]]
"""Opens a file to read its bytes, unpacked, from the beginning."""


def is_readable(path: Path) -> bool:
    """Return whether there is something to read at a path: a file, or a pipe or a device that gives bytes."""
    return path.exists() and not path.is_dir()


def is_pipe(path: Path) -> bool:
    """Return whether what is at a path may be read only once: it is there, and neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def opening(path: Path, watch: Callable[[bytes], object] | None = None) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, unpacked where they are gzip.

    Args:
        path: the file, or a pipe.
        watch: is given all bytes that are read, as they are in the file.

    Raises:
        OSError: the file cannot be read.
        CorpusError: it is compressed in another way.
    """
    with path.open("rb", buffering=0) as file, _Watched(cast(io.RawIOBase, file), watch) as watched:
        for magic, suffix in PACKED_MAGIC.items():
            if watched.head.startswith(magic):
                raise packed_error(path, suffix)
        buffered = io.BufferedReader(watched, 1 << 16)
        if watched.head.startswith(GZIP_MAGIC):
            with gzip.GzipFile(fileobj=buffered) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield cast(BinaryIO, buffered)


def read_lines(path: Path, open_file: Opener = opening) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, plain or gzip, without line ends and a leading byte-order mark.

    Raises:
        CorpusError: the file cannot be read, is damaged gzip, or a line is not UTF-8 or longer than `LONGEST_LINE`.
    """
    number = 0
    try:
        with open_file(path) as file:
            for block in _blocks(cast(io.BufferedIOBase, file)):
                if not number and block.startswith(LFS_POINTER):
                    raise CorpusError(f"{path}: {POINTER_FAULT}")
                if block.find(b"\n") > LONGEST_LINE or len(block) > LONGEST_LINE:  # its first line alone can be
                    _check_length(block, f"{path}, line {number + 1}")
                for line in _decoded(block if number else block.removeprefix(BOM_UTF8)):
                    number += 1
                    yield line.removesuffix("\r")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}, line {number + 1}: not UTF-8 (its byte {error.start + 1} is 0x{error.object[error.start]:02x}); "
            "convert the file to UTF-8, for example with iconv"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(f"{path}: damaged gzip after line {number}; fetch or compress the file again") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error


def _blocks(file: io.BufferedIOBase) -> Iterator[bytes]:
    """Yield whole lines, as many as come at a time, without the last one's line feed; or too much of one line."""
    rest = b""
    while content := file.read1(_BLOCK):
        lines, end, after = content.rpartition(b"\n")
        if end:
            yield rest + lines
            rest = after
        else:
            rest += content
            if len(rest) > LONGEST_LINE + 1:  # a carriage return may be the last
                break
    if rest:
        yield rest


def _check_length(block: bytes, name: str) -> None:
    if len(block.partition(b"\n")[0].removesuffix(b"\r")) > LONGEST_LINE:
        raise CorpusError(
            f"{name}: is longer than {LONGEST_LINE:,} bytes; give text with a sentence a line, and line feeds between "
            "them"
        )


def _decoded(block: bytes) -> Iterator[str]:
    """Yield the lines of a block; decoding it whole takes a third of the time, but hides which line is bad."""
    try:
        lines = block.decode().split("\n")
    except UnicodeDecodeError:
        yield from (line.decode() for line in block.split(b"\n"))
    else:
        yield from lines


def packed_error(name: object, suffix: str) -> CorpusError:
    """Return the error of a file that is compressed in a way that is not read: `suffix` is one of `PACKED_BY`."""
    return CorpusError(f"{name}: is packed by {PACKED_BY[suffix]}, which is not read; unpack it, or pack it by gzip")


class _Watched(io.RawIOBase):
    """A file whose first bytes are known before it is read, and whose bytes are all shown to `watch`."""

    def __init__(self, file: io.RawIOBase, watch: Callable[[bytes], object] | None) -> None:
        self._file = file
        self._watch = watch
        self.head = b""
        while len(self.head) < _HEAD and (more := file.read(_HEAD - len(self.head))):
            self.head += more  # a pipe may give one byte at a time
        self._rest = self.head

    def readable(self) -> bool:
        """Always; it is for nothing else."""
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        """Fill in the next bytes; return how many, 0 at the end."""
        if self._rest:
            size = min(len(self._rest), len(buffer))
            buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        else:
            size = self._file.readinto(buffer) or 0
        if self._watch is not None:
            self._watch(bytes(buffer[:size]))
        return size
