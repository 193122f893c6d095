"""When things happen in a training, and when it ends."""

from __future__ import annotations

import math

import pytest

from mtkit.evaluation import ModelScore
from mtkit.training.intervals import StoppingRule, last_update, updates_of
from mtkit.training.progress import Progress


def bleu(value: float) -> ModelScore:
    return ModelScore("bleu", value, 5.0)


def test_the_last_update_of_an_epoch_takes_what_is_left() -> None:
    assert [updates_of(batches, 3) for batches in (1, 3, 4, 20)] == [1, 1, 2, 7]


def test_updates_are_what_is_given_or_what_the_epochs_have() -> None:
    assert last_update(1_000, 3, 20, Progress()) == 1_000
    assert last_update(0, 3, 500, Progress()) == 1_500
    assert last_update(0, 3, 20, Progress(batches_per_update=3)) == 21


@pytest.mark.parametrize("done", range(0, 61, 7))
@pytest.mark.parametrize("batches_per_update", [1, 3, 20, 100])
def test_the_end_of_the_last_epoch_stays_where_it_is_however_many_batches_an_update_takes_from_now_on(
    done: int, batches_per_update: int
) -> None:
    """After any number of batches, made one at a time, three epochs of 20 end with the last of their 60 batches."""
    progress = Progress(update=done, epoch=done // 20, position=done % 20, batches_per_update=batches_per_update)
    left = last_update(0, 3, 20, progress) - done
    ends = [end for end in (20, 40, 60) if end > done]
    assert left == sum(math.ceil((end - max(done, end - 20)) / batches_per_update) for end in ends)


@pytest.mark.parametrize(
    ("progress", "reason"),
    [
        (Progress(update=99, best=bleu(29.9), validations_without_progress=3), ""),
        (Progress(update=100), "all updates are done"),
        (Progress(update=50, best=bleu(30.0)), "validation BLEU has reached 30"),
        (
            Progress(update=50, best=bleu(20.0), validations_without_progress=4),
            "no better BLEU and no lower perplexity in 4 validations",
        ),
    ],
)
def test_a_training_ends_with_its_updates_its_target_or_its_patience(progress: Progress, reason: str) -> None:
    assert StoppingRule(updates=100, patience=4, target_bleu=30.0).reason(progress) == reason


def test_neither_patience_nor_target_of_0_ever_ends_it() -> None:
    progress = Progress(update=99, best=bleu(100.0), validations_without_progress=1_000)
    assert StoppingRule(updates=100, patience=0, target_bleu=0).reason(progress) == ""
