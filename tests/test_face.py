"""The face of the package: what Python users import, from settings to scores."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest

import mtkit
from mtkit import errors
from mtkit.version import __version__


def test_dir_lists_what_may_be_imported_and_all_of_it_is_there() -> None:
    assert dir(mtkit) == sorted(mtkit.__all__)
    for name in mtkit.__all__:
        assert getattr(mtkit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = mtkit.tarin
    assert mtkit.__version__ == __version__


def test_looking_at_the_face_imports_nothing_heavy() -> None:
    program = "import mtkit, sys; dir(mtkit); mtkit.TrainSettings(); print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def classes_of(annotation: object) -> set[type]:
    """The classes of mtkit that a type names, wherever in it."""
    inner = getattr(annotation, "__args__", ())
    parts = inner if isinstance(inner, tuple) else ()
    own = {annotation} if isinstance(annotation, type) and annotation.__module__.startswith("mtkit") else set()
    return own.union(*(classes_of(part) for part in parts))


@pytest.mark.parametrize(
    "function", [mtkit.prepare, mtkit.evaluate, mtkit.resolve, mtkit.Translator.load, mtkit.Translator.translate]
)
def test_the_types_that_signatures_need_are_exported(function: object) -> None:
    assert inspect.isroutine(function)
    exported = {getattr(mtkit, name) for name in mtkit.__all__ if name != "Event"}
    for name, annotation in get_type_hints(function).items():
        assert classes_of(annotation) <= exported, name


def test_every_error_of_the_tree_is_exported() -> None:
    tree = {error for error in vars(errors).values() if inspect.isclass(error) and issubclass(error, errors.MtkitError)}
    assert len(tree) > 5
    assert tree <= {getattr(mtkit, name) for name in mtkit.__all__}


def test_a_preset_is_taken_and_what_is_given_wins_even_where_it_is_the_default() -> None:
    settings = mtkit.TrainSettings(preset="large", batch_tokens=mtkit.TrainSettings().batch_tokens)
    by_flags = mtkit.resolve(mtkit.TrainSettings, command="train", flags={"preset": "large", "batch_tokens": 3000})
    assert settings == by_flags.settings
    assert (settings.network.cell, settings.network.hidden_size, settings.batch_tokens) == ("lstm", 1024, 3000)

    network = mtkit.NetworkSettings(hidden_size=512, cell="gru")
    settings = mtkit.TrainSettings(preset="large", network=network)
    assert (settings.network.cell, settings.network.hidden_size) == ("gru", 512)
    assert (settings.network.encoder_layers, settings.network.attention_heads) == (4, 4)


def test_a_network_that_was_read_from_a_model_stays_as_it_is(model_folder: Path) -> None:
    network = mtkit.ModelFolder.open(model_folder).config.network
    assert mtkit.TrainSettings(preset="large", network=network).network == network


@pytest.fixture(scope="module")
def trained(parallel_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that `train` has made of raw text alone, by the preset auto."""
    text = mtkit.CorpusSettings(langs="en-fr", train=(f"{parallel_text}/valid",), valid=(f"{parallel_text}/valid",))
    network = mtkit.NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.4)
    out = tmp_path_factory.mktemp("face") / "model"
    settings = mtkit.TrainSettings(
        corpus=text, network=network, out=str(out), updates=4, warmup=400, threads=1, device="cpu", precision="float32"
    )
    events: list[object] = []
    result = mtkit.train(settings, emit=events.append)
    assert any(isinstance(event, mtkit.Note) and event.text.startswith("Reading") for event in events)
    assert isinstance(events[-1], mtkit.Finished)
    assert mtkit.Translator.load(result, device="cpu").src_lang == "en"
    return out


def test_train_prepares_the_text_of_its_settings_and_auto_chooses_what_is_not_given(trained: Path) -> None:
    saved = mtkit.ModelFolder.open(trained).config.train
    given = {"hidden_size": 12, "warmup": 400, "updates": 4}  # of which 400 is the default, and auto's is 100
    chosen = {"lexical": True, "batch_tokens": 1500, "learning_rate": 1e-3, "average_decay": 0.998}
    assert {name: saved[name] for name in (*given, *chosen)} == {**given, **chosen}


def test_train_goes_on_with_what_its_model_was_begun_with(trained: Path, parallel_text: Path) -> None:
    text = mtkit.CorpusSettings(langs="en-fr", train=(f"{parallel_text}/valid",), valid=(f"{parallel_text}/valid",))
    before = mtkit.ModelFolder.open(trained).config.train
    mtkit.train(mtkit.TrainSettings(corpus=text, out=str(trained), resume=True, updates=4, device="cpu"))
    assert mtkit.ModelFolder.open(trained).config.train == before
    kinds = [json.loads(line)["kind"] for line in (trained / "log.jsonl").read_text().splitlines()]
    assert kinds[0] == "started"


def test_without_a_corpus_there_must_be_text(tmp_path: Path) -> None:
    with pytest.raises(mtkit.SettingsError, match=r"`langs` .* is not a language pair"):
        mtkit.train(mtkit.TrainSettings(out=str(tmp_path / "model")))


def test_a_single_text_is_not_several_lines(model_folder: Path) -> None:
    translator = mtkit.Translator.load(model_folder, device="cpu", threads=1)
    with pytest.raises(mtkit.SettingsError, match=r"^lines is a single text"):
        translator.translate("The red cat.")
    with pytest.raises(mtkit.SettingsError, match=r"^prefixes is a single text"):
        translator.translate(["The red cat."], prefixes="Le")
    with pytest.raises(mtkit.SettingsError, match=r"^targets is a single text"):
        translator.score(["The red cat."], "Le chat rouge.")
    with pytest.raises(mtkit.SettingsError, match=r"^ensemble is a single text"):
        mtkit.Translator.load(model_folder, ensemble=str(model_folder))


def test_from_corpus_to_scores(prepared: mtkit.PreparedCorpus, model_folder: Path, parallel_text: Path) -> None:
    assert isinstance(prepared, mtkit.PreparedCorpus)
    settings = mtkit.EvaluateSettings(test=f"{parallel_text}/valid", threads=1, device="cpu")
    scores = mtkit.evaluate(settings, model_folder)
    assert isinstance(scores, mtkit.Scores)
    assert scores.bleu is not None
    assert scores.bleu > 50
    assert msgspec.json.decode(scores.as_json())["sentences"] == 50
