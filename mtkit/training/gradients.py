"""The gradient of an update: summed over several batches, and over parts of a batch where the whole does not fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from mtkit.dataset.batches import Batch
from mtkit.errors import TrainingError
from mtkit.nn import Loss

SAMPLING_WIDENS = 1.65
"""How much longer subword sampling makes the two sides of a batch, which are as long as their longest sentence: on
Multi30k 1.4 times where it segments 5 % of the sentences at random, and 1.65 times where it does so with all."""


def accumulate(
    forward: Callable[[Batch], Loss], batches: Iterable[Batch], tokens: int, pass_tokens: int
) -> Tensor | None:
    """Add the gradient of the batches' loss, divided by `tokens`, to that of the weights.

    A batch of more than `pass_tokens` (0: any number) on its longer side goes in parts, to each of which dropout draws
    a mask of its own. Return the sum of the loss, (), or None where there was not enough memory: what the weights then
    have is of no use.
    """
    losses = []
    try:
        for batch in batches:
            for part in batch.split(pass_tokens or batch.size):
                loss = forward(part).smoothed
                (loss / tokens).backward()
                losses.append(loss.detach())
    except torch.OutOfMemoryError:
        return None
    return torch.stack(losses).sum()


def halved(batches: Iterable[Batch], pass_tokens: int) -> int:
    """Return the `pass_tokens` to try next; raise `TrainingError` where single pairs were too much already."""
    largest = max(batches, key=lambda batch: batch.size)
    tried = min(pass_tokens or largest.size, largest.size)
    longest = largest.size // len(largest.src)
    if tried < 2 * longest:
        raise TrainingError(
            f"the GPU has no memory for a single sentence pair of {longest:,} tokens; prepare the corpus with a "
            "smaller `max_length`, or train a smaller network"
        )
    return tried // 2


def widened(batch: Batch, factor: float) -> Batch:
    """Make sentences longer by their own beginnings: a batch to take the room of one whose text is in more pieces."""

    def columns(width: int) -> list[int]:
        return [column % width for column in range(math.ceil(width * factor))]

    return Batch(
        src=batch.src[:, columns(batch.src.shape[1])],
        src_lengths=np.ceil(batch.src_lengths * factor).astype(batch.src_lengths.dtype),
        tgt_in=batch.tgt_in[:, columns(batch.tgt_in.shape[1])],
        tgt_out=batch.tgt_out[:, columns(batch.tgt_out.shape[1])],
    )
