"""Work shared out among threads.

The runtime of a CPU leaves Python while it multiplies, so that threads with sentences of their own keep as many cores
busy. Two are 1.8 times as fast as one greedy and 1.9 times at beam 5; two threads inside the products 0.85 and 1.25
times (1,000 sentences of Multi30k en-de, 15.8 M weights).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(work: Callable[[J], R], jobs: Sequence[J], workers: int) -> list[R]:
    """Return `work` of each job, in order; raise the first error that a job raised.

    The threads are daemons: whoever is interrupted while they work need not wait for them to end.
    """
    if workers == 1 or len(jobs) < 2:
        return [work(job) for job in jobs]
    results: dict[int, R] = {}
    errors: list[BaseException] = []
    waiting = iter(range(len(jobs)))
    lock = threading.Lock()

    def run() -> None:
        while not errors:
            with lock:
                index = next(waiting, None)
            if index is None:
                return
            try:
                results[index] = work(jobs[index])
            except BaseException as error:  # whatever it is, the caller must hear of it
                errors.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(workers, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(jobs))]
