"""How long it takes, told from how long it took."""

from __future__ import annotations

import time

import pytest

from mtkit.cli.time_estimate import TimeEstimate, clock


def test_the_rest_takes_as_long_an_update_as_those_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    pace = TimeEstimate(first=101, updates=500)
    now += 59
    pace.advance(150)
    assert pace.left is None
    now += 41
    pace.advance(200)  # 100 updates in 100 seconds, and 300 to come
    assert [pace.elapsed, pace.left] == [100, 300]
    now += 7
    assert pace.left == 293
    now += 1e6
    assert pace.left == 0


def test_a_clock_reads_minutes_and_seconds_then_hours_and_minutes() -> None:
    assert [clock(seconds) for seconds in (0.4, 187, 3599.6, 3720)] == ["0:00 min", "3:07 min", "1:00 h", "1:02 h"]
