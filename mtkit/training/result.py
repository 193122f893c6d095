"""What came of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtkit.errors import ModelFolderError
from mtkit.evaluation import ModelScore
from mtkit.training.progress import Progress
from mtkit.training_log import read_log


@dataclass(frozen=True)
class TrainingResult:
    """A training that has ended; the folder holds the weights of its best validation."""

    folder: Path
    """The model folder, as an absolute path."""
    updates: int
    """Of the whole training, skipped ones included."""
    best: ModelScore
    """Validation score of the weights that are kept: BLEU, or chrF2 where BLEU cannot tell models apart."""
    best_update: int
    """The update after which they were validated."""
    seconds: float
    """Of training, over all times it was resumed."""
    reason: str
    """Why it has ended."""
    skipped: int
    """Updates that were skipped, since the loss or its gradient was not finite."""

    def __fspath__(self) -> str:
        """Return the folder: a result may stand wherever a model is asked for."""
        return str(self.folder)

    @classmethod
    def of(cls, folder: Path, progress: Progress, reason: str) -> TrainingResult:
        """Return what came of a training that has just ended."""
        return cls(
            folder=folder,
            updates=progress.update,
            best=progress.score_kept,
            best_update=progress.best_update,
            seconds=progress.seconds,
            reason=reason,
            skipped=progress.skipped,
        )

    @classmethod
    def recorded(cls, folder: Path) -> TrainingResult:
        """Read from its log what came of a training that had ended earlier.

        Raises:
            ModelFolderError: the log has no end.
        """
        for record in reversed(read_log(folder)):
            if record["kind"] == "finished":
                names = ("updates", "best_update", "seconds", "reason", "skipped")
                score = _recorded_score(record)
                return cls(folder=folder, best=score, **{name: record[name] for name in names})
        raise ModelFolderError(f"{folder}: log.jsonl has no end of a training; train into another `out`")


def _recorded_score(record: Mapping[str, Any]) -> ModelScore:
    """Return the best score that a log's end has; mtkit 0.1 knew no other than BLEU, and an infinite one is null."""
    if "best_bleu" in record:
        return ModelScore("bleu", record["best_bleu"], math.inf)
    perplexity = record["best_perplexity"]
    return ModelScore(record["metric"], record["best_score"], math.inf if perplexity is None else perplexity)
