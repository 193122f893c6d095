"""Which runtime serves which device, and what is said where it cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from msgspec.structs import replace

from mtkit.errors import ModelFolderError, SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import save_weights
from mtkit.runtime import loading
from mtkit.runtime.loading import choose_device, load_stepper
from mtkit.runtime.onnx_export.export import write_graphs
from mtkit.runtime.onnx_export.network import GraphNetwork
from mtkit.runtime.onnx_export.weights import read_weights
from mtkit.runtime.onnx_stepper import OnnxStepper


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


def forget(path: Path) -> None:
    """Make a model one of those that were exported before graphs had hashes."""
    ModelFolder.open(path).with_graphs({})


def load(path: Path, precision: str = "auto") -> OnnxStepper:
    stepper = load_stepper(ModelFolder.open(path), "cpu", precision)  # type: ignore[arg-type]
    assert isinstance(stepper, OnnxStepper)
    return stepper


@pytest.mark.parametrize(
    ("precision", "fast", "name"),
    [
        ("auto", True, "int8"),
        ("auto", False, "float32"),
        ("int8", True, "int8"),
        ("int8", False, "int8-7bit"),
        ("float32", True, "float32"),
    ],
)
def test_the_processor_decides_what_auto_and_int8_mean(
    copy: Path, precision: str, fast: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "has_int8_instructions", lambda: fast)
    for other in (copy / "runtime").iterdir():
        if other.name != name:
            shutil.rmtree(other)
    load(copy, precision)


def test_a_missing_graph_is_named_with_the_command_that_makes_it(copy: Path) -> None:
    shutil.rmtree(copy / "runtime")
    with pytest.raises(ModelFolderError, match=rf"encoder\.onnx: is missing; make it with: mtkit export {copy}$"):
        load(copy)


def test_graphs_of_other_weights_are_refused(copy: Path) -> None:
    weights = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(weights[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelFolderError, match=r"was made from other weights than .*model\.safetensors; make it with"):
        load(copy)


@pytest.mark.parametrize("part", ["encoder", "step"])
@pytest.mark.parametrize("key", ["weights", "format"])
def test_either_graph_may_be_stale(copy: Path, part: str, key: str) -> None:
    forget(copy)
    for path in (copy / "runtime").rglob(f"{part}.onnx"):
        graph = onnx.load(path)
        next(entry for entry in graph.metadata_props if entry.key == key).value = "old"
        onnx.save(graph, path)
    with pytest.raises(
        ModelFolderError, match=f"made (from|by) (other weights|another).*; make it with: mtkit export {copy}$"
    ):
        load(copy)


@pytest.mark.parametrize("weights", [True, False], ids=["with weights", "without"])
@pytest.mark.parametrize("part", ["encoder", "step"])
def test_no_flipped_bit_in_a_graph_goes_unseen(copy: Path, part: str, weights: bool) -> None:
    if not weights:
        (copy / "model.safetensors").unlink()
    for path in (copy / "runtime").rglob(f"{part}.onnx"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=rf"{part}\.onnx: is not the file that export wrote.*make it with"):
        load(copy)


def test_a_graph_without_a_hash_beside_others_that_have_one_is_refused(copy: Path) -> None:
    folder = ModelFolder.open(copy)
    folder.with_graphs({name: hash_ for name, hash_ in folder.config.graphs.items() if not name.endswith("step.onnx")})
    with pytest.raises(ModelFolderError, match=r"has no hashes in config\.json; make it with"):
        load(copy)


@pytest.mark.parametrize("weights", [True, False], ids=["with weights", "without"])
def test_models_without_hashes_load(copy: Path, weights: bool) -> None:
    forget(copy)
    if not weights:
        (copy / "model.safetensors").unlink()
    load(copy)


def swap(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def test_graphs_that_changed_places_are_refused_quietly(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for folder in (copy / "runtime").iterdir():
        swap(folder / "encoder.onnx", folder / "step.onnx")
    with pytest.raises(ModelFolderError, match="is not the file that export wrote"):
        load(copy)
    forget(copy)
    with pytest.raises(ModelFolderError, match=r"does not fit config\.json: the encoder takes"):
        load(copy)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("parts", [("encoder",), ("step",), ("encoder", "step")])
@pytest.mark.parametrize("weights", [True, False], ids=["with weights", "without"])
@pytest.mark.parametrize(
    ("changes", "pieces"),
    [
        ({"hidden_size": 24}, 0),
        ({"decoder_layers": 2}, 0),
        ({"lexical": False}, 0),
        ({"cell": "lstm"}, 0),
        ({"attention": "additive"}, 0),
        ({"embedding_size": 40}, 0),
        ({}, 10),
    ],
    ids=str,
)
def test_graphs_of_another_model_are_refused_quietly(
    copy: Path,
    tmp_path: Path,
    changes: dict[str, Any],
    pieces: int,
    parts: tuple[str, ...],
    weights: bool,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Those with hashes always; of models without, those that take or give something else, or know other pieces.

    Not seen is a whole other model of the same pieces and widths, where neither hashes nor weights are there.
    """
    config = ModelFolder.open(copy).config
    settings = replace(config.network, **changes)
    sizes = config.src_vocab_size + pieces, config.tgt_vocab_size + pieces
    other = tmp_path / "other"
    other.mkdir()
    save_weights(Seq2Seq(settings, *sizes), other / "model.safetensors")
    theirs = replace(config, network=settings, src_vocab_size=sizes[0], tgt_vocab_size=sizes[1])
    network = GraphNetwork(settings, read_weights(ModelFolder(other, theirs)))
    if not weights:
        (copy / "model.safetensors").unlink()
    write_graphs(network, "float32", other / "float32", digest="other")
    for part in parts:
        (copy / "runtime" / "float32" / f"{part}.onnx").write_bytes((other / "float32" / f"{part}.onnx").read_bytes())
    with pytest.raises(ModelFolderError, match="is not the file that export wrote"):
        load(copy, "float32")
    if not weights and len(parts) == 2 and changes.keys() & {"cell", "attention"}:
        return
    forget(copy)
    with pytest.raises(ModelFolderError, match=r"(does not fit config\.json|made from other weights)"):
        load(copy, "float32")
    assert capfd.readouterr() == ("", "")


def test_auto_stays_on_the_cpu_where_a_gpu_could_not_serve(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    folder = ModelFolder.open(copy)
    assert choose_device("auto", "auto", [folder]) == "cuda"
    assert choose_device("cpu", "auto", [folder]) == "cpu"
    assert choose_device("auto", "int8", [folder]) == "cpu"
    (copy / "model.safetensors").unlink()
    assert choose_device("auto", "auto", [folder]) == "cpu"


def test_a_damaged_graph_is_named(copy: Path) -> None:
    forget(copy)
    for path in (copy / "runtime").rglob("step.onnx"):
        path.write_bytes(b"nothing")
    with pytest.raises(ModelFolderError, match=r"step\.onnx: cannot be loaded"):
        load(copy)


def test_weights_and_training_are_not_needed_and_nothing_is_written(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    shutil.rmtree(copy / "training")
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    load(copy)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_bfloat16_is_not_for_a_cpu(model_folder: Path) -> None:
    with pytest.raises(SettingsError, match="`precision=bfloat16` is for a GPU; on a CPU choose int8 or float32"):
        load(model_folder, "bfloat16")


def test_translating_and_evaluating_on_a_cpu_work_where_nothing_of_the_full_install_exists(
    model_folder: Path, parallel_text: Path
) -> None:
    """Importing any of its packages fails here, as it does where they are not installed."""
    program = f"""if True:
        import importlib.abc, io, sys

        class Missing(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in ("torch", "safetensors", "onnx", "pyarrow"):
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Missing())
        import mtkit
        translator = mtkit.Translator.load({str(model_folder)!r}, threads=1)
        print(translator.translate(["The red cat sees a dog."])[0].text)
        settings = mtkit.EvaluateSettings(test={f"{parallel_text}/valid"!r}, threads=1)
        print(mtkit.evaluate(settings, {str(model_folder)!r}).bleu > 50)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Le chat rouge voit un chien.\nTrue\n"
