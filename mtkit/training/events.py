"""What training reports while it runs. The command line draws these; training itself prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mtkit.evaluation import MetricName
from mtkit.training.result import TrainingResult


@dataclass(frozen=True)
class Note:
    """Something the user may want to know, in one line."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Started:
    """Training is about to make its first update (or, resumed, its next)."""

    kind: ClassVar[str] = "started"
    out: Path
    langs: str
    settings: str
    """Fingerprint of every setting that a model remembers."""
    corpus: str
    """Fingerprint of the prepared corpus."""
    train_pairs: int
    train_pieces: tuple[int, int]
    """Of the source and of the target side."""
    valid_pairs: int
    src_vocab_size: int
    tgt_vocab_size: int
    joint: bool
    """Whether one vocabulary serves both sides."""
    parameters: dict[str, int]
    """Weights of each part of the network; one that two parts share is counted in the first."""
    device: str
    precision: str
    threads: int
    memory: int
    """Bytes that training will take at its peak, about; see `training.memory`."""
    updates: int
    updates_per_epoch: int
    first_update: int


@dataclass(frozen=True)
class Reported:
    """Means since the last report: loss in nats a target token (smoothed), speed in target tokens a second."""

    kind: ClassVar[str] = "report"
    update: int
    epoch: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    skipped: int
    """Updates so far that were skipped, since the loss or its gradient was not finite."""


@dataclass(frozen=True)
class Sample:
    """A validation pair, and the greedy translation of its source."""

    source: str
    reference: str
    translation: str


@dataclass(frozen=True)
class Validated:
    """A validation: loss in nats a target token (not smoothed), and the score of greedy translations, cased."""

    kind: ClassVar[str] = "validation"
    update: int
    epoch: int
    loss: float
    perplexity: float
    metric: MetricName
    """The score that leads on the validation references; a note says why where that is not BLEU."""
    score: float
    """From 0 to 100."""
    best: bool
    """Whether this is the best yet: at equal scores, by its perplexity."""
    best_score: float
    best_update: int
    samples: tuple[Sample, ...]
    seconds: float


@dataclass(frozen=True)
class Finished:
    """Training is over; the model folder holds the best weights."""

    kind: ClassVar[str] = "finished"
    out: Path | None
    """The folder, unless the model is one that does not stay."""
    updates: int
    metric: MetricName
    best_score: float
    """Of the weights that are kept."""
    best_perplexity: float
    best_update: int
    seconds: float
    reason: str
    skipped: int
    """Updates that were skipped, since the loss or its gradient was not finite."""

    @classmethod
    def of(cls, result: TrainingResult, out: Path | None) -> Finished:
        """Return the event of a training with this result."""
        return cls(
            out=out,
            updates=result.updates,
            metric=result.best.metric,
            best_score=result.best.value,
            best_perplexity=result.best.perplexity,
            best_update=result.best_update,
            seconds=result.seconds,
            reason=result.reason,
            skipped=result.skipped,
        )


@dataclass(frozen=True)
class Warned:
    """Training goes on, but not as it was meant to: one line."""

    kind: ClassVar[str] = "warning"
    update: int
    message: str


Event = Note | Started | Reported | Validated | Warned | Finished
"""Each has the `kind` that its record in the log has, see `mtkit.training_log`."""


Listener = Callable[[Event], None]
UNHEARD = (OSError, ValueError)
"""What a listener raises that cannot write: its disk is full, its pipe or its file is closed. It never ends a training;
what the listener missed is in the log."""


def notify(listener: Listener, text: str) -> None:
    """Emit a note, if the listener can take it."""
    with suppress(*UNHEARD):
        listener(Note(text))


def ignore(event: Event) -> None:
    """Listen to nothing."""
