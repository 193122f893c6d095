"""What the commands print beside their results: lines on standard error, plain wherever they are not read live.

Standard error may be full, closed or gone with its terminal. That never costs work: see `protect_standard_error`.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

_COMMANDS_OF_TERMINALS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class UnfailingStream:
    """A text stream of which what cannot be written is lost, and nothing else is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or do not; return the characters given."""
        with suppress(OSError, ValueError):  # the latter of a stream that is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do not."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def protect_standard_error() -> None:
    """See to it that standard error never raises, whoever writes on it, nor fails the process when it is flushed last.

    It is tried again each time: a disk that was full may have space by then.
    """
    if not isinstance(sys.stderr, UnfailingStream):
        sys.stderr = cast(TextIO, UnfailingStream(sys.stderr))


class Console:
    """Says lines on standard error. `quiet` leaves only warnings and errors, `verbose` adds details."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self._in_progress = False

    @property
    def live(self) -> bool:
        """Whether somebody watches: standard error is a terminal that can redraw, and quiet was not asked for."""
        return sys.stderr.isatty() and not self.quiet and os.environ.get("TERM") != "dumb"

    def say(self, line: str) -> None:
        """Tell how the work goes."""
        if not self.quiet:
            self._print(line)

    def detail(self, line: str) -> None:
        """Tell what only `--verbose` asks for."""
        if self.verbose:
            self._print(line)

    def warn(self, line: str) -> None:
        """Tell what the user may not have expected."""
        self._print(line, label=f"{paint('Warning:', '33')} ")

    def progress(self, line: str) -> None:
        """Tell how far the work is, on a line that the next progress is written over; for where somebody watches."""
        print(f"\r{printable(line)}", end="", file=sys.stderr, flush=True)
        self._in_progress = True

    def end_progress(self) -> None:
        """Leave the line of the progress, if there is one, so that what follows has a line of its own."""
        if self._in_progress:
            print(file=sys.stderr, flush=True)
        self._in_progress = False

    def _print(self, line: str, label: str = "") -> None:
        self.end_progress()
        print(f"{label}{printable(line)}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Spell out what would command the terminal instead of being shown: text from files shall not."""
    return _COMMANDS_OF_TERMINALS.sub(lambda match: ascii(match[0])[1:-1], text)


def fail(message: str) -> None:
    """Print the one line of an error, whatever the names in it hold."""
    line = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in message)
    print(f"{paint('Error:', '31')} {line}", file=sys.stderr, flush=True)


def paint(text: str, colour: str) -> str:
    """Colour a word with an ANSI code where standard error is a terminal and NO_COLOR is not set."""
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[{colour}m{text}\033[0m"
    return text


def discard_output() -> None:
    """Send what is still to be written on standard output nowhere: whoever read it has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
