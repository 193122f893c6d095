"""What a search finds, and how what it finds is ranked."""

from __future__ import annotations

from dataclasses import dataclass

from mtkit.search.stepper import Ids, Reals


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation: its ids without eos, and what the model thinks of it.

    `log_prob` is the sum over its tokens, eos included; `score` is `log_prob / tokens ** length_penalty`, the average
    at a length penalty of 1 (Wu et al. 2016 divide by ((5 + tokens) / 6) ** penalty instead). A `truncated` hypothesis
    reached the greatest length before eos, so there is no eos in its sums either. `attention` (tokens, S), where it was asked for, holds the weights of each token.
    """

    ids: tuple[int, ...]
    score: float
    log_prob: float
    truncated: bool
    attention: Reals | None = None


def best_first(hypothesis: Hypothesis) -> tuple[bool, float]:
    """Order hypotheses of one sentence (a sort key): by score, but whatever ended goes before whatever was cut off.

    A model in a loop is sure of every next token, so that by their averages loops would win.
    """
    return hypothesis.truncated, -hypothesis.score


def length_limits(src_lengths: Ids) -> Ids:
    """Return the most target tokens, eos included, that a search takes for sources of these lengths (N,) -> (N,).

    Twice the source and 20 more: translations hardly ever get there, loops are stopped.
    """
    return 2 * src_lengths + 20
