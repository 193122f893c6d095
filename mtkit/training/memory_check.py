"""Whether a training fits the memory there is: its network before that is made, its batches before the first update."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mtkit.dataset.noise import SPELLING_LENGTHENS
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.training.gradients import SAMPLING_WIDENS
from mtkit.training.memory import estimate_memory, fixed_memory
from mtkit.training.memory_limit import check_batches, check_weights, memory_limit, smaller_network, weights_of
from mtkit.training.trainer import Trainer


def check_network(settings: TrainSettings, corpus: PreparedCorpus, device: torch.device) -> None:
    """Raise `SettingsError`, before the network takes any memory, where there is not enough for it."""
    limit = memory_limit(device)
    if limit is not None and not settings.force_memory:
        check_weights(settings.network, _weights_of(corpus), limit, device)


def checked_memory(trainer: Trainer, settings: TrainSettings, corpus: PreparedCorpus) -> int:
    """Return the bytes that training will take at its peak, about.

    Raises:
        SettingsError: that is more than there is. On a GPU, batches that are too large go in parts.
    """
    updater, batches, noise, device = trainer.updater, trainer.batches, trainer.noise, trainer.state.device
    needed = estimate_memory(
        trainer.state.network,
        settings.network.hidden_size,
        updater.autocast,
        updater.forward,
        batches.split,
        trainer.plan,
        widens=SAMPLING_WIDENS if noise.subword_sampling else 1,
        longer=SPELLING_LENGTHENS if noise.byte_spelling else 0,
        caches=noise.cached_bytes,
    )
    limit = memory_limit(device)
    if device.type == "cpu" and limit is not None and not settings.force_memory:
        count = _weights_of(corpus)
        check_batches(
            needed,
            fixed_memory(count(settings.network), device),
            limit,
            batches.largest().size,
            lambda: smaller_network(settings.network, count, limit, device),
        )
    return needed


def _weights_of(corpus: PreparedCorpus) -> Callable[[NetworkSettings], int]:
    """Return what counts the weights of a network for a corpus."""
    return lambda network: weights_of(network, len(corpus.src_vocabulary), len(corpus.tgt_vocabulary))
