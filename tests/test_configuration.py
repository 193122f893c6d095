"""Settings come from defaults, presets, config files and flags, in that order, and complain by name."""

from __future__ import annotations

import json
from dataclasses import replace as replaced
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from mtkit.configuration import (
    COMMANDS,
    as_resolved,
    field_names,
    fields,
    for_corpus,
    read_config,
    resolve,
    resumed,
    vocabulary_size,
    with_values_from,
)
from mtkit.errors import SettingsError
from mtkit.presets import PRESETS, RECIPES, diversified_epochs, recipe_for
from mtkit.settings import (
    CorpusSettings,
    EvaluateSettings,
    NetworkSettings,
    PreprocessSettings,
    PresetName,
    TrainSettings,
    TranslateSettings,
)

CLASSES = (PreprocessSettings, TrainSettings, TranslateSettings, EvaluateSettings)


def config_file(folder: Path, text: str, name: str = "mtkit.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("settings", CLASSES)
def test_every_field_is_described_and_grouped_and_no_name_occurs_twice(settings: type) -> None:
    known = list(fields(settings))
    assert all(field.help.endswith(".") and field.group for field in known)
    assert len({field.name for field in known}) == len(known)


@pytest.mark.parametrize("settings", CLASSES)
def test_nothing_given_resolves_to_the_defaults(settings: type) -> None:
    assert resolve(settings, command="any", flags={}).settings == settings()


def test_every_preset_resolves_and_is_one_of_the_names_settings_knows() -> None:
    assert set(PRESETS) == set(get_args(PresetName))
    for name, changes in PRESETS.items():
        resolved = resolve(TrainSettings, command="train", flags={"preset": name})
        assert {key: resolved.values[key] for key in changes} == changes
        assert msgspec.convert(msgspec.to_builtins(resolved.settings), TrainSettings) == resolved.settings


def test_precedence_is_default_preset_config_flag(tmp_path: Path) -> None:
    file = config_file(tmp_path, "[train]\npreset = 'base'\nhidden_size = 640\ndropout = 0.25\n")
    resolved = resolve(TrainSettings, command="train", flags={"dropout": 0.1}, config=file)
    assert resolved.settings.network.dropout == 0.1
    assert resolved.settings.network.hidden_size == 640
    assert resolved.settings.network.cell == PRESETS["base"]["cell"]
    assert resolved.settings.clip_norm == TrainSettings().clip_norm
    origins = resolved.origins
    assert [origins[name] for name in ("dropout", "hidden_size", "cell", "clip_norm")] == [
        "flag",
        f"file {file}",
        "preset base",
        "default",
    ]


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml = config_file(tmp_path, "[preprocess]\ntrain = ['a', 'b']\njoint = false\n")
    content = {"preprocess": {"train": ["a", "b"], "joint": False}}
    as_json = config_file(tmp_path, json.dumps(content), "mtkit.json")
    assert read_config(toml, "preprocess") == read_config(as_json, "preprocess")
    resolved = resolve(PreprocessSettings, command="preprocess", flags={}, config=toml)
    assert resolved.settings.corpus.train == ("a", "b")
    assert not resolved.settings.corpus.joint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\ndropuot = 0.1\n", "[train] has no key dropuot; did you mean dropout?"),
        ("[trian]\ndropout = 0.1\n", "has a table [trian] of no command; did you mean train?"),
        ("[train]\ndropout = 1.5\n", "dropout 1.5: expected `float` < 1.0"),
        ("[train]\ncell = 'rnn'\n", "cell rnn: "),
        ("[train]\nhidden_size = 'wide'\n", "hidden_size wide: expected `int`"),
        ("[train\n", "cannot be read as TOML"),
        ("train = 3\n", "train must be a table"),
    ],
)
def test_a_bad_config_file_is_named_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    file = config_file(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        resolve(TrainSettings, command="train", flags={}, config=file)
    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_config_file_and_one_without_tables_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such config file"):
        read_config(tmp_path / "none.toml", "train")
    with pytest.raises(SettingsError, match="holds no tables"):
        read_config(config_file(tmp_path, "[1, 2]", "list.json"), "train")


def test_a_bad_flag_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^`batch_tokens=0`: expected `int` >= 1$"):
        resolve(TrainSettings, command="train", flags={"batch_tokens": 0})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"attention_heads": 5}, "`attention_heads=5` does not divide `hidden_size=512`; choose one that does"),
        ({"hidden_size": 15}, "`hidden_size=15` is odd, and two directions share it"),
    ],
)
def test_two_values_that_disagree_are_named(flags: dict[str, int], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve(TrainSettings, command="train", flags=flags)
    resolve(TrainSettings, command="train", flags={**flags, "hidden_size": 15, "bidirectional": False})


def test_a_least_length_above_the_greatest_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"^`min_length_ratio=2\.5` is above `max_length_ratio=2`; lower the one or "
    ):
        resolve(TranslateSettings, command="translate", flags={"min_length_ratio": 2.5})
    resolve(TranslateSettings, command="translate", flags={"min_length_ratio": 2.5, "max_length_ratio": 2.5})


def test_the_table_of_another_command_is_left_alone(tmp_path: Path) -> None:
    file = config_file(tmp_path, "".join(f"[{command}]\nseed = 7\n" for command in COMMANDS) + "beam_size = 9\n")
    assert resolve(TrainSettings, command="train", flags={}, config=file).settings.seed == 7
    assert resolve(EvaluateSettings, command="evaluate", flags={}, config=file).settings.search.beam_size == 9


def test_auto_chooses_what_nobody_has_set_once_the_corpus_is_known(tmp_path: Path) -> None:
    file = config_file(tmp_path, "[train]\nbatch_tokens = 777\n")
    given = resolve(TrainSettings, command="train", flags={"dropout": 0.15}, config=file)
    assert given.settings.preset == "auto"
    for pairs in (5_000, 29_000, 200_000, 10**7):
        resolved = for_corpus(given, pairs)
        assert resolved.settings.network.dropout == 0.15
        assert resolved.settings.batch_tokens == 777
        for name, value in recipe_for(pairs).values.items():
            if name not in ("dropout", "batch_tokens"):
                assert (resolved.values[name], resolved.origins[name]) == (value, "preset auto")


def test_a_named_preset_leaves_nothing_to_auto() -> None:
    given = resolve(TrainSettings, command="train", flags={"preset": "small"})
    resolved = for_corpus(given, 10**7)
    assert {**resolved.values, "epochs": 0} == given.values
    assert resolved.origins["epochs"] == "corpus of 10,000,000 pairs"


def test_a_model_to_start_from_brings_its_network_but_flags_stay() -> None:
    network = NetworkSettings(cell="lstm", hidden_size=64, dropout=0.2)
    given = resolve(TrainSettings, command="train", flags={"dropout": 0.5, "preset": "base"})
    resolved = for_corpus(with_values_from(given, msgspec.structs.asdict(network), "models/a"), 10**7)
    assert resolved.settings.network == msgspec.structs.replace(network, dropout=0.5)
    assert resolved.origins["hidden_size"] == "models/a"


@pytest.mark.parametrize("name", ["default.toml", "preset base"])
def test_what_a_config_file_says_stays_whatever_the_file_is_called(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file(tmp_path, "[train]\nhidden_size = 128\npreset = 'base'\n", name=name)
    monkeypatch.chdir(tmp_path)
    given = resolve(TrainSettings, command="train", flags={}, config=Path(name))
    assert with_values_from(for_corpus(given, 10**7), {"hidden_size": 32}, "model").settings.network.hidden_size == 128


@pytest.mark.parametrize("pairs", [5_000, 29_000, 200_000, 10**7])
@pytest.mark.parametrize("preset", get_args(PresetName))
def test_for_a_corpus_every_training_has_a_length_and_doing_it_again_changes_nothing(preset: str, pairs: int) -> None:
    resolved = for_corpus(resolve(TrainSettings, command="train", flags={"preset": preset}), pairs)
    assert resolved.settings.epochs == PRESETS[preset].get("epochs", recipe_for(pairs).epochs)
    assert for_corpus(resolved, pairs) == resolved
    assert for_corpus(as_resolved(resolved.settings), pairs).settings == resolved.settings


def test_updates_leave_no_epochs_to_choose() -> None:
    assert for_corpus(resolve(TrainSettings, command="train", flags={"updates": 9}), 5_000).settings.epochs == 0


def test_what_python_gives_is_resolved_as_what_flags_give() -> None:
    network = NetworkSettings(dropout=0.4)  # the default, and yet it is given
    by_python = as_resolved(TrainSettings(preset="auto", network=network, warmup=400))
    by_flags = resolve(TrainSettings, command="train", flags={"preset": "auto", "dropout": 0.4, "warmup": 400})
    given = {name for name, origin in by_python.origins.items() if origin == "given"}
    assert given == {name for name, origin in by_flags.origins.items() if origin == "flag"}
    for pairs in (5_000, 10**7):
        assert for_corpus(by_python, pairs).settings == for_corpus(by_flags, pairs).settings
    assert as_resolved(TrainSettings(preset="base")).origins["cell"] == "preset base"


def saved(**changes: object) -> dict[str, object]:
    """What a model's config.json has of a training of 5,000 pairs by the preset auto."""
    values = for_corpus(resolve(TrainSettings, command="train", flags={}), 5_000).values
    kept = set(field_names(TrainSettings, saved=True)) - set(field_names(CorpusSettings))
    return {**{name: values[name] for name in kept}, **changes}


def test_a_training_that_is_resumed_does_not_depend_on_the_recipes_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    began = saved(dropout=0.3, threads=3)
    other = [replaced(recipe, epochs=1, values={"warmup": 7, "cell": "lstm"}) for recipe in RECIPES]
    monkeypatch.setattr("mtkit.presets.RECIPES", other)
    given = resolve(TrainSettings, command="train", flags={"resume": True, "threads": 1, "patience": 3})
    resolved = for_corpus(resumed(given, began), 5_000)
    assert {name: resolved.values[name] for name in began} == {**began, "threads": 1, "patience": 3}
    origins = [resolved.origins[name] for name in ("epochs", "dropout", "preset", "threads", "resume")]
    assert origins == ["resumed model", "resumed model", "resumed model", "flag", "flag"]
    assert for_corpus(given, 5_000).settings.epochs == 1


@pytest.mark.parametrize(("pairs", "epochs"), [(5_000, 40), (29_000, 10), (200_000, 20), (10**7, 10)])
def test_a_model_that_says_0_epochs_has_those_of_the_version_that_saved_it(
    pairs: int, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtkit.presets.RECIPES", [replaced(recipe, epochs=1) for recipe in RECIPES])
    given = resolve(TrainSettings, command="train", flags={"resume": True})
    assert for_corpus(resumed(given, saved(epochs=0)), pairs).settings.epochs == epochs


def test_what_a_model_did_not_have_is_at_its_default_whatever_the_preset_says() -> None:
    began = saved(preset="base")
    del began["lexical"]
    given = resolve(TrainSettings, command="train", flags={"resume": True, "preset": "base"})
    assert given.settings.network.lexical
    assert not for_corpus(resumed(given, began), 5_000).settings.network.lexical


@pytest.mark.parametrize(
    ("given", "began", "length"),
    [
        ({}, {"epochs": 3}, (3, 0)),
        ({}, {"epochs": 0, "updates": 30}, (0, 30)),
        ({"epochs": 5}, {"epochs": 0, "updates": 30}, (5, 0)),
        ({"updates": 60}, {"epochs": 3}, (0, 60)),
        ({"epochs": 0}, {"epochs": 3}, (3, 0)),
    ],
)
def test_a_length_that_is_given_is_the_length(
    given: dict[str, int], began: dict[str, int], length: tuple[int, int]
) -> None:
    asked = resolve(TrainSettings, command="train", flags={"resume": True, **given})
    settings = for_corpus(resumed(asked, saved(**began)), 5_000).settings
    assert (settings.epochs, settings.updates) == length


def test_zeros_that_stand_for_a_choice_take_what_was_chosen() -> None:
    given = resolve(TrainSettings, command="train", flags={"resume": True, "valid_every": 0, "save_every": 30})
    settings = resumed(given, saved(valid_every=200, save_every=100)).settings
    assert (settings.valid_every, settings.save_every) == (200, 30)


@pytest.mark.parametrize("models", range(1, 11))
@pytest.mark.parametrize("epochs", [1, 2, 7, 10, 40])
def test_the_last_model_of_a_diversified_training_is_resumed_with_its_own_epochs(epochs: int, models: int) -> None:
    last = diversified_epochs(epochs, models)
    given = resolve(TrainSettings, command="train", flags={"resume": True})
    settings = resumed(given, saved(epochs=last, models_each_way=models), diversified=True).settings
    assert diversified_epochs(settings.epochs, models) == last


def test_a_damaged_value_of_a_model_is_named() -> None:
    given = resolve(TrainSettings, command="train", flags={"resume": True})
    with pytest.raises(SettingsError, match=r"^resumed model: dropout much: expected `float`"):
        resumed(given, saved(dropout="much"))


def test_a_vocabulary_without_a_size_has_that_of_the_recipe() -> None:
    assert vocabulary_size(CorpusSettings(vocab_size=77), 5_000) == 77
    assert vocabulary_size(CorpusSettings(), 5_000) == recipe_for(5_000).vocab_size
