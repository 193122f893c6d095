"""How long a training takes: so far, and until its end."""

from __future__ import annotations

import time

SETTLED_SECONDS = 60.0
"""Before that, what happens once in a training is too large a part of the time to estimate the rest from it."""


class TimeEstimate:
    """Estimates how long all updates take from those since it was made, `first` being the next one."""

    def __init__(self, first: int, updates: int) -> None:
        self.first = first
        self.updates = updates
        self._began = time.perf_counter()
        self._whole: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._began

    @property
    def left(self) -> float | None:
        """Seconds to the last update, validations included; None in the first minute."""
        return None if self._whole is None else max(0.0, self._whole - self.elapsed)

    def advance(self, update: int) -> None:
        """Take in that this number of updates is done."""
        if self.elapsed >= SETTLED_SECONDS:
            self._whole = self.elapsed * (self.updates - self.first + 1) / (update - self.first + 1)


def clock(seconds: float) -> str:
    """Format a duration as minutes and seconds, or hours and minutes: 3:07 min, 1:02 h."""
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
