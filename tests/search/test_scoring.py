"""Forced decoding adds up what the table says of given targets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from .conftest import MakeSearcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)


def test_it_sums_the_log_probabilities_of_every_token_and_eos(searcher: MakeSearcher) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.5, 0.25, 0.125, 0.125]))
    sources = [(A, EOS), (A, B, EOS), (C, EOS)]
    targets = [
        (A, B, EOS),  # 1/4 * 1/8 * 1/2
        (EOS,),  # 1/2: an empty target has a score, too
        (A, A, A, EOS),  # 1/4 * 1/4 * 1/4 * 1/2
    ]
    log_probs = search.score(sources, targets)
    assert log_probs == pytest.approx([-6 * math.log(2), -math.log(2), -7 * math.log(2)])
    assert search.stepper.rows == [3, 2, 2, 1]


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_and_order_change_nothing(searcher: MakeSearcher, sources: list[Sentence], seed: int) -> None:
    search = searcher(seed=seed)
    targets = [(A, EOS), (B, C, B, EOS), (EOS,), (C, C, EOS), (A, B, C, A, B, EOS)]
    alone = [search.score([source], [target])[0] for source, target in zip(sources, targets, strict=True)]
    assert search.score(sources, targets).tolist() == alone
    assert search.score(sources[::-1], targets[::-1]).tolist() == alone[::-1]


def test_a_target_that_cannot_be_has_no_probability(searcher: MakeSearcher) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.5, 0.5, 0.0, 0.0]))
    assert search.score([(A, EOS)], [(B, EOS)])[0] == -math.inf
