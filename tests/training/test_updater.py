"""What an update draws at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from mtkit.dataset import Batches, PreparedCorpus
from mtkit.nn import Seq2Seq
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.training.assembly import assemble
from mtkit.training.training_state import TrainingState

Tiny = Callable[..., TrainSettings]


def test_dropout_is_a_pure_function_of_seed_update_and_batch(tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> None:
    shape = NetworkSettings(embedding_size=8, hidden_size=12, tied_embeddings="all")
    pieces = len(few.src_vocabulary)
    state = TrainingState.of(Seq2Seq(shape, pieces, pieces), learning_rate=0.01, average_decay=0.0)

    def drawn(update: int, number: int, seed: int = 1) -> list[float]:
        batches = Batches(few.train, 200, seed)
        updater = assemble(tiny(seed=seed), few, batches, state, tmp_path).updater
        state.progress.update = update
        updater.seed_dropout(number)
        return torch.rand(4).tolist()

    places = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0, 2)]
    assert len({tuple(drawn(*place)) for place in places}) == len(places)
    assert drawn(1, 1) == drawn(1, 1)
