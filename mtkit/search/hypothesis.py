"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtkit.arrays import Reals


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation: its ids without eos, and what the model thinks of it.

    `log_prob` is the sum over its tokens, eos included; `score` is what hypotheses are ranked by (`Ranking`). A
    `truncated` hypothesis reached the greatest length before eos, so there is no eos in its sums either. `attention`
    (tokens, source tokens), where it was asked for, holds the weights of each token, eos included on both sides.
    """

    ids: tuple[int, ...]
    score: float
    log_prob: float
    truncated: bool
    attention: Reals | None = field(default=None, compare=False, repr=False)


def best_first(hypothesis: Hypothesis) -> tuple[bool, float]:
    """Order hypotheses of one sentence (a sort key): by score, but whatever ended goes before whatever was cut off.

    A model in a loop is sure of every next token, so that by their averages loops would win.
    """
    return hypothesis.truncated, -hypothesis.score
