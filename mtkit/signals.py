"""Ctrl-C, SIGTERM and what stands for it as a wish to stop, granted when what is under way is done.

A closed terminal sends SIGHUP, and Slurm sends SIGUSR1 ahead of a time limit: each asks to end, as SIGTERM does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATING = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)  # Windows has the first
)
"""The signals that ask a process to end, wherever SIGTERM is heeded."""


def heeded(numbers: Iterable[signal.Signals]) -> list[signal.Signals]:
    """Return those signals that are not ignored: one that whoever started us ignores (nohup, a script) stays so."""
    # None is the handler of another language's library, which could not be put back
    return [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]


class StopRequest:
    """The number of the signal that asked to stop, or None."""

    signal_number: int | None = None


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Note the first SIGINT or `TERMINATING` signal instead of dying of it; a second one acts as it always does.

    Signals reach a program's main thread only: elsewhere nothing is noted, and whoever owns that thread decides.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    earlier = {number: signal.getsignal(number) for number in heeded((signal.SIGINT, *TERMINATING))}

    def note(number: int, frame: FrameType | None) -> None:
        request.signal_number = number
        restore()

    def restore() -> None:
        for number, handler in earlier.items():
            signal.signal(number, handler)

    for number in earlier:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
