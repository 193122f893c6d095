"""Scores, from numbers that can be checked by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mtkit.search.active_hypotheses import ActiveHypotheses
from mtkit.search.ranking import Ranking, coverage
from mtkit.settings import SearchSettings

PAD, UNK, BOS, EOS, A, B, C = range(7)


def ranking(*, keep_attention: bool = False, **options: Any) -> Ranking:
    return Ranking(SearchSettings(**options), np.array([3, 4]), keep_attention)


def test_divisors_are_those_of_the_formulas() -> None:
    assert ranking().divisor(7) == 7
    assert ranking(length_penalty=0.5).divisor(9) == pytest.approx(3)
    assert ranking(length_norm="wu", length_penalty=0.6).divisor(13) == pytest.approx(3**0.6)
    assert ranking(length_norm="wu").divisor(1) == 1
    assert ranking(length_penalty=0).divisor(50) == 1


@pytest.mark.parametrize("norm", ["average", "wu"])
@pytest.mark.parametrize("penalty", [0.0, 0.3, 1.0, 10.0])
def test_no_divisor_falls_with_the_length_so_that_pruning_is_safe(norm: str, penalty: float) -> None:
    divisors = [ranking(length_norm=norm, length_penalty=penalty).divisor(length) for length in range(1, 300)]
    assert divisors == sorted(divisors)


def test_coverage_counts_the_pieces_that_got_less_than_1() -> None:
    attention = np.array(
        [
            # A    B    C   </s>
            [0.9, 0.1, 0.0, 0.0],
            [0.6, 0.1, 0.3, 0.0],
            [0.0, 0.3, 0.2, 0.5],
        ]
    )
    assert coverage(attention) == pytest.approx(math.log(0.5) + math.log(0.5))  # A got more than 1, </s> is no piece
    assert coverage(attention[:1]) < coverage(attention[:2]) < coverage(attention) < 0
    assert math.isfinite(coverage(attention[:1]))
    assert coverage(np.ones((2, 1))) == 0  # a source without pieces


def test_hypotheses_lose_eos_bos_and_all_padding() -> None:
    weights = np.arange(2 * 2 * 4).reshape(2, 2, 4) / 100
    lengths = np.array([2, 1])  # of the second, the first column is padding
    active = ActiveHypotheses(
        np.array([1, 0]), lengths, np.array([[BOS, A, EOS], [PAD, BOS, C]]), np.array([-1.0, -3.0]), weights
    )
    found = dict(ranking(keep_attention=True, coverage_penalty=0.5).hypotheses(active, np.array([True, False])))
    assert (found[1].ids, found[1].log_prob, found[1].truncated) == ((A,), -1.0, False)
    assert (found[0].ids, found[0].log_prob, found[0].truncated) == ((C,), -3.0, True)
    np.testing.assert_array_equal(found[1].attention, weights[0])
    np.testing.assert_array_equal(found[0].attention, weights[1, 1:, :3])
    assert found[1].score == pytest.approx(-0.5 + 0.5 * coverage(weights[0]))
    assert found[0].score == pytest.approx(-3.0 + 0.5 * coverage(weights[1, 1:, :3]))


def test_attention_is_kept_only_where_it_is_asked_for() -> None:
    assert not ranking().needs_attention
    assert ranking(coverage_penalty=0.1).needs_attention
    active = ActiveHypotheses(
        np.array([1]), np.array([2]), np.array([[BOS, A, EOS]]), np.array([-1.0]), np.full((1, 2, 4), 0.25)
    )
    [(_, hypothesis)] = ranking(coverage_penalty=0.1).hypotheses(active, np.array([True]))
    assert hypothesis.attention is None
