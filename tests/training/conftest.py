"""A training small enough to be run many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtkit.dataset import PreparedCorpus, prepare
from mtkit.settings import CorpusSettings, NetworkSettings, PreprocessSettings, TrainSettings


@pytest.fixture(scope="session")
def few(parallel_text: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    """The first 80 training and 20 validation pairs of `parallel_text`, prepared."""
    folder = tmp_path_factory.mktemp("few")
    for name, count in (("train", 80), ("valid", 20)):
        for lang in ("en", "fr"):
            lines = (parallel_text / f"{name}.{lang}").read_text(encoding="utf-8").splitlines(keepends=True)
            (folder / f"{name}.{lang}").write_text("".join(lines[:count]), encoding="utf-8")
    corpus = CorpusSettings(langs="en-fr", train=(f"{folder}/train",), valid=(f"{folder}/valid",))
    return prepare(PreprocessSettings(corpus=corpus, out=str(folder / "prepared")))


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., TrainSettings]:
    """Make the settings of 30 updates, 3 epochs and a bit of `few`, into `out` of `tmp_path`; keywords change them."""

    def make(out: str = "model", **changes: Any) -> TrainSettings:
        settings: dict[str, Any] = {
            "network": NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.3),
            "learning_rate": 0.01,
            "batch_tokens": 200,
            "updates": 30,
            "valid_every": 10,
            "device": "cpu",
            "precision": "float32",
            "threads": 1,
        }
        return TrainSettings(**{**settings, **changes}, out=str(tmp_path / out))

    return make
