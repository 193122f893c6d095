"""The state of a training: all that updates change. On disk one folder `training/<update>/`, whole or not there.

network.safetensors     the latest weights
optimizer.safetensors   Adam's moments, named after the weights
average.safetensors     the moving average of the weights, where there is one
progress.json           `Progress`
checksums.json          of these files, see `whole_state`

It is free of pickle. Random generators need no state: what is drawn is a function of seed, epoch, update and batch.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from mtkit.nn import Seq2Seq
from mtkit.nn.weights import distinct_weights, load_tensors, load_weights, save_tensors, save_weights
from mtkit.storage import new_folder
from mtkit.training.average import MovingAverage
from mtkit.training.processes import Processes
from mtkit.training.progress import Progress, decode_progress, encode_progress
from mtkit.training.whole_state import MOMENTS, refusal, saved_states, write_checksums


class TrainingState:
    """Network, optimizer, moving average and progress of a training."""

    def __init__(
        self,
        network: Seq2Seq,
        optimizer: torch.optim.Adam,
        average: MovingAverage | None,
        progress: Progress,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.average = average
        """Of the weights, where there is one: what is validated and kept in their place."""
        self.progress = progress

    @classmethod
    def of(
        cls, network: Seq2Seq, learning_rate: float, average_decay: float, batches_per_update: int = 1
    ) -> TrainingState:
        """Return the state before the first update, with Adam and, where the decay is not 0, with an average."""
        parameters = network.parameters()
        optimizer = torch.optim.Adam(parameters, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)
        average = MovingAverage(network, average_decay) if average_decay else None
        return cls(network, optimizer, average, Progress(batches_per_update=batches_per_update))

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def save(self, folder: Path) -> None:
        """Save under `folder`/<update>, then remove older states; raise `OutputError` where the disk is full."""
        target = folder / str(self.progress.update)
        if target.is_dir():
            return
        with new_folder(target) as draft:
            save_weights(self.network, draft / "network.safetensors")
            save_tensors(self._moments(), draft / "optimizer.safetensors")
            if self.average:
                save_tensors(self.average.tensors, draft / "average.safetensors")
            (draft / "progress.json").write_bytes(encode_progress(self.progress))
            write_checksums(draft)
        for old in saved_states(folder):
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def load(self, saved: Path) -> None:
        """Go back to what was saved; raise `ModelFolderError` where that is damaged."""
        try:
            progress = decode_progress((saved / "progress.json").read_bytes())
            load_weights(self.network, saved / "network.safetensors")
            moments = load_tensors(saved / "optimizer.safetensors")
            _check_fit("optimizer.safetensors", moments, self._shapes_of_moments())
            if self.average:
                averages = load_tensors(saved / "average.safetensors")
                _check_fit("average.safetensors", averages, {n: t.shape for n, t in self.average.tensors.items()})
                for name, tensor in self.average.tensors.items():
                    tensor.copy_(averages[name])
        except (OSError, ValueError, RecursionError, SafetensorError) as error:
            raise refusal(saved.parent.parent, (f"{saved}: is damaged ({error})",)) from error
        self.progress = progress
        self._make_moments()
        for name, moment in self._moments().items():
            moment.copy_(moments[name])

    def copy_from_first(self, processes: Processes) -> None:
        """Give all processes the state of the first: even weights of one seed may differ in their last bits."""
        self.progress = processes.first(lambda: self.progress)
        if not processes.is_first:
            self._make_moments()
        averages = self.average.tensors if self.average else {}
        weights = distinct_weights(self.network)
        processes.copy_from_first([*weights.values(), *self._moments().values(), *averages.values()])

    def _make_moments(self) -> None:
        """Make room in the optimizer for the moments of a training that got as far as this one."""
        for weight in self.network.parameters():
            step = torch.tensor(float(self.progress.update - self.progress.skipped), device=weight.device)
            self.optimizer.state[weight] = {key: torch.zeros_like(weight) for key in MOMENTS} | {"step": step}

    def _shapes_of_moments(self) -> dict[str, torch.Size]:
        return {f"{name}.{key}": weight.shape for name, weight in self.network.named_parameters() for key in MOMENTS}

    def _moments(self) -> dict[str, Tensor]:
        """Adam's moments by name; zeros before the first update, when it has none yet."""
        return {
            f"{name}.{key}": self.optimizer.state[weight].get(key, torch.zeros_like(weight))
            for name, weight in self.network.named_parameters()
            for key in MOMENTS
        }


def _check_fit(file: str, tensors: dict[str, Tensor], shapes: dict[str, torch.Size]) -> None:
    """Raise `SafetensorError` where a file lacks a tensor, or one is of another shape or not finite."""
    for name, shape in shapes.items():
        if name not in tensors:
            raise SafetensorError(f"{file} has no {name}")
        if tensors[name].shape != shape:
            raise SafetensorError(f"{file}: {name} has shape {list(tensors[name].shape)}, not {list(shape)}")
        if not tensors[name].isfinite().all():
            raise SafetensorError(f"{file}: {name} is not finite")
