"""What is not a number never reaches a search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtkit.errors import ModelFolderError
from mtkit.search import Candidates, Distribution
from mtkit.translation.finite_stepper import FiniteStepper


class Saying:
    """A stepper that says the same each time."""

    def __init__(self, log_probs: list[list[float]]) -> None:
        self.log_probs = np.array(log_probs)

    def start(self, src: np.ndarray, src_lengths: np.ndarray) -> str:
        return "started"

    def step(self, *_: Any, **__: Any) -> tuple[Candidates, str]:
        return Candidates(np.zeros(self.log_probs.shape, np.int64), self.log_probs), "stepped"

    def distribution(self, *_: Any, **__: Any) -> tuple[Distribution, str]:
        return Distribution(self.log_probs), "told"


def test_numbers_and_what_cannot_be_said_pass() -> None:
    stepper = FiniteStepper(Saying([[-0.5, -np.inf], [-np.inf, -3.0]]), "model")
    assert stepper.start(np.zeros((1, 1), int), np.zeros(1, int)) == "started"
    assert stepper.step(1, 2, 3)[1] == "stepped"
    assert stepper.distribution(1, 2)[1] == "told"


def test_the_model_is_named_otherwise() -> None:
    stepper = FiniteStepper(Saying([[-0.5, -0.6], [np.nan, np.nan]]), "models/en-fr")
    for ask in (lambda: stepper.step(1, 2, 3), lambda: stepper.distribution(1, 2)):
        with pytest.raises(ModelFolderError, match=r"^models/en-fr: gives numbers that are not finite.*mtkit export"):
            ask()
