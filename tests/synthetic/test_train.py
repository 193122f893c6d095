"""The public `train`: which way it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

import mtkit
from mtkit.dataset import PreparedCorpus
from mtkit.errors import SettingsError
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.synthetic.train import train


def quick(out: Path, **changes: object) -> TrainSettings:
    network = NetworkSettings(embedding_size=8, hidden_size=12)
    return TrainSettings(**{"network": network, "updates": 3, "device": "cpu", "out": str(out), **changes})  # type: ignore[arg-type]


def test_it_is_what_the_package_hands_on() -> None:
    assert mtkit.train is train


def test_it_returns_what_came_of_the_training(prepared: PreparedCorpus, tmp_path: Path) -> None:
    result = train(quick(tmp_path / "model"), prepared)
    assert (result.folder, result.updates, result.reason) == (tmp_path / "model", 3, "all updates are done")
    assert (result.folder / "model.safetensors").is_file()


def test_models_in_each_direction_without_diversifying_are_refused(prepared: PreparedCorpus, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"`models_each_way=2` is of no use .* add `diversify=True`, or leave it"):
        train(quick(tmp_path / "model", models_each_way=2), prepared)
