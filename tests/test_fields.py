"""Settings check themselves on every path, and remember what they were given."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mtkit.errors import SettingsError
from mtkit.fields import Field, Settings, field_names, fields, given_names
from mtkit.settings import (
    CorpusSettings,
    EvaluateSettings,
    NetworkSettings,
    PreprocessSettings,
    SearchSettings,
    TrainSettings,
    TranslateSettings,
)

COMMANDS = (PreprocessSettings, TrainSettings, TranslateSettings, EvaluateSettings)
ALL = (*COMMANDS, CorpusSettings, NetworkSettings, SearchSettings)
FLOATS: list[tuple[type[Settings], str]] = [
    (settings, field.name)
    for settings in ALL
    for field in fields(settings)
    if field.type is float and len(field.path) == 1
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -5.0}, r"^`learning_rate=-5.0`: expected `float` > 0.0$"),
        ({"batch_tokens": "many"}, r"^`batch_tokens=many`: expected `int`, got `str`$"),
        ({"preset": "huge"}, r"^`preset=huge`: is none of auto, tiny, small, base, large$"),
        ({"preset": ["base"]}, r"^`preset=\['base'\]`: is none of"),
        ({"epochs": True}, r"^`epochs=True`: expected `int`, got `bool`$"),
        ({"network": 3}, r"^`network=3`: must be NetworkSettings$"),
        ({"network": CorpusSettings()}, r"must be NetworkSettings$"),
    ],
)
def test_a_wrong_value_is_named_by_the_constructor_and_by_replace(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        TrainSettings(**changes)
    with pytest.raises(SettingsError, match=message):
        replace(TrainSettings(), **changes)


@pytest.mark.parametrize(("settings", "name"), FLOATS)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_every_number_is_finite(settings: type[Settings], name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=name):
        settings(**{name: value})
    with pytest.raises((SettingsError, msgspec.ValidationError), match=name):
        msgspec.convert({name: value}, settings)


def test_texts_are_a_list_and_paths_are_texts() -> None:
    corpus = CorpusSettings(train=["a", Path("b")], vocabulary=Path("c"))  # type: ignore[arg-type]
    assert (corpus.train, corpus.vocabulary) == (("a", "b"), "c")
    with pytest.raises(SettingsError, match="must be a list of texts"):
        CorpusSettings(train="data/train")  # type: ignore[arg-type]


def test_an_unknown_name_is_no_setting() -> None:
    with pytest.raises(TypeError, match="hiden_size"):
        NetworkSettings(hiden_size=3)  # type: ignore[call-arg]


def test_settings_remember_what_they_were_given_even_where_it_is_the_default() -> None:
    network = NetworkSettings(dropout=NetworkSettings().dropout)
    settings = TrainSettings(seed=TrainSettings().seed, network=network)
    assert settings == TrainSettings()
    assert given_names(settings) == {"seed", "dropout"}
    assert given_names(TrainSettings()) == set()
    assert given_names(TrainSettings(preset="large")) == {"preset"}
    for same in (copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
        assert given_names(same) == {"seed", "dropout"}


def test_what_was_replaced_was_given_as_was_all_of_a_network_that_was_read() -> None:
    settings = replace(TrainSettings(network=NetworkSettings(hidden_size=64)), epochs=3)
    assert given_names(settings) == {"hidden_size", "epochs"}
    read = msgspec.convert({"hidden_size": 64}, NetworkSettings)
    assert given_names(TrainSettings(network=read)) == set(NetworkSettings.__struct_fields__)


@pytest.mark.parametrize("settings", COMMANDS)
def test_flags_of_booleans_follow_from_their_names_but_for_some(settings: type[msgspec.Struct]) -> None:
    odd = {"joint": "--joint/--separate"}
    odd |= {name: f"--{name}" for name in ("force", "resume", "sample", "attention", "json")}
    odd |= {"force_memory": "--force-memory"}
    for field in fields(settings):
        plain = "--" + field.name.replace("_", "-")
        if field.type is bool:
            assert field.flag == odd.get(field.name, f"{plain}/--no-{plain.removeprefix('--')}")
        else:
            assert field.flag == plain


def flag_of(name: str, value: str | None) -> str:
    (field,) = (field for field in fields(TrainSettings) if field.name == name)
    return field.as_flag(value)


def test_a_setting_and_its_value_are_written_as_a_flag() -> None:
    assert flag_of("batch_tokens", None) == "--batch-tokens"
    assert flag_of("batch_tokens", "64") == "--batch-tokens 64"
    assert [flag_of("joint", value) for value in (None, "True", "False")] == ["--joint", "--joint", "--separate"]
    assert flag_of("residual", "False") == "--no-residual"
    assert [flag_of("force", value) for value in ("True", "False")] == ["--force", "no --force"]


def test_what_settings_mean_for_resuming_and_saving() -> None:
    """A new setting is listed here, so that somebody has thought about it."""
    assert field_names(TrainSettings, resume="extend") == ("epochs", "updates")
    assert set(field_names(TrainSettings, resume="free")) == {
        "threads", "device", "precision", "patience", "target_bleu", "accumulate", "diversify", "models_each_way",
        "verify", "save_minutes", "force_memory",
    }  # fmt: skip
    assert set(field_names(TrainSettings, saved=False)) == {
        "train", "valid", "vocabulary", "init_from", "src_embeddings", "tgt_embeddings", "out", "resume", "force",
        "verify", "force_memory", "columns",
    }  # fmt: skip
    assert field_names(CorpusSettings, saved=True, comes_with="vocabulary") == ("vocab_size", "vocab_type", "joint")
    assert field_names(NetworkSettings, comes_with="") == ("dropout",)
    chosen = {field.name for field in fields(TrainSettings) if field.chosen_at_zero}
    assert chosen == {"vocab_size", "epochs", "valid_every", "save_every"}


def test_fields_of_groups_have_their_place() -> None:
    paths = {field.name: field.path for field in fields(TrainSettings)}
    assert (paths["dropout"], paths["seed"]) == (("network", "dropout"), ("seed",))
    assert all(isinstance(field, Field) for field in fields(TrainSettings))
