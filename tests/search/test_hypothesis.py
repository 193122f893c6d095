"""Hypotheses and their order."""

from __future__ import annotations

import numpy as np

from mtkit.search import Hypothesis
from mtkit.search.hypothesis import best_first


def test_what_ended_goes_before_what_was_cut_off_then_the_score_decides() -> None:
    loop = Hypothesis((4, 4, 4), score=-0.1, log_prob=-0.3, truncated=True)
    good = Hypothesis((4, 5), score=-0.5, log_prob=-1.5, truncated=False)
    poor = Hypothesis((4,), score=-0.9, log_prob=-1.8, truncated=False)
    assert sorted([loop, poor, good], key=best_first) == [good, poor, loop]


def test_hypotheses_are_compared_without_their_attention() -> None:
    plain = Hypothesis((4,), score=-0.5, log_prob=-1.0, truncated=False)
    assert plain == Hypothesis((4,), -0.5, -1.0, False, attention=np.ones((2, 3)))
