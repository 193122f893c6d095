"""Hypotheses that are still under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtkit.arrays import Ids, Reals
from mtkit.search.stepper import Candidates


@dataclass(frozen=True, slots=True)
class ActiveHypotheses:
    """R hypotheses, a row each; row i of the model's state belongs to row i of all of these.

    `sentences` (R,) says which sentence each translates, and never falls; `lengths` (R,) are its tokens so far, bos not
    counted. `targets` (R, T) end in bos and those tokens, so that the newest ones fill the last column; what stands
    before bos means nothing. `log_probs` (R,) are the sums over the tokens, `attention` (R, T - 1, S) their weights,
    placed like the tokens, or None where nobody asks for them.
    """

    sentences: Ids
    lengths: Ids
    targets: Ids
    log_probs: Reals
    attention: Reals | None

    @classmethod
    def start(cls, sentences: Ids, bos: int, attention: int | None) -> ActiveHypotheses:
        """Begin a hypothesis for each of the `sentences` (R,); `attention` is the padded width of their sources."""
        count = len(sentences)
        weights = None if attention is None else np.zeros((count, 0, attention), dtype=np.float32)
        return cls(sentences, np.zeros_like(sentences), np.full((count, 1), bos), np.zeros(count), weights)

    def select(self, rows: Ids | NDArray[np.bool_]) -> ActiveHypotheses:
        """Return some of the hypotheses."""
        weights = None if self.attention is None else self.attention[rows]
        return ActiveHypotheses(
            self.sentences[rows], self.lengths[rows], self.targets[rows], self.log_probs[rows], weights
        )

    def extend(self, candidates: Candidates, rows: Ids, columns: Ids) -> ActiveHypotheses:
        """Return M hypotheses one token longer: row `rows[i]` (M,) goes on with its candidate `columns[i]` (M,)."""
        weights = None if candidates.attention is None else candidates.attention[rows]
        return self.select(rows)._longer(candidates.ids[rows, columns], candidates.log_probs[rows, columns], weights)

    def extend_all(self, candidates: Candidates) -> ActiveHypotheses:
        """Return all hypotheses one token longer, each by its best candidate."""
        return self._longer(candidates.ids[:, 0], candidates.log_probs[:, 0], candidates.attention)

    def _longer(self, tokens: Ids, log_probs: Reals, attention: Reals | None) -> ActiveHypotheses:
        weights = None
        if self.attention is not None:
            assert attention is not None  # a stepper returns what was asked for
            weights = np.concatenate((self.attention, attention[:, None]), axis=1)
        return ActiveHypotheses(
            self.sentences,
            self.lengths + 1,
            np.concatenate((self.targets, tokens[:, None]), axis=1),
            self.log_probs + log_probs,
            weights,
        )

    def join(self, other: ActiveHypotheses) -> ActiveHypotheses:
        """Return the hypotheses of both, those of `other`, whose sentences have greater numbers, last."""
        longest = max(int(self.lengths.max()), int(other.lengths.max()))
        weights = None
        if self.attention is not None and other.attention is not None:
            weights = np.concatenate((_ending(self.attention, longest), _ending(other.attention, longest)))
        return ActiveHypotheses(
            np.concatenate((self.sentences, other.sentences)),
            np.concatenate((self.lengths, other.lengths)),
            np.concatenate((_ending(self.targets, longest + 1), _ending(other.targets, longest + 1))),
            np.concatenate((self.log_probs, other.log_probs)),
            weights,
        )


def _ending(rows: NDArray[Any], length: int) -> NDArray[Any]:
    """Return the last `length` columns of rows (R, T, ...), filled up with zeros at the left."""
    missing = max(0, length - rows.shape[1])
    filled = np.pad(rows, ((0, 0), (missing, 0), *[(0, 0)] * (rows.ndim - 2)))
    return filled[:, filled.shape[1] - length :]
