"""The learning rate, a pure function of the update."""

from __future__ import annotations

import math
from dataclasses import dataclass

FLOOR = 0.02
"""What is left of the peak at the last update, as a share of it."""

EPOCHS = ((15_000, 20), (60_000, 40), (400_000, 20))
"""Training pairs up to, and passes over them."""


def default_epochs(pairs: int) -> int:
    """Return the passes that suit a corpus of so many training pairs.

    Measured for two: the 10,000 made pairs in data/ are learnt after 20 passes, the 29,000 real ones of Multi30k go on
    getting better up to 40. Larger corpora repeat themselves and need fewer.
    """
    return next((epochs for most, epochs in EPOCHS if pairs <= most), 10)


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `peak`, then half a cosine down to `FLOOR` of it (Loshchilov and Hutter 2017)."""

    peak: float
    warmup: int
    updates: int

    def rate(self, update: int) -> float:
        """Learning rate of an update, counted from 1."""
        if update <= self.warmup:
            return self.peak * update / self.warmup
        progress = (update - self.warmup) / max(1, self.updates - self.warmup)
        return self.peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
