"""What training keeps in the model folder while it runs: the log and the best weights.

Where the disk is full, both wait in memory, and every later write tries again. `flush` before a state is saved makes
sure that a state never speaks of what is not on the disk.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from torch import Tensor

from mtkit.errors import OutputError
from mtkit.nn import Seq2Seq
from mtkit.runtime.weights import distinct_weights, save_tensors
from mtkit.storage import append, sync, writing
from mtkit.training.log import LOG


class Keeping:
    """The log and the best weights of one model folder."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / LOG
        self.weights = folder / "model.safetensors"
        self.log_bytes = 0
        """Bytes of the log that are written."""
        self._lines = b""
        self._best: dict[str, Tensor] = {}

    def restore(self, log_bytes: int) -> None:
        """Forget what the log says after its first so many bytes."""
        with writing(self.log), self.log.open("ab") as file:
            self.log_bytes = min(log_bytes, file.tell())
            file.truncate(self.log_bytes)

    def write_line(self, line: bytes) -> None:
        """Add a line to the log, now or as soon as it can be."""
        self._lines += line + b"\n"
        with suppress(OutputError):
            self._write_log()

    def keep(self, network: Seq2Seq) -> None:
        """Keep the weights as the best, now or as soon as it can be."""
        self._best = {name: weight.to("cpu", copy=True) for name, weight in distinct_weights(network).items()}
        with suppress(OutputError):
            self._write_best()

    def flush(self) -> None:
        """Write what waits, and wait for the disk; raise `OutputError` where it takes no more."""
        self._write_best()
        self._write_log()
        sync(self.log)

    def _write_log(self) -> None:
        self.log_bytes = append(self.log, self._lines)
        self._lines = b""

    def _write_best(self) -> None:
        if self._best:
            save_tensors(self._best, self.weights)
            self._best = {}
