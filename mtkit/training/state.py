"""Training state on disk: one folder `training/<update>/`, whole or not there, and free of pickle.

network.safetensors     the latest weights
optimizer.safetensors   Adam's moments, named after the weights
average.safetensors     the moving average of the weights, where there is one
progress.json           `Progress`

Chance needs no state: what is drawn is a function of seed, epoch, update and batch.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError
from torch import Tensor

from mtkit.errors import ModelFolderError
from mtkit.nn import Seq2Seq
from mtkit.runtime.weights import distinct_weights, load_tensors, load_weights, save_tensors, save_weights
from mtkit.storage import new_folder
from mtkit.training.average import MovingAverage

MOMENTS = ("exp_avg", "exp_avg_sq")


class Progress(Struct, kw_only=True):
    """Where training is. Sums run since the last report."""

    update: int = 0
    """Updates that are done, skipped ones included."""
    epoch: int = 0
    position: int = 0
    """Batches of this epoch that are done."""
    batches_per_update: int = 1
    """Of all processes together."""
    best_bleu: float = -1.0
    best_update: int = 0
    best_bleu_at_interval: float = -1.0
    """The best of the validations at their interval, which does without that of the end where it is off it."""
    validations_since_best: int = 0
    """Validations at their interval since the best of them."""
    halvings: int = 0
    """How often the plateau schedule has halved the learning rate."""
    seconds: float = 0.0
    log_bytes: int = 0
    loss_sum: float = 0.0
    token_sum: int = 0
    skipped: int = 0
    """Updates of the whole training that were skipped, since the loss or its gradient was no number."""
    skipped_in_a_row: int = 0


def save_state(
    folder: Path,
    network: Seq2Seq,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
    progress: Progress,
) -> None:
    """Save under `folder`/<update>, then remove older states."""
    target = folder / str(progress.update)
    if target.is_dir():
        return
    with new_folder(target) as draft:
        save_weights(network, draft / "network.safetensors")
        save_tensors(_moments(network, optimizer), draft / "optimizer.safetensors")
        if average:
            save_tensors(average.tensors, draft / "average.safetensors")
        (draft / "progress.json").write_bytes(msgspec.json.encode(progress))
    for old in _saved(folder):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def newest_state(folder: Path) -> Path | None:
    """The newest state under `folder`, or None."""
    return max(_saved(folder), key=lambda state: int(state.name), default=None)


def load_state(
    state: Path, network: Seq2Seq, optimizer: torch.optim.Optimizer, average: MovingAverage | None
) -> Progress:
    """Put network, optimizer and average where they were, and return the progress."""
    try:
        progress = msgspec.json.decode((state / "progress.json").read_bytes(), type=Progress)
        load_weights(network, state / "network.safetensors")
        moments = load_tensors(state / "optimizer.safetensors")
        if missing := _moments_of(network) - moments.keys():
            raise SafetensorError(f"optimizer.safetensors has no {min(missing)}")
        if average:
            averages = load_tensors(state / "average.safetensors")
            if missing := average.tensors.keys() - averages.keys():
                raise SafetensorError(f"average.safetensors has no {min(missing)}")
            for name, tensor in average.tensors.items():
                tensor.copy_(averages[name])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, SafetensorError) as error:
        raise ModelFolderError(f"{state}: is damaged ({error}); train anew with --force") from error
    blank_moments(network, optimizer, progress)
    for name, moment in _moments(network, optimizer).items():
        moment.copy_(moments[name])
    return progress


def blank_moments(network: Seq2Seq, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Make room in the optimizer for the moments of a training that got so far."""
    for weight in network.parameters():
        step = torch.tensor(float(progress.update - progress.skipped), device=weight.device)
        optimizer.state[weight] = {key: torch.zeros_like(weight) for key in MOMENTS} | {"step": step}


def tensors_of(network: Seq2Seq, optimizer: torch.optim.Optimizer, average: MovingAverage | None) -> list[Tensor]:
    """All that updates change: weights, moments, and the average of the weights."""
    averages = average.tensors if average else {}
    return [*distinct_weights(network).values(), *_moments(network, optimizer).values(), *averages.values()]


def _saved(folder: Path) -> list[Path]:
    return [state for state in folder.glob("*") if state.name.isdigit() and state.is_dir()]


def _moments_of(network: Seq2Seq) -> set[str]:
    return {f"{name}.{key}" for name, _ in network.named_parameters() for key in MOMENTS}


def _moments(network: Seq2Seq, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": optimizer.state[weight].get(key, torch.zeros_like(weight))  # before the first update: none yet
        for name, weight in network.named_parameters()
        for key in MOMENTS
    }
