"""Sentences that wait for the places of those that end, so that no step has few rows while there is more to do."""

from __future__ import annotations

from typing import Generic

import numpy as np

from mtkit.arrays import Ids
from mtkit.search.active_hypotheses import ActiveHypotheses
from mtkit.search.stepper import S, Stepper

SHARE_OF_PLACES = 1 / 3
"""So many have to be free before the next sentences take them, since a join has its cost. 1,000 sentences of Multi30k
en-de, 64 to 128 together, take 369 greedy steps with a sixth, 385 with a third, 415 with a half, and 658 a batch at a
time."""


class SentenceQueue(Generic[S]):
    """N sentences that are started in their order, at most `together` of them under way at a time.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        together: most sentences under way; None starts all at once.
        bos: id that every target starts from.
        attention: whether the attention weights are wanted.
        each: hypotheses that a sentence starts with, which is what the stepper makes of it.
    """

    def __init__(
        self,
        stepper: Stepper[S],
        src: Ids,
        src_lengths: Ids,
        together: int | None,
        *,
        bos: int,
        attention: bool,
        each: int = 1,
    ) -> None:
        self.stepper, self.src, self.src_lengths = stepper, src, src_lengths
        self.together = len(src) if together is None else together
        self.bos, self.each = bos, each
        self.attention = src.shape[1] if attention else None
        self.encoded: S  # sentences `first` to `read`, of which those from `next` on have not begun
        self.first = self.next = self.read = 0

    def start(self) -> tuple[ActiveHypotheses, S]:
        """Start the first sentences."""
        return self._start(self.together)

    def go_on(self, active: ActiveHypotheses, state: S, rows: Ids) -> tuple[ActiveHypotheses, S] | None:
        """Return what is stepped next, or None when every sentence has ended.

        Args:
            active: R hypotheses that go on, which may be none.
            state: of a step's hypotheses.
            rows: (R,) the row of `state` that each of the hypotheses goes on from.
        """
        left = len(self.src) - self.next
        if left:
            free = self.together - _distinct(active.sentences)
            if free >= min(left, max(1, self.together * SHARE_OF_PLACES)):
                new, new_state = self._start(free)
                return (active.join(new), state.select(rows).join(new_state)) if rows.size else (new, new_state)
        return (active, state.select(rows)) if rows.size else None

    def _start(self, count: int) -> tuple[ActiveHypotheses, S]:
        """Start the next `count` sentences, or as many as have been read, which is one at least."""
        if self.next == self.read:  # the encoder wants a whole batch, whatever is free
            self.first, self.read = self.read, min(self.read + self.together, len(self.src))
            self.encoded = self.stepper.start(
                self.src[self.first : self.read], self.src_lengths[self.first : self.read]
            )
        sentences = np.arange(self.next, min(self.next + count, self.read)).repeat(self.each)
        rows = np.arange((self.next - self.first) * self.each, len(sentences) + (self.next - self.first) * self.each)
        self.next = int(sentences[-1]) + 1
        return ActiveHypotheses.start(sentences, self.bos, self.attention), self.encoded.select(rows)


def _distinct(sentences: Ids) -> int:
    """Count the sentences of hypotheses that stand together: [3, 3, 5] are 2."""
    return int(np.count_nonzero(sentences[1:] != sentences[:-1])) + bool(sentences.size)
