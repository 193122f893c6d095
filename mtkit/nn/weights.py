"""A network's weights in a safetensors file: no pickle, tied weights once, shapes checked."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from mtkit.errors import ModelFolderError
from mtkit.nn.seq2seq import Seq2Seq
from mtkit.storage import fault, new_file, utf8_name


def distinct_weights(network: Seq2Seq) -> dict[str, Tensor]:
    """Return the network's parameters by name, each tied one under its first name only."""
    return {name: weight.detach() for name, weight in network.named_parameters()}


def save_weights(network: Seq2Seq, path: Path) -> None:
    """Write the weights, whole or not at all."""
    save_tensors(distinct_weights(network), path)


def save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors by name, whole or not at all.

    The bytes are made first and written as those of any file: safetensors' own writer hides a full disk in an error
    of its own, and gives files that only their owner can read.
    """
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    with new_file(path) as draft:
        draft.write_bytes(content)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name; raises `OSError` or `SafetensorError` where it cannot be read."""
    with utf8_name(path.parent) as folder:
        return load_file(f"{folder}/{path.name}")


def load_weights(network: Seq2Seq, path: Path) -> None:
    """Fill the network in place; raise `ModelFolderError` where the file does not fit it."""
    try:
        stored = load_tensors(path)
    except (OSError, SafetensorError) as error:
        wrong = fault(path, f"cannot be read as weights ({error}); copy the model folder again")
        raise ModelFolderError(f"{path}: {wrong}") from error
    weights = distinct_weights(network)
    for name in sorted(weights.keys() ^ stored.keys()):
        place = "is missing from the file" if name in weights else "is not part of the network"
        raise ModelFolderError(f"{path}: does not fit config.json: {name} {place}")
    for name, weight in weights.items():
        if stored[name].shape != weight.shape:
            raise ModelFolderError(
                f"{path}: does not fit config.json: {name} has shape {list(stored[name].shape)}, "
                f"the settings ask for {list(weight.shape)}"
            )
        if not stored[name].isfinite().all():
            raise ModelFolderError(f"{path}: {name} is not finite; the training that wrote it diverged")
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(stored[name])
