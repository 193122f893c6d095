"""Work shared out among threads comes back in order, and its errors come out."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from mtkit.translation.parallel import in_parallel, usable_cores


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_results_are_in_the_order_of_the_jobs(workers: int, count: int) -> None:
    assert in_parallel(lambda job, check: job * job, list(range(count)), workers) == [job * job for job in range(count)]


def test_workers_work_at_the_same_time() -> None:
    everyone = threading.Barrier(3, timeout=20)
    assert in_parallel(lambda job, check: everyone.wait() >= 0, [1, 2, 3], 3) == [True] * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_is_raised(workers: int) -> None:
    def work(job: int, check: Callable[[], None]) -> int:
        if job == 3:
            raise ValueError("three")
        return job

    with pytest.raises(ValueError, match="three"):
        in_parallel(work, list(range(8)), workers)


def test_an_interruption_ends_the_threads_before_it_goes_on() -> None:
    """KeyboardInterrupt reaches the main thread; the others hear of it where they check."""
    begun, before = threading.Barrier(3, timeout=20), threading.active_count()

    def work(job: int, check: Callable[[], None]) -> None:
        begun.wait()
        while True:
            check()

    def interrupt() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, [1, 2, 3], 2)
    assert threading.active_count() <= before + 1


def test_an_error_stops_the_others_where_they_check() -> None:
    def work(job: int, check: Callable[[], None]) -> None:
        if job == 0:
            raise ValueError("zero")
        while True:
            check()

    with pytest.raises(ValueError, match="zero"):
        in_parallel(work, [1, 0], 2)


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
