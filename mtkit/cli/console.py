"""What the commands say beside their results: lines on standard error, plain wherever they are not read live."""

from __future__ import annotations

import os
import sys


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
        self._print(f"{paint('Warning:', '33')} {line}")

    def progress(self, line: str) -> None:
        """Tell how far the work is, on a line that the next progress is written over; for where somebody watches."""
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
        self._in_progress = True

    def end_progress(self) -> None:
        """Leave the line of the progress, if there is one, so that what follows has a line of its own."""
        if self._in_progress:
            print(file=sys.stderr, flush=True)
        self._in_progress = False

    def _print(self, line: str) -> None:
        self.end_progress()
        print(line, file=sys.stderr, flush=True)


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
