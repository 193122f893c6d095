"""What a translation says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.translation.translation import LOOP_RUN, LOOP_TIMES, Translation, is_loop

WORDS = st.integers(4, 50)


@given(
    st.lists(WORDS, max_size=10, unique=True),
    st.lists(WORDS, min_size=1, max_size=LOOP_RUN, unique=True),
    st.integers(LOOP_TIMES, 9),
)
def test_a_run_that_comes_often_is_a_loop_wherever_it_stands(before: list[int], run: list[int], times: int) -> None:
    assert is_loop([1, 2, 3], before + run * times)
    assert is_loop([1, 2, 3], run * times + before)


@given(st.lists(WORDS, min_size=1, max_size=8), st.integers(1, 12))
def test_a_source_that_repeats_itself_may_be_followed(run: list[int], times: int) -> None:
    assert not is_loop(run * times, run * times)


@given(st.lists(WORDS, unique=True), st.lists(WORDS, unique=True))
def test_nothing_that_comes_twice_is_no_loop(source: list[int], target: list[int]) -> None:
    assert not is_loop(source, target)


@pytest.mark.parametrize(
    ("target", "loop"),
    [
        ([], False),
        ([5] * (LOOP_TIMES - 1), False),
        ([5] * LOOP_TIMES, True),
        ([5, 6] * (LOOP_TIMES - 1) + [5], False),
        ([9, 5, 6, 5, 7, 5, 8, 5], False),  # often, but not in a row
    ],
)
def test_how_often_is_a_loop(target: list[int], loop: bool) -> None:
    assert is_loop([5, 6], target) == loop


def test_flags_name_what_is_unusual() -> None:
    assert Translation("a", "b", -1.0).flags == []
    translation = Translation(
        "a", "b", -1.0, truncated=True, loop=True, copied=True, parts=2, untranslatable=True, unknown=True
    )
    assert translation.flags == ["truncated", "loop", "copied", "split", "untranslatable", "unknown"]
