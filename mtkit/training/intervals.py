"""When things happen in a training, in updates, and when it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtkit.errors import SettingsError
from mtkit.evaluation import LABELS
from mtkit.training.progress import Progress
from mtkit.training.thresholds import reaches, threshold


@dataclass(frozen=True)
class Intervals:
    """How long a training, an epoch and the time between two validations or saves are, in updates."""

    updates: int
    epoch: int
    valid: int
    save: int
    save_seconds: float = math.inf
    """Saves are no further apart than this either, by the clock of the first process."""


def updates_of(batches: int, batches_per_update: int) -> int:
    """Return the updates that batches of one epoch make; the last one takes what is left."""
    return math.ceil(batches / batches_per_update)


def last_update(updates: int, epochs: int, batches: int, progress: Progress) -> int:
    """Return the number of the last update: `updates`, or where that is 0, the one that ends the last of the epochs.

    Args:
        updates: as given, or 0.
        epochs: of the whole training, counted from its beginning.
        batches: in an epoch.
        progress: how far the training is, and how many batches an update takes from now on.

    Raises:
        SettingsError: nothing says how long to train.
    """
    if updates:
        return updates
    if not epochs:
        raise SettingsError("`updates` and `epochs` are both 0; one of them must say how long to train")
    left_of_epoch = updates_of(batches - progress.position, progress.batches_per_update)
    epochs_after = epochs - progress.epoch - 1
    return progress.update + left_of_epoch + epochs_after * updates_of(batches, progress.batches_per_update)


@dataclass(frozen=True)
class StoppingRule:
    """When a training ends; both `patience` and `target_bleu` may be 0, which never ends it."""

    updates: int
    patience: int
    """Validations in a row without progress: neither a better score nor a lower perplexity."""
    target_bleu: float
    """Where chrF2 leads, its equivalent; see `chrf_equivalent`."""

    def reason(self, progress: Progress) -> str:
        """Say why there is no next update, or nothing where there is one."""
        if progress.update >= self.updates:
            return "all updates are done"
        best = progress.best
        if best and self.target_bleu > 0 and reaches(best, self.target_bleu):
            return f"validation {LABELS[best.metric]} has reached {threshold(best.metric, self.target_bleu):g}"
        if best and 0 < self.patience <= progress.validations_without_progress:
            return (
                f"no better {LABELS[best.metric]} and no lower perplexity in "
                f"{progress.validations_without_progress} validations"
            )
        return ""
