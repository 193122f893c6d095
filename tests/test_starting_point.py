"""What a training leaves open comes from the model that it resumes or begins with, or from embeddings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mtkit.configuration import as_resolved, resolve
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.model_folder import ModelFolder
from mtkit.presets import RECIPES
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.starting_point import from_starting_point
from mtkit.synthetic.train import train
from mtkit.training import Event, Finished, Validated

SHAPE = NetworkSettings(embedding_size=8, hidden_size=12, decoder_layers=1)


def few_epochs(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """Let recipes choose the epochs, and a learning rate that depends on them."""
    recipes = tuple(
        dataclasses.replace(recipe, epochs=epochs, values={"learning_rate": epochs / 1000}) for recipe in RECIPES
    )
    monkeypatch.setattr("mtkit.presets.RECIPES", recipes)


def test_a_training_goes_on_as_it_began_though_the_recipe_has_changed(
    prepared: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settings(out: str, resume: bool = False) -> TrainSettings:
        path = str(tmp_path / out)
        return TrainSettings(network=SHAPE, out=path, valid_every=4, threads=1, device="cpu", resume=resume)

    def interrupted(event: Event) -> None:
        if isinstance(event, Validated):
            raise KeyboardInterrupt

    few_epochs(monkeypatch, 2)
    whole: list[Event] = []
    train(settings("whole"), prepared, whole.append)
    with pytest.raises(KeyboardInterrupt):
        train(settings("parts"), prepared, interrupted)
    few_epochs(monkeypatch, 1)
    parts: list[Event] = []
    train(settings("parts", resume=True), prepared, parts.append)
    ends = [next(event for event in events if isinstance(event, Finished)) for events in (whole, parts)]
    assert ends[0].updates == ends[1].updates
    models = [ModelFolder.open(tmp_path / name) for name in ("whole", "parts")]
    assert models[0].config == models[1].config
    assert models[0].config.train["epochs"] == 2
    assert models[0].weights.read_bytes() == models[1].weights.read_bytes()


def test_show_config_says_what_comes_from_the_model_that_is_resumed(model_folder: Path) -> None:
    flags = {"out": str(model_folder), "resume": True, "dropout": 0.3, "preset": "small"}
    resolved = from_starting_point(resolve(TrainSettings, command="train", flags=flags))
    assert (resolved.values["hidden_size"], resolved.origins["hidden_size"]) == (64, "resumed model")
    assert (resolved.values["langs"], resolved.origins["langs"]) == ("en-fr", "resumed model")
    assert [resolved.origins[name] for name in ("dropout", "preset", "out")] == ["flag"] * 3


def test_a_training_that_never_began_has_nothing_to_take(tmp_path: Path) -> None:
    resolved = as_resolved(TrainSettings(out=str(tmp_path / "model"), resume=True))
    assert from_starting_point(resolved) == resolved


def test_a_model_to_begin_with_gives_its_network_and_is_of_one_direction(model_folder: Path) -> None:
    given = TrainSettings(init_from=str(model_folder), network=NetworkSettings(dropout=0.3))
    resolved = from_starting_point(as_resolved(given))
    network = ModelFolder.open(model_folder).config.network
    assert resolved.settings.network.hidden_size == network.hidden_size
    assert resolved.settings.network.dropout == 0.3
    assert (resolved.values["diversify"], resolved.origins["diversify"]) == (False, str(model_folder))


def test_embeddings_give_their_width(tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("a 0.5 1.0 1.5\n", encoding="utf-8")
    resolved = from_starting_point(as_resolved(TrainSettings(src_embeddings=str(file))))
    assert resolved.settings.network.embedding_size == 3
