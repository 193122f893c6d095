"""Whether what a model says is numbers: looked at before a search takes the best of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtkit.arrays import Ids, Reals
from mtkit.errors import ModelFolderError
from mtkit.search import Candidates, Distribution, Stepper


class FiniteStepper:
    """A stepper that raises `ModelFolderError`, naming the model, where a log-probability is not a number.

    One that is none among the logits of a row makes all log-probabilities of that row such, since they are normalised
    by their sum: so it is enough to look at those that are handed on anyway. -inf is what cannot be said.
    """

    def __init__(self, stepper: Stepper[Any], name: str) -> None:
        """Look at what a stepper says; `name` is what messages call the model."""
        self.stepper, self.name = stepper, name

    def start(self, src: Ids, src_lengths: Ids) -> Any:
        """See `search.Stepper`."""
        return self.stepper.start(src, src_lengths)

    def step(self, *arguments: Any, **options: Any) -> tuple[Candidates, Any]:
        """See `search.Stepper`."""
        candidates, state = self.stepper.step(*arguments, **options)
        self._check(candidates.log_probs)
        return candidates, state

    def distribution(self, *arguments: Any, **options: Any) -> tuple[Distribution, Any]:
        """See `search.Stepper`."""
        distribution, state = self.stepper.distribution(*arguments, **options)
        self._check(distribution.log_probs[:, -1])  # the last piece can always be said
        return distribution, state

    def _check(self, log_probs: Reals) -> None:
        if np.isnan(log_probs).any():
            raise ModelFolderError(
                f"{self.name}: gives numbers that are not finite, so that nothing can be translated; its weights or "
                "graphs are damaged, or its training diverged: make its graphs again with mtkit export, or copy the "
                "model again"
            )
