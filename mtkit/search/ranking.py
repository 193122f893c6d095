"""What hypotheses are compared by: length normalisation and coverage penalty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtkit.arrays import Ids, Reals
from mtkit.search.active_hypotheses import ActiveHypotheses
from mtkit.search.hypothesis import Hypothesis
from mtkit.settings import SearchSettings

UNSEEN = 1e-30
"""The attention that a source piece gets at least, so that a penalty stays finite."""


@dataclass(frozen=True)
class Ranking:
    """How the hypotheses of N sentences, of `src_lengths` (N,) tokens with eos, are scored.

    score = log-probability / divisor + coverage_penalty * coverage, both as in Wu et al. (2016, section 7), but for the
    divisor of `average`. The coverage of a translation is never above 0.
    """

    settings: SearchSettings
    src_lengths: Ids
    keep_attention: bool

    @property
    def needs_attention(self) -> bool:
        """Whether attention weights are wanted, for the score or for the hypothesis."""
        return self.keep_attention or self.settings.coverage_penalty > 0

    def divisor(self, tokens: int) -> float:
        """Return what the log-probability of `tokens` tokens is divided by; it never falls with their number."""
        length = tokens if self.settings.length_norm == "average" else (5 + tokens) / 6
        return float(length**self.settings.length_penalty)

    def hypotheses(self, active: ActiveHypotheses, ended: NDArray[np.bool_]) -> Iterator[tuple[int, Hypothesis]]:
        """Make hypotheses of M active ones that go no further, `ended` (M,) in eos or not, each after its sentence."""
        columns = (active.sentences, active.lengths, active.targets, active.log_probs, ended)
        for row, (sentence, length, target, log_prob, end) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        ):
            score, weights = log_prob / self.divisor(length), None
            if active.attention is not None:
                # Without the batch's padding; a copy, so that it does not hold the whole batch.
                weights = active.attention[row, -length:, : self.src_lengths[sentence]].copy()
                if self.settings.coverage_penalty:
                    score += self.settings.coverage_penalty * coverage(weights)
            kept = weights if self.keep_attention else None
            yield sentence, Hypothesis(tuple(target[-length : len(target) - end]), score, log_prob, not end, kept)


def coverage(attention: Reals) -> float:
    """Return the sum of log(min(attention it got, 1)) over the source's pieces, from weights (tokens, pieces + eos)."""
    seen = attention[:, :-1].sum(axis=0, dtype=np.float64)
    return float(np.log(seen.clip(UNSEEN, 1)).sum())
