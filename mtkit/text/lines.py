"""Lines of a text file, plain or gzip.

Lines end at a line feed alone. Every other character that some tool takes for a line end (U+2028, U+0085, a form feed,
a lone carriage return) stays inside its line, since splitting at it on one side would shift all pairs that follow.
"""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mtkit.errors import CorpusError

_GZIP_MAGIC = b"\x1f\x8b"  # never the start of UTF-8 text, so content decides, not the name


@contextmanager
def opening(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, unpacked where they are gzip.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as probe:
        zipped = probe.read(2) == _GZIP_MAGIC
    with gzip.open(path, "rb") if zipped else path.open("rb") as file:
        yield cast(BinaryIO, file)


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, plain or gzip, without line ends and a leading byte-order mark.

    Raises:
        CorpusError: the file cannot be read, is damaged gzip, or a line is not UTF-8.
    """
    number = 0
    try:
        with opening(path) as file:
            for number, raw in enumerate(file, 1):
                line = raw.removeprefix(BOM_UTF8) if number == 1 else raw
                yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}, line {number}: not UTF-8 (its byte {error.start + 1} is 0x{error.object[error.start]:02x}); "
            "convert the file to UTF-8, for example with iconv"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(f"{path}: damaged gzip after line {number}; fetch or compress the file again") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
