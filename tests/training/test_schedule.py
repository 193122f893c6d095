"""The learning rate over a training."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mtkit.settings import ScheduleName
from mtkit.training.schedule import FLOOR, Schedule

SCHEDULE = Schedule("cosine", peak=0.002, warmup=50, updates=1000)


def test_warm_up_is_linear() -> None:
    for update in range(1, 51):
        assert SCHEDULE.rate(update) == pytest.approx(0.002 * update / 50)


def test_the_peak_is_reached_once_at_the_end_of_warm_up() -> None:
    rates = [SCHEDULE.rate(update) for update in range(1, 1001)]
    assert max(rates) == rates[49] == 0.002
    assert rates.count(0.002) == 1


def test_after_the_peak_it_only_falls_and_ends_at_the_floor() -> None:
    rates = [SCHEDULE.rate(update) for update in range(50, 1001)]
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[-1] == pytest.approx(0.002 * FLOOR)
    assert SCHEDULE.rate(525) == pytest.approx(0.002 * (1 + FLOOR) / 2), "half way down at half time"


def test_no_step_is_abrupt() -> None:
    rates = [SCHEDULE.rate(update) for update in range(1, 1001)]
    assert max(abs(later - earlier) for earlier, later in pairwise(rates)) <= 0.002 / 50 + 1e-12


@pytest.mark.parametrize("updates", [1, 2, 5])
def test_short_trainings_without_warm_up_have_rates_too(updates: int) -> None:
    schedule = Schedule("cosine", peak=0.002, warmup=0, updates=updates)
    rates = [schedule.rate(update) for update in range(1, updates + 1)]
    assert all(0 < rate <= 0.002 for rate in rates)
    assert rates[-1] == pytest.approx(0.002 * FLOOR)


def test_it_is_never_negative_beyond_the_end() -> None:
    assert SCHEDULE.rate(1500) == pytest.approx(0.002 * FLOOR)


@pytest.mark.parametrize("name", ["cosine", "inverse-sqrt", "plateau"])
def test_every_schedule_warms_up_to_the_peak_without_a_jump(name: ScheduleName) -> None:
    schedule = Schedule(name, peak=0.002, warmup=50, updates=1000)
    assert [schedule.rate(update) for update in (25, 50)] == pytest.approx([0.001, 0.002])
    assert schedule.rate(51) == pytest.approx(0.002, rel=0.02)


def test_the_inverse_square_root_halves_the_rate_when_updates_are_fourfold() -> None:
    schedule = Schedule("inverse-sqrt", peak=0.002, warmup=50, updates=1000)
    assert [schedule.rate(update) for update in (50, 200, 800)] == pytest.approx([0.002, 0.001, 0.0005])


def test_the_plateau_stays_at_the_peak_until_it_is_halved_and_ends_at_the_floor() -> None:
    schedule = Schedule("plateau", peak=0.002, warmup=50, updates=1000)
    assert schedule.rate(60) == schedule.rate(1000) == 0.002
    assert [schedule.rate(60, halvings) for halvings in (1, 2, 30)] == pytest.approx([0.001, 0.0005, 0.002 * FLOOR])
