"""Where a training is: the numbers of its state, as `progress.json` has them."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mtkit.evaluation import ModelScore

Count = Annotated[int, Meta(ge=0, le=2**53)]
Sum = Annotated[float, Meta(ge=0)]


BEST_SCORE = 100 + 1e-9
"""sacreBLEU's BLEU of a perfect translation is 100.00000000000004."""


class Progress(Struct, kw_only=True):
    """Where training is. Sums run since the last report."""

    update: Count = 0
    """Updates that are done, skipped ones included."""
    epoch: Count = 0
    position: Count = 0
    """Batches of this epoch that are done."""
    batches_per_update: Annotated[int, Meta(ge=1)] = 1
    """Of all processes together."""
    best: ModelScore | None = None
    """Of the weights that are kept, once there are any."""
    best_update: Count = 0
    best_at_interval: ModelScore | None = None
    """The best of the validations at their interval, which does without that of the end where it is off it."""
    lowest_perplexity: Sum = math.inf
    """Of the validations at their interval."""
    validations_without_progress: Count = 0
    """Validations at their interval since the last that had a better score or a lower perplexity than all before."""
    halvings: Count = 0
    """How often the plateau schedule has halved the learning rate."""
    seconds: Sum = 0.0
    log_bytes: Count = 0
    loss_sum: Sum = 0.0
    token_sum: Count = 0
    skipped: Count = 0
    """Updates of the whole training that were skipped, since the loss or its gradient was not finite."""
    skipped_in_a_row: Count = 0

    @property
    def last_epoch(self) -> int:
        """The epoch of the last update, counted from 1."""
        return self.epoch + (self.position > 0)

    @property
    def score_kept(self) -> ModelScore:
        """The score of the weights that are kept; there are some at the end of a training."""
        assert self.best is not None
        return self.best


def encode_progress(progress: Progress) -> bytes:
    """Return the progress as JSON, in which an infinite perplexity is null."""
    return msgspec.json.encode(progress)


def decode_progress(content: bytes) -> Progress:
    """Return the progress that JSON holds, that of mtkit 0.1 included, which knew no score but BLEU.

    Raises:
        ValueError: it is not a progress, or a value is out of its bounds; the message names the field.
        RecursionError: it is nested too deep.
    """
    stored = msgspec.json.decode(content, type=dict[str, Any])
    if "best_bleu" in stored:
        stored["best"] = _score_of_0_1(stored["best_bleu"])
        stored["best_at_interval"] = _score_of_0_1(stored.get("best_bleu_at_interval"))
        stored["validations_without_progress"] = stored.get("validations_since_best", 0)
    for values, name in ((stored, "lowest_perplexity"), *((stored.get(key), "perplexity") for key in _SCORES)):
        if isinstance(values, dict) and values.get(name, 0) is None:
            values[name] = math.inf
    progress = msgspec.convert(stored, Progress)
    for key in _SCORES:
        score = getattr(progress, key)
        if score and not (0 <= score.value <= BEST_SCORE and score.perplexity >= 0):
            raise ValueError(f"{key} is {score}, of perplexity {score.perplexity:g}")
    return progress


_SCORES = ("best", "best_at_interval")


def _score_of_0_1(bleu: object) -> dict[str, object] | None:
    """Return a best BLEU as a score; it was -1 before the first validation."""
    return None if bleu in (None, -1) else {"metric": "bleu", "value": bleu, "perplexity": None}
