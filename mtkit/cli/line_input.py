"""Lines as they come in: none waits for more than itself, and none is lost."""

from __future__ import annotations

import queue
import select
import threading
import zlib
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO, TypeVar

from mtkit.cli.unpacking import unpacked
from mtkit.errors import CorpusError
from mtkit.settings import DecodingErrors
from mtkit.text.lines import LONGEST_LINE

T = TypeVar("T", list[str], list[str] | None)

WINDOW = 1024
"""Most lines read ahead and translated together: sorted by length, they share batches well."""
WINDOW_BYTES = 1 << 20
"""Most bytes of a window."""
CHUNK = 1 << 16
"""Bytes asked for at a time; what is there comes at once, however little."""
CHUNKS_AHEAD = 16
"""Chunks that are read while a window is translated: enough for the next one."""

Chunks = queue.Queue[list[bytes] | Exception | None]


class LineInput:
    r"""The lines of a stream: they end at `\\n` alone; a `\\r` before it and a leading byte-order mark are dropped.

    `name` is what messages call the stream, `errors` what becomes of a line that is not UTF-8; `replaced` counts the
    lines that held such bytes so far.
    """

    def __init__(self, source: BinaryIO, name: str, errors: DecodingErrors = "strict") -> None:
        self.name = name
        self.replaced = 0
        self._source = source
        self._errors = errors

    def windows(self) -> Iterator[list[str]]:
        """Yield the lines as they come: all that are there, up to a full window, and never waiting for more.

        So a terminal or a slow pipe is answered line by line, and a fast one in batches.

        Raises:
            CorpusError: a line is not UTF-8, or too long, or the stream breaks off, is damaged gzip, or compressed in
                another way; the lines before that have been yielded.
        """
        window: list[str] = []
        number, size = 0, 0
        try:
            for raw in self._arriving():
                if raw is not None:
                    number += 1
                    size += len(raw)
                    window.append(self._decode(raw, number))
                if window and (raw is None or len(window) == WINDOW or size >= WINDOW_BYTES):
                    yield window
                    window, size = [], 0
        except (EOFError, zlib.error) as error:
            if window:
                yield window
            raise CorpusError(
                f"{self.name}: is damaged gzip after line {number:,} ({error}); fetch or compress it again"
            ) from error
        except _Endless as error:
            if window:
                yield window
            raise CorpusError(
                f"{self.name}, line {number + 1:,}: is longer than {LONGEST_LINE:,} bytes; give text with a sentence a "
                "line, and line feeds between them"
            ) from error
        except OSError as error:
            if window:
                yield window
            raise CorpusError(f"{self.name}: cannot be read on after line {number:,} ({error})") from error
        except UnicodeDecodeError as error:
            if window:
                yield window
            raise CorpusError(
                f"{self.name}, line {number:,}: is not UTF-8 (byte {error.start + 1} is "
                f"0x{error.object[error.start]:02x}); convert it, for example with iconv, or add --errors replace"
            ) from error
        if window:
            yield window

    def _arriving(self) -> Iterator[bytes | None]:
        """Yield the lines with their line ends, and None wherever the next one has not come yet."""
        chunks: Chunks = queue.Queue(maxsize=CHUNKS_AHEAD)
        threading.Thread(target=_read, args=(self._source, self.name, chunks), daemon=True).start()
        while True:
            if chunks.empty():
                yield None
            lines = chunks.get()
            if isinstance(lines, Exception):
                raise lines
            if lines is None:
                return
            yield from lines

    def _decode(self, raw: bytes, number: int) -> str:
        if raw.endswith(b"\n"):
            raw = raw[:-1].removesuffix(b"\r")
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            if self._errors == "strict":
                raise
            self.replaced += 1
            return raw.decode(errors=self._errors)


class _Endless(Exception):
    """Raised where a line is longer than `LONGEST_LINE`."""


def _read(source: BinaryIO, name: str, chunks: Chunks) -> None:
    """Put the lines of a stream, with their line ends, and then None; or the error that stopped the reading.

    It reads below Python's buffer: that one has a lock, and a thread that waits for input must not hold it when the
    program ends.
    """
    raw = getattr(source, "raw", source)
    begun: list[bytes] = []
    size = 0
    try:
        for chunk in unpacked(_chunks(raw), name):
            *whole, rest = chunk.split(b"\n")
            if whole:
                whole[0] = b"".join((*begun, whole[0]))
                begun.clear()
                size = 0
                if len(whole[0]) > LONGEST_LINE:
                    raise _Endless
                chunks.put([line + b"\n" for line in whole])
            if rest:
                begun.append(rest)
                size += len(rest)
                if size > LONGEST_LINE:
                    raise _Endless
        if begun:
            chunks.put([b"".join(begun)])
        chunks.put(None)
    except Exception as error:  # whatever it is, whoever waits for lines must hear of it
        chunks.put(error)


def _chunks(raw: BinaryIO) -> Iterator[bytes]:
    """Yield what comes, as soon as it does."""
    while (chunk := raw.read(CHUNK)) != b"":
        if chunk is None:  # a stream that does not block has nothing yet
            select.select([raw], [], [])
            continue
        yield chunk


def after(windows: Iterator[tuple[list[str], T]], count: int, name: str) -> Iterator[tuple[list[str], T]]:
    """Yield what comes after the first `count` lines, of each window and of what goes with it line by line.

    Raises:
        CorpusError: there are not as many lines.
    """
    left = count
    for window, partners in windows:
        if left < len(window):
            yield (window[left:], partners[left:] if partners else partners)
        left = max(0, left - len(window))
    if left:
        raise CorpusError(
            f"{name}: ends after {count - left:,} lines, and {count:,} are translated already; give the text that the "
            "translation began with"
        )


def paired_lines(lines: LineInput, others: LineInput) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the lines of each window, and as many of the input that goes with them line by line.

    Raises:
        CorpusError: as `LineInput.windows`, of either; or one has more lines than the other. What comes before that in
            both has been yielded.
    """
    partners, count = chain.from_iterable(others.windows()), 0
    for window in lines.windows():
        found: list[str] = []
        try:
            for partner in islice(partners, len(window)):
                found.append(partner)  # noqa: PERF402 - one by one, so that an error leaves those before it
        except CorpusError:
            if found:
                yield window[: len(found)], found
            raise
        count += len(found)
        if found:
            yield window[: len(found)], found
        if len(found) < len(window):
            raise CorpusError(
                f"{others.name} ends after {count:,} lines and {lines.name} goes on; give a line for each line"
            )
    if next(partners, None) is not None:
        raise CorpusError(
            f"{lines.name} ends after {count:,} lines and {others.name} goes on; give a line for each line"
        )
