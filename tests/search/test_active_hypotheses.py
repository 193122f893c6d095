"""Hypotheses under way, row by row."""

from __future__ import annotations

import numpy as np

from mtkit.search import Candidates
from mtkit.search.active_hypotheses import ActiveHypotheses

PAD, UNK, BOS, EOS, A, B, C = range(7)


def test_they_start_with_bos_and_grow_by_the_candidates_that_are_chosen() -> None:
    active = ActiveHypotheses.start(np.array([0, 1]), BOS, attention=3)
    assert active.lengths.tolist() == [0, 0]
    assert active.targets.tolist() == [[BOS], [BOS]]
    first = Candidates(
        np.array([[A, B], [C, A]]),
        np.array([[-0.1, -2.0], [-0.3, -1.0]]),
        attention=np.array([[0.2, 0.8, 0.0], [1.0, 0.0, 0.0]]),
    )
    active = active.extend(first, rows=np.array([0, 0, 1]), columns=np.array([0, 1, 0]))
    assert active.lengths.tolist() == [1, 1, 1]
    assert active.sentences.tolist() == [0, 0, 1]
    assert active.targets.tolist() == [[BOS, A], [BOS, B], [BOS, C]]
    assert active.log_probs.tolist() == [-0.1, -2.0, -0.3]
    second = Candidates(
        np.array([[EOS], [C], [B]]),
        np.array([[-0.5], [-0.25], [-0.75]]),
        attention=np.array([[0.0, 0.5, 0.5], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0]]),
    )
    active = active.select(np.array([True, False, True]))
    active = active.extend(second, rows=np.array([1, 0]), columns=np.array([0, 0]))
    assert active.sentences.tolist() == [1, 0]
    assert active.targets.tolist() == [[BOS, C, C], [BOS, A, EOS]]
    np.testing.assert_allclose(active.log_probs, [-0.55, -0.6])
    expected = np.array([[[1, 0, 0], [0.1, 0.1, 0.8]], [[0.2, 0.8, 0], [0, 0.5, 0.5]]])
    assert active.attention is not None
    np.testing.assert_allclose(active.attention, expected)


def test_nobody_pays_for_attention_that_is_not_asked_for() -> None:
    active = ActiveHypotheses.start(np.array([0, 1]), BOS, attention=None)
    active = active.extend(
        Candidates(np.array([[A], [B]]), np.zeros((2, 1))), np.arange(2), np.zeros(2, dtype=np.int64)
    )
    assert active.attention is None
    assert active.select(np.array([1])).attention is None
    assert active.join(ActiveHypotheses.start(np.array([2]), BOS, attention=None)).attention is None


def test_what_is_joined_ends_in_the_newest_tokens_and_is_as_wide_as_the_longest() -> None:
    weights = np.arange(2 * 3 * 2, dtype=float).reshape(2, 3, 2)
    old = ActiveHypotheses(
        np.array([0, 2]),
        np.array([1, 2]),
        np.array([[C, C, BOS, A], [C, BOS, A, B]]),  # a longer hypothesis has left: the first column is of no use
        np.array([-1.0, -2.0]),
        weights,
    )
    active = old.join(ActiveHypotheses.start(np.array([3, 4]), BOS, attention=2))
    assert active.sentences.tolist() == [0, 2, 3, 4]
    assert active.lengths.tolist() == [1, 2, 0, 0]
    assert active.targets.shape == (4, 3)
    assert [row[-1 - length :] for row, length in zip(active.targets.tolist(), active.lengths, strict=True)] == [
        [BOS, A],
        [BOS, A, B],
        [BOS],
        [BOS],
    ]
    assert active.log_probs.tolist() == [-1.0, -2.0, 0.0, 0.0]
    assert active.attention is not None
    np.testing.assert_array_equal(active.attention[:2], weights[:, 1:])
