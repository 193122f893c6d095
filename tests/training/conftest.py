"""A training small enough to be run many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mtkit.settings import NetworkSettings, TrainSettings


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., TrainSettings]:
    """Make the settings of 30 updates, 2 epochs and a bit of `prepared`, into `out` of `tmp_path`; keywords change them."""

    def make(out: str = "model", **changes: object) -> TrainSettings:
        settings = {
            "network": NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.3),
            "learning_rate": 0.01,
            "batch_tokens": 600,
            "updates": 30,
            "valid_every": 10,
            "device": "cpu",
            "precision": "float32",
            "threads": 1,
        }
        return TrainSettings(**{**settings, **changes}, out=str(tmp_path / out))

    return make
