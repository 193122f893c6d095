"""What came of a training, read from its log."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mtkit.errors import ModelFolderError
from mtkit.evaluation import ModelScore
from mtkit.training import Finished, TrainingResult, Warned
from mtkit.training_log import LOG, log_line


def lines(*events: Finished | Warned) -> bytes:
    return b"".join(log_line(event.kind, vars(event), 2.0) + b"\n" for event in events)


def test_the_last_end_that_is_recorded_is_what_came_of_a_training(tmp_path: Path) -> None:
    first = TrainingResult(tmp_path, 50, ModelScore("bleu", 33.5, 4.0), 25, 2.0, "all updates are done", skipped=3)
    longer = TrainingResult(
        tmp_path, 80, ModelScore("chrf", 34.25, math.inf), 75, 3.5, "no better BLEU in 3 validations", skipped=4
    )
    events = (Finished.of(first, None), Warned(60, "slow"), Finished.of(longer, tmp_path))
    (tmp_path / LOG).write_bytes(lines(*events))
    assert TrainingResult.recorded(tmp_path) == longer


def test_a_log_without_an_end_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(lines(Warned(60, "slow")))
    with pytest.raises(ModelFolderError, match="has no end of a training; train into another `out`"):
        TrainingResult.recorded(tmp_path)
