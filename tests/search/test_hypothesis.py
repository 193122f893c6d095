"""Limits and ranking."""

from __future__ import annotations

import numpy as np

from mtkit.search import Hypothesis, length_limits
from mtkit.search.hypothesis import best_first


def test_limits_are_generous_for_short_sentences_and_grow_with_the_source():
    assert length_limits(np.array([1, 10, 200])).tolist() == [22, 40, 420]


def test_what_ended_goes_before_what_was_cut_off_then_the_score_decides():
    loop = Hypothesis((4, 4, 4), score=-0.1, log_prob=-0.3, truncated=True)
    good = Hypothesis((4, 5), score=-0.5, log_prob=-1.5, truncated=False)
    poor = Hypothesis((4,), score=-0.9, log_prob=-1.8, truncated=False)
    assert sorted([loop, poor, good], key=best_first) == [good, poor, loop]
