"""Hypotheses that are still under way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtkit.search.stepper import Candidates, Ids, Reals


@dataclass(frozen=True, slots=True)
class Live:
    """R hypotheses of the same length, a row each; row i of the model's state belongs to row i of all of these.

    `sentences` (R,) says which sentence each translates, `targets` (R, 1 + length) are its tokens after bos,
    `log_probs` (R,) their sums, `attention` (R, length, S) their weights, or None where nobody asks for them.
    """

    sentences: Ids
    targets: Ids
    log_probs: Reals
    attention: Reals | None

    @classmethod
    def start(cls, src: Ids, bos: int, attention: bool) -> Live:
        """Begin one hypothesis for each of the sources (N, S)."""
        count, width = src.shape
        weights = np.zeros((count, 0, width), dtype=np.float32) if attention else None
        return cls(np.arange(count), np.full((count, 1), bos), np.zeros(count), weights)

    @property
    def length(self) -> int:
        """Tokens of each hypothesis so far, bos not counted."""
        return int(self.targets.shape[1]) - 1

    def select(self, rows: Ids | NDArray[np.bool_]) -> Live:
        """Return some of the hypotheses."""
        weights = None if self.attention is None else self.attention[rows]
        return Live(self.sentences[rows], self.targets[rows], self.log_probs[rows], weights)

    def extend(self, candidates: Candidates, rows: Ids, columns: Ids) -> Live:
        """Return M hypotheses one token longer: row `rows[i]` (M,) goes on with its candidate `columns[i]` (M,)."""
        tokens = candidates.ids[rows, columns]
        weights = None
        if self.attention is not None:
            assert candidates.attention is not None  # a stepper returns what was asked for
            weights = np.concatenate((self.attention[rows], candidates.attention[rows, None]), axis=1)
        return Live(
            self.sentences[rows],
            np.concatenate((self.targets[rows], tokens[:, None]), axis=1),
            self.log_probs[rows] + candidates.log_probs[rows, columns],
            weights,
        )
