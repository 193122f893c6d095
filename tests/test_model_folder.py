"""A model is one folder: it opens where it is whole, and says what is wrong where it is not."""

from __future__ import annotations

import json
import pickletools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtkit.errors import ModelFolderError, OutputError
from mtkit.model_folder import FORMAT_VERSION, ModelFolder, check_way, is_model_folder
from mtkit.runtime.torch_stepper import load_torch_stepper

Change = Callable[[Path], object]


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


def edit_config(**changes: object) -> Change:
    """Set keys of config.json, or remove those set to None."""

    def change(path: Path) -> None:
        config = json.loads((path / "config.json").read_text())
        config = {key: value for key, value in {**config, **changes}.items() if value is not None}
        (path / "config.json").write_text(json.dumps(config))

    return change


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_torch_stepper(ModelFolder.open(path), torch.device("cpu"), "float32").network.state_dict()


def test_a_copy_is_the_same_model_without_the_original(model_folder: Path, copy: Path, tmp_path: Path) -> None:
    moved = copy.rename(tmp_path / "moved")
    original, others = weights(model_folder), weights(moved)
    assert original.keys() == others.keys()
    assert all(torch.equal(weight, others[name]) for name, weight in original.items())
    assert ModelFolder.open(moved).config == ModelFolder.open(model_folder).config


def test_a_model_needs_neither_its_training_state_nor_its_card_nor_its_log(model_folder: Path, copy: Path) -> None:
    shutil.rmtree(copy / "training")
    (copy / "README.md").unlink()
    (copy / "log.jsonl").unlink()
    assert all(torch.equal(weight, weights(model_folder)[name]) for name, weight in weights(copy).items())


def test_nothing_inside_points_outside(model_folder: Path) -> None:
    outside = [str(folder).encode() for folder in (model_folder, model_folder.parent, Path.home(), Path.cwd())]
    for file in filter(Path.is_file, model_folder.rglob("*")):
        assert not file.is_symlink()
        assert not any(path in file.read_bytes() for path in outside if len(path) > 1), file.name


def test_there_is_no_pickle_in_a_model(model_folder: Path) -> None:
    files = [path for path in model_folder.rglob("*") if path.is_file()]
    assert {file.suffix for file in files} <= {".json", ".jsonl", ".md", ".onnx", ".safetensors", ".spm", ".svg"}
    for file in files:
        content = file.read_bytes()
        assert not content.startswith(b"PK"), f"{file.name} is an archive, as torch.save writes them"
        with pytest.raises(ValueError):  # noqa: PT011 - whatever pickletools finds first
            list(pickletools.genops(content))


def test_a_folder_holds_what_its_docstring_says(model_folder: Path) -> None:
    assert sorted(path.name for path in model_folder.iterdir()) == [
        "README.md",
        "config.json",
        "curves.svg",
        "joint.spm",
        "log.jsonl",
        "model.safetensors",
        "runtime",
        "training",
    ]


def test_vocabularies_come_back(model_folder: Path) -> None:
    folder = ModelFolder.open(model_folder)
    assert folder.src_vocabulary is folder.tgt_vocabulary
    assert len(folder.src_vocabulary) == folder.config.src_vocab_size == folder.config.tgt_vocab_size
    assert folder.config.vocabularies == {"joint.spm": folder.src_vocabulary.fingerprint}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, r"copy: is not a model folder \(does not exist\)"),
        (lambda path: (path / "config.json").unlink(), r"copy: is not a model folder \(has no config\.json\)"),
        (edit_config(format="other"), r"config\.json: is not the config\.json of an mtkit model"),
        (lambda path: (path / "config.json").write_text("[1]"), r"config\.json: is not the config\.json of an mtkit"),
        (
            edit_config(format_version=FORMAT_VERSION + 1, mtkit_version="9.9"),
            r"config\.json: has format version 2, this mtkit reads 1; use the mtkit that wrote it \(9\.9\)",
        ),
        (lambda path: (path / "config.json").write_text("{"), r"config\.json: cannot be read"),
        (lambda path: (path / "config.json").write_bytes(b'"\xff"'), r"config\.json: cannot be read"),
        (edit_config(network=None), r"config\.json: cannot be read .*network"),
        (edit_config(network={"hidden_size": 7}), r"config\.json: cannot be read \(`hidden_size=7` is odd"),
        (edit_config(src_vocab_size="many"), r"config\.json: cannot be read .*src_vocab_size"),
        (lambda path: (path / "joint.spm").unlink(), r"joint\.spm: is missing from the model folder; copy the folder"),
        (
            lambda path: (path / "joint.spm").write_bytes(b"other"),
            r"joint\.spm: is not the vocabulary this model was trained with",
        ),
    ],
)
def test_what_is_no_whole_model_is_refused(damage: Change, message: str, copy: Path) -> None:
    damage(copy)
    with pytest.raises(ModelFolderError, match=message):
        ModelFolder.open(copy)


def test_weights_that_do_not_fit_the_settings_are_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    edit_config(network={**config["network"], "hidden_size": 32})(copy)
    with pytest.raises(ModelFolderError, match=r"does not fit config\.json"):
        weights(copy)


def test_a_model_is_told_from_any_other_folder(model_folder: Path, tmp_path: Path) -> None:
    assert is_model_folder(model_folder)
    assert not is_model_folder(tmp_path)
    assert not is_model_folder(tmp_path / "nowhere")
    for content in ("{}", "[]", "no json", '{"format": "other"}'):
        (tmp_path / "config.json").write_text(content)
        assert not is_model_folder(tmp_path)


def test_a_model_is_replaced_only_by_force(copy: Path) -> None:
    with pytest.raises(OutputError, match="copy: holds a model already; `resume=True` goes on with it, `force=True`"):
        check_way(copy, force=False)
    check_way(copy, force=True)
    assert is_model_folder(copy)


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_model_is_never_replaced(force: bool, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(OutputError, match="exists and is no model folder; choose another `out`"):
            check_way(place, force)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("force", [False, True])
def test_an_empty_or_absent_folder_is_free(force: bool, tmp_path: Path) -> None:
    check_way(tmp_path, force)
    check_way(tmp_path / "nowhere", force)
