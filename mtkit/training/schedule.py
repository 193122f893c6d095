"""The learning rate: a pure function of the update and of what the validations have found so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtkit.settings import ScheduleName

FLOOR = 0.02
"""What is left of the peak at the end, as a share of it."""

PLATEAU_PATIENCE = 3
"""Validations without a better score or a lower perplexity before the plateau schedule halves the rate."""


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `peak`, then one of three ways down.

    - cosine: half a cosine down to `FLOOR` of it (Loshchilov and Hutter 2017);
    - inverse-sqrt: falling with the square root of the update (Vaswani et al. 2017);
    - plateau: halved each time `PLATEAU_PATIENCE` validations have brought neither a better score nor a
      lower perplexity.
    """

    name: ScheduleName
    peak: float
    warmup: int
    updates: int

    @classmethod
    def over(cls, updates: int, *, name: ScheduleName, learning_rate: float, warmup: int) -> Schedule:
        """Return the schedule of a training of `updates` updates, a tenth of which may warm up."""
        return cls(name, learning_rate, min(warmup, updates // 10), updates)

    def agrees(self, other: Schedule, updates: int) -> bool:
        """Whether both give the first `updates` updates the same rates.

        Schedules that differ in the length of training alone do so if the first rate, which follows from the warm-up,
        and the last are the same.
        """
        return updates == 0 or all(self.rate(update) == other.rate(update) for update in (1, updates))

    def rate(self, update: int, halvings: int = 0) -> float:
        """Learning rate of an update, counted from 1, after `halvings` of the plateau schedule."""
        if update <= self.warmup:
            return self.peak * update / self.warmup
        if self.name == "plateau":
            return self.peak * max(FLOOR, 0.5**halvings)
        if self.name == "inverse-sqrt":
            return self.peak * math.sqrt(max(1, self.warmup) / update)
        progress = (update - self.warmup) / max(1, self.updates - self.warmup)
        return self.peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
