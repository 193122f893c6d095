"""Ctrl-C and SIGTERM as a wish to stop, granted when what is under way is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """The number of the signal that asked to stop, or None."""

    signal_number: int | None = None


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Note the first SIGINT or SIGTERM instead of dying of it; a second one acts as it always does.

    Signals reach a program's main thread only: elsewhere nothing is noted, and whoever owns that thread decides.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # a job that a script started in the background ignores Ctrl-C, and goes on ignoring it
    earlier = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}

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
