"""How much memory a training will take, estimated before it starts.

    process     the interpreter, torch and its libraries
    compiled    with bfloat16 on a CPU, the code that oneDNN compiles for one shape of product after another
    16 P        P weights in float32, each with its gradient and the two moments of Adam
    cached      segmentations of words that subword sampling keeps
    kept        what the forward pass of the largest batch keeps for the backward pass, and what goes with it

What is kept is not derived from the network's equations but counted, on batches of a few tokens, so that it holds for
whatever kernels run. It is a constant, and a share for each sentence, source position, target position and pair of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mtkit.dataset.batches import Batch
from mtkit.dataset.prepared import Split
from mtkit.text.vocabulary import EOS

PROCESS = {"cpu": 4e8, "cuda": 5e8}
COMPILED = 2.2e6
"""Bytes for each unit of the hidden size; it grows for some epochs, then stays. Peaks of trainings on Multi30k, in GB,
estimated and measured: 1.1 and 0.9 at 256 units, 1.7 and 1.9 at 512, 2.4 and 2.5 at 768."""
BESIDE = 1.25
"""Measured in float32: peak over what is kept, at 3,000 and at 12,000 tokens a batch."""

_TRIALS = ((8, 8, 8), (8, 8, 16), (8, 16, 8), (8, 16, 16), (16, 8, 8))
"""Shapes (B, S, T) from which the five terms follow."""


def estimate_memory(
    network: nn.Module,
    hidden_size: int,
    autocast: torch.dtype | None,
    forward: Callable[[Batch], object],
    split: Split,
    plan: Sequence[npt.NDArray[np.int64]],
    widens: float = 1,
    longer: int = 0,
    caches: int = 0,
) -> int:
    """Return the bytes that training will take at its peak, on a GPU those of the GPU, within about 30 %.

    Args:
        network: its weights are those that are trained.
        hidden_size: the width of its recurrent layers.
        autocast: the type of its products where that is not float32.
        forward: makes the loss of a batch, as training does.
        split: what the plan's indices count in.
        plan: the indices of each batch's pairs.
        widens: how many times as long as planned the two sides of a batch become.
        longer: how many pieces longer than that.
        caches: bytes of main memory that what reads the corpus may keep.
    """
    device = next(network.parameters()).device
    weights = sum(weight.numel() for weight in network.parameters())
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        trials = [_kept(network, forward, _batch(*shape)) for shape in _TRIALS]
    terms = np.linalg.solve(_products(np.array(_TRIALS, np.float64)), np.array(trials))
    shapes = np.array(
        [(len(indices), split.src_lengths[indices].max() + 1, split.tgt_lengths[indices].max() + 1) for indices in plan]
    )
    kept = float((_products(shapes * (1, widens, widens) + (0, longer, longer)) @ terms).max())
    compiled = COMPILED * hidden_size if device.type == "cpu" and autocast is not None else 0
    cached = caches if device.type == "cpu" else 0
    return round(fixed_memory(weights, device) + compiled + cached + BESIDE * kept)


def fixed_memory(weights: int, device: torch.device) -> int:
    """Return the bytes that a training takes whatever its batches are, but for what is compiled."""
    return round(PROCESS[device.type] + 16 * weights)


def available_memory() -> int | None:
    """Return the bytes that this process could still take of the machine, or None where the system does not say."""
    found = []
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))  # of a container; else it is missing, or max
    except (OSError, ValueError):
        pass
    return min(found, default=None)


def _batch(sentences: int, src: int, tgt: int) -> Batch:
    return Batch(*(np.full(shape, EOS) for shape in ((sentences, src), sentences, (sentences, tgt), (sentences, tgt))))


def _products(shapes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return 1, B, B S, B T, B S T for each of (N, 3) shapes."""
    sentences, src, tgt = shapes.T
    return np.stack(
        (np.ones_like(sentences), sentences, sentences * src, sentences * tgt, sentences * src * tgt), axis=1
    )


def _kept(network: nn.Module, forward: Callable[[Batch], object], batch: Batch) -> int:
    """Count the bytes that a forward pass keeps for the backward pass, the weights themselves left out."""
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = forward(batch)  # held until all is counted, so that no storage takes the place of another
    del loss
    return sum(kept.values())
