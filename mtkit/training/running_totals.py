"""Running totals of updates, kept on the device that makes them, so that no update waits for them."""

from __future__ import annotations

import torch
from torch import Tensor

from mtkit.training.progress import Progress


class RunningTotals:
    """Loss and tokens since the last report, and the updates that were skipped. Reading them waits for the device."""

    def __init__(self, device: torch.device) -> None:
        self._loss, self._tokens, self._skipped, self._in_a_row = torch.zeros(4, dtype=torch.float64, device=device)

    def add(self, loss: Tensor, tokens: int, finite: Tensor) -> None:
        """Count an update: the loss () summed over its tokens, and whether (), all being finite, it was made."""
        skipped = ~finite
        self._loss += loss.where(finite, 0.0)
        self._tokens.add_(finite, alpha=tokens)
        self._skipped += skipped
        self._in_a_row.add_(1).mul_(skipped)

    def write(self, progress: Progress) -> None:
        """Put the totals into the progress."""
        figures = torch.stack((self._loss, self._tokens, self._skipped, self._in_a_row)).tolist()
        progress.loss_sum = figures[0]
        progress.token_sum, progress.skipped, progress.skipped_in_a_row = map(int, figures[1:])

    def read(self, progress: Progress) -> None:
        """Take the totals from the progress."""
        self._loss.fill_(progress.loss_sum)
        self._tokens.fill_(progress.token_sum)
        self._skipped.fill_(progress.skipped)
        self._in_a_row.fill_(progress.skipped_in_a_row)

    def begin(self) -> None:
        """Count loss and tokens from zero, from a report on."""
        self._loss.zero_()
        self._tokens.zero_()
