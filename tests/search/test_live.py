"""Hypotheses under way, row by row."""

from __future__ import annotations

import numpy as np

from mtkit.search import Candidates
from mtkit.search.live import Live

PAD, UNK, BOS, EOS, A, B, C = range(7)

SRC = np.array([[A, B, EOS], [C, EOS, PAD]])


def test_they_start_with_bos_and_grow_by_the_candidates_that_are_chosen():
    live = Live.start(SRC, BOS, attention=True)
    assert live.length == 0
    first = Candidates(
        np.array([[A, B], [C, A]]),
        np.array([[-0.1, -2.0], [-0.3, -1.0]]),
        attention=np.array([[0.2, 0.8, 0.0], [1.0, 0.0, 0.0]]),
    )
    live = live.extend(first, rows=np.array([0, 0, 1]), columns=np.array([0, 1, 0]))
    assert live.length == 1
    assert live.sentences.tolist() == [0, 0, 1]
    assert live.targets.tolist() == [[BOS, A], [BOS, B], [BOS, C]]
    assert live.log_probs.tolist() == [-0.1, -2.0, -0.3]
    second = Candidates(
        np.array([[EOS], [C], [B]]),
        np.array([[-0.5], [-0.25], [-0.75]]),
        attention=np.array([[0.0, 0.5, 0.5], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0]]),
    )
    live = live.select(np.array([True, False, True]))
    live = live.extend(second, rows=np.array([1, 0]), columns=np.array([0, 0]))
    assert live.sentences.tolist() == [1, 0]
    assert live.targets.tolist() == [[BOS, C, C], [BOS, A, EOS]]
    np.testing.assert_allclose(live.log_probs, [-0.55, -0.6])
    np.testing.assert_allclose(live.attention, [[[1, 0, 0], [0.1, 0.1, 0.8]], [[0.2, 0.8, 0], [0, 0.5, 0.5]]])


def test_nobody_pays_for_attention_that_is_not_asked_for():
    live = Live.start(SRC, BOS, attention=False)
    live = live.extend(Candidates(np.array([[A], [B]]), np.zeros((2, 1))), np.arange(2), np.zeros(2, dtype=np.int64))
    assert live.attention is None
    assert live.select(np.array([1])).attention is None
