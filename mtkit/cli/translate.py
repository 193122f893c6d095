"""`mtkit translate`."""

from __future__ import annotations

import queue
import select
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import typer

from mtkit.cli.console import Console, discard_output
from mtkit.cli.options import Argument, add_command
from mtkit.configuration import Resolved
from mtkit.errors import CorpusError
from mtkit.settings import TranslateSettings
from mtkit.storage import new_file, writing

WINDOW = 1024
"""Most lines read ahead and translated together: sorted by length, they share batches well."""

Lines = queue.Queue[bytes | Exception | None]
CHUNK = 1 << 16
"""Bytes asked for at a time; what is there comes at once, however little."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        "translate",
        TranslateSettings,
        run,
        example="echo 'The old doctor reads a long letter.' | mtkit translate models/en-fr",
        argument=Argument("model", "Folder that mtkit train wrote.", required=True),
    )


def run(resolved: Resolved[TranslateSettings], given: Mapping[str, str | None], console: Console) -> None:
    """Translate lines from standard input to standard output, one for one and in order."""
    settings = resolved.settings
    from mtkit.translation import Translator

    with ExitStack() as stack:
        source: BinaryIO = sys.stdin.buffer
        if settings.input:
            try:
                source = stack.enter_context(open(settings.input, "rb"))
            except OSError as error:
                raise CorpusError(f"{settings.input}: cannot be read ({error.strerror})") from error
        translator = Translator.load(
            str(given["model"]), search=settings.search, device=settings.device, threads=settings.threads
        )
        sink: BinaryIO = sys.stdout.buffer
        if settings.output:
            sink = stack.enter_context(_open_output(Path(settings.output)))
        count, untranslatable, truncated = 0, 0, 0
        for lines in read_windows(source, settings.input or "standard input"):
            results = translator.translate(lines)
            try:
                sink.write("".join(f"{result.text}\n" for result in results).encode())
                sink.flush()
            except BrokenPipeError as error:
                discard_output()
                raise typer.Exit(128 + signal.SIGPIPE) from error  # as if the signal had ended us
            for number, result in enumerate(results, start=count + 1):
                if result.parts > 1:
                    console.warn(f"line {number:,} is long; it was translated in {result.parts} parts")
                if result.truncated:
                    console.detail(f"line {number:,}: the translation did not come to an end and was cut")
                untranslatable += result.untranslatable
                truncated += result.truncated
            count += len(lines)
            if console.live and not sys.stdout.isatty():
                print(f"\r{count:,} lines", end="", file=sys.stderr, flush=True)
        if console.live and count and not sys.stdout.isatty():
            print(file=sys.stderr)
        if untranslatable:
            console.warn(f"{untranslatable:,} lines hold nothing that can be translated; their translations are empty")
        if truncated:
            console.warn(f"{truncated:,} translations did not come to an end and were cut; --verbose names the lines")


@contextmanager
def _open_output(path: Path) -> Iterator[BinaryIO]:
    """Open the file of --output: a device or a pipe as it is, a file so that it appears whole or not at all."""
    if path.exists() and not path.is_file() and not path.is_dir():
        with writing(path), path.open("wb") as device:
            yield device
    else:
        with new_file(path) as draft, draft.open("wb") as file:
            yield file


def read_windows(source: BinaryIO, name: str) -> Iterator[list[str]]:
    r"""Yield the lines of a stream as they come: all that are there, up to `WINDOW`, and never waiting for more.

    So a terminal or a slow pipe is answered line by line, and a fast one in batches. Lines end at `\\n` alone; a
    `\\r` before it and a byte-order mark at the start are dropped.

    Raises:
        CorpusError: a line is not UTF-8; the lines before it have been yielded.
    """
    lines: Lines = queue.Queue(maxsize=WINDOW)
    reader = threading.Thread(target=_read, args=(source, lines), daemon=True)
    reader.start()
    number, ended = 0, False
    while not ended:
        window: list[str] = []
        raw = lines.get()
        while raw is not None:
            if isinstance(raw, Exception):
                raise CorpusError(f"{name}: cannot be read on after line {number:,} ({raw})") from raw
            number += 1
            try:
                window.append(_decode(raw, first=number == 1))
            except UnicodeDecodeError as error:
                if window:
                    yield window
                raise CorpusError(
                    f"{name}, line {number:,}: is not UTF-8 (byte {error.start + 1} is 0x{raw[error.start]:02x}); "
                    "convert it, for example with iconv"
                ) from error
            if len(window) == WINDOW:
                break
            try:
                raw = lines.get_nowait()
            except queue.Empty:
                break
        ended = raw is None
        if window:
            yield window


def _read(source: BinaryIO, lines: Lines) -> None:
    """Put the lines of a stream, with their line ends, and then None; or the error that stopped the reading.

    It reads below Python's buffer: that one has a lock, and a thread that waits for input must not hold it when the
    program ends.
    """
    raw = getattr(source, "raw", source)
    begun: list[bytes] = []
    try:
        while (chunk := raw.read(CHUNK)) != b"":
            if chunk is None:  # a stream that does not block has nothing yet
                select.select([raw], [], [])
                continue
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                lines.put(b"".join((*begun, line, b"\n")))
                begun.clear()
            if rest:
                begun.append(rest)
        if begun:
            lines.put(b"".join(begun))
        lines.put(None)
    except Exception as error:  # whatever it is, whoever waits for lines must hear of it
        lines.put(error)


def _decode(raw: bytes, *, first: bool) -> str:
    if raw.endswith(b"\n"):
        raw = raw[:-1].removesuffix(b"\r")
    if first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    return raw.decode()
