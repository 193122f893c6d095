"""What training writes into the model folder while it runs: the best weights and the log.

Where the disk is full, both wait in memory, and every later write tries again. `flush` before a state is saved makes
sure that a state never speaks of what is not on the disk.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from torch import Tensor

from mtkit.errors import OutputError
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import distinct_weights, save_tensors
from mtkit.training_log import TrainingLog


class BestWeightsAndLog:
    """The best weights and the log of one model folder."""

    def __init__(self, folder: Path) -> None:
        self.log = TrainingLog(folder)
        self.weights = folder / "model.safetensors"
        self._best: dict[str, Tensor] = {}

    def keep(self, network: Seq2Seq) -> None:
        """Keep the weights as the best, now or as soon as it can be."""
        self._best = {name: weight.to("cpu", copy=True) for name, weight in distinct_weights(network).items()}
        with suppress(OutputError):
            self._write_best()

    def flush(self) -> None:
        """Write what waits, and wait for the disk; raise `OutputError` where it takes no more."""
        self._write_best()
        self.log.flush()

    def _write_best(self) -> None:
        if self._best:
            save_tensors(self._best, self.weights)
            self._best = {}
