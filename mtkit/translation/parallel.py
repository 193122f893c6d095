"""Work shared out among threads.

The runtime of a CPU leaves Python while it multiplies, so that threads with sentences of their own keep as many cores
busy. Two are 1.8 times as fast as one greedy and 1.9 times at beam 5; two threads inside the products 0.85 and 1.25
times (1,000 sentences of Multi30k en-de, 15.8 M weights).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mtkit.arrays import Ids
from mtkit.search import Candidates, Distribution, Stepper

J = TypeVar("J")
R = TypeVar("R")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Stopped(Exception):
    """Raised in a thread whose work nobody waits for any more."""


def in_parallel(work: Callable[[J, Callable[[], None]], R], jobs: Sequence[J], workers: int) -> list[R]:
    """Return `work(job, check)` of each job, in order; raise the first error that one raised.

    Whoever is interrupted while threads work waits for them, since ONNX Runtime must not be cut off: so `work` calls
    `check` often, which raises `Stopped` when the rest is of no use.
    """
    if workers == 1 or len(jobs) < 2:
        return [work(job, lambda: None) for job in jobs]
    results: dict[int, R] = {}
    errors: list[BaseException] = []
    stopped = threading.Event()
    waiting = iter(range(len(jobs)))
    lock = threading.Lock()

    def check() -> None:
        if stopped.is_set():
            raise Stopped

    def run() -> None:
        try:
            while True:
                check()
                with lock:
                    index = next(waiting, None)
                if index is None:
                    return
                results[index] = work(jobs[index], check)
        except Stopped:
            pass
        except BaseException as error:  # whatever it is, the caller must hear of it
            errors.append(error)
            stopped.set()

    threads = [threading.Thread(target=run) for _ in range(min(workers, len(jobs)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a signal that another thread received is heard of only between waits
                thread.join(timeout=0.1)
    except BaseException:  # an interruption
        stopped.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        raise
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(jobs))]


class CancellableStepper:
    """A stepper that calls `check` before every step, which may raise."""

    def __init__(self, stepper: Stepper[Any], check: Callable[[], None]) -> None:
        self.stepper, self.check = stepper, check

    def start(self, src: Ids, src_lengths: Ids) -> Any:
        """See `search.Stepper`."""
        self.check()
        return self.stepper.start(src, src_lengths)

    def step(self, *arguments: Any, **options: Any) -> tuple[Candidates, Any]:
        """See `search.Stepper`."""
        self.check()
        return self.stepper.step(*arguments, **options)

    def distribution(self, *arguments: Any, **options: Any) -> tuple[Distribution, Any]:
        """See `search.Stepper`."""
        self.check()
        return self.stepper.distribution(*arguments, **options)
