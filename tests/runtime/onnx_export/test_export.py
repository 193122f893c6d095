"""The graphs say what the torch network says, for every shape of network there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnx
import onnxruntime
import pytest
from msgspec.structs import replace
from safetensors.numpy import load_file, save_file

from mtkit.errors import ModelFolderError
from mtkit.nn.attention import ATTENTIONS as NN_ATTENTIONS
from mtkit.nn.recurrent import CELLS as NN_CELLS
from mtkit.runtime.onnx_export import export as export_file
from mtkit.runtime.onnx_export.attention import ATTENTION_GRAPHS
from mtkit.runtime.onnx_export.cells import CELL_GRAPHS
from mtkit.runtime.onnx_export.export import PRECISIONS, export
from mtkit.runtime.processor import has_int8_instructions
from mtkit.runtime.torch_stepper import TorchStepper
from mtkit.search import Stepper
from mtkit.settings import AttentionType, Cell, NetworkSettings
from mtkit.storage import sha256
from mtkit.text.vocabulary import BOS

from ..conftest import PIECES, Exported

Make = Callable[..., Exported]
Sources = tuple[np.ndarray, np.ndarray]

NETWORKS = {
    f"{cell}-{encoder}{'bi' if bidirectional else 'uni'}-{decoder}-{attention}": NetworkSettings(
        cell=cell,
        encoder_layers=encoder,
        decoder_layers=decoder,
        bidirectional=bidirectional,
        attention=attention,
        attention_heads=1 if attention == "none" or encoder == 1 else 2,
        lexical=encoder == decoder,
        embedding_size=12,
        hidden_size=20,
        tied_embeddings="target" if bidirectional else "none",
    )
    for cell, (encoder, decoder), bidirectional, attention in product(
        get_args(Cell), [(1, 1), (2, 3), (2, 2)], (True, False), get_args(AttentionType)
    )
}
BASE = NetworkSettings(embedding_size=12, hidden_size=20, tied_embeddings="all", decoder_layers=2)


def walk(stepper: Stepper[Any], sources: Sources, k: int = 6) -> list[np.ndarray]:
    """Step through a fixed tree of hypotheses that split, change places and end; return all numbers seen on the way."""
    state = stepper.start(*sources)
    generator = np.random.default_rng(2)
    tokens, seen = np.full(len(sources[0]), BOS), []
    for rows in ([0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 2, 3, 3, 6], [0, 2, 3, 4, 5, 6], [5], [0, 0, 0]):
        required = generator.integers(0, PIECES, len(tokens))
        found, state = stepper.step(tokens, state, k, required=required, attention=True)
        assert found.required is not None
        assert found.attention is not None
        seen += [found.log_probs, found.required, found.attention]
        state, tokens = state.select(np.array(rows)), generator.integers(3, PIECES, len(rows))
    return seen


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=list(NETWORKS))
def test_graphs_in_float32_are_the_network(exported: Make, sources: Sources, settings: NetworkSettings) -> None:
    model = exported(settings)
    for ours, theirs in zip(
        walk(model.stepper("float32"), sources), walk(TorchStepper(model.network), sources), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("attention", get_args(AttentionType))
@pytest.mark.parametrize("lexical", [False, True])
def test_int8_stays_close_to_the_network(
    exported: Make, sources: Sources, cell: Cell, attention: AttentionType, lexical: bool
) -> None:
    settings = replace(BASE, cell=cell, attention=attention, lexical=lexical, embedding_size=64, hidden_size=128)
    model = exported(settings, scale=1.0)
    exact = walk(TorchStepper(model.network), sources)
    for precision in ("int8", "int8-7bit") if has_int8_instructions() else ("int8-7bit",):
        for ours, theirs in zip(walk(model.stepper(precision), sources), exact, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=0.2)


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("tied", ["all", "target", "none"])
def test_every_way_to_tie_tables_exports(exported: Make, sources: Sources, tied: str, residual: bool) -> None:
    model = exported(replace(BASE, tied_embeddings=tied, residual=residual, encoder_layers=3))
    exact, ours = walk(TorchStepper(model.network), sources), walk(model.stepper("float32"), sources)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(exact, ours, strict=True))


def test_logits_that_would_overflow_are_normalised_all_the_same(exported: Make, sources: Sources) -> None:
    model = exported(BASE, scale=400.0)
    exact, ours = walk(TorchStepper(model.network), sources), walk(model.stepper("float32"), sources)
    assert min(numbers.min() for numbers in exact) < -200
    assert all(np.allclose(one, other, rtol=1e-5, atol=1e-3) for one, other in zip(exact, ours, strict=True))


def test_every_cell_and_attention_has_its_class_and_its_graph() -> None:
    assert set(NN_CELLS) == set(CELL_GRAPHS) == set(get_args(Cell))
    assert set(NN_ATTENTIONS) == set(ATTENTION_GRAPHS) == set(get_args(AttentionType))
    for name, attention in ATTENTION_GRAPHS.items():
        assert attention.needs_query == NN_ATTENTIONS[name].needs_query


def test_export_writes_a_folder_a_precision_and_nothing_beside_its_graphs(exported: Make) -> None:
    folder = exported(BASE).folder
    export(folder)
    names = {str(path.relative_to(folder.path / "runtime")) for path in (folder.path / "runtime").rglob("*.onnx")}
    assert names == {f"{name}/{part}.onnx" for name in PRECISIONS for part in ("encoder", "step")}
    assert sorted(path.name for path in folder.path.iterdir()) == ["config.json", "model.safetensors", "runtime"]
    for name in names:
        graph = onnx.load(folder.path / "runtime" / name, load_external_data=False)
        assert not any(tensor.external_data for tensor in graph.graph.initializer)
        assert {entry.key: entry.value for entry in graph.metadata_props}["weights"] == sha256(folder.weights)


def test_seven_bit_weights_cannot_saturate_and_eight_bit_ones_use_their_range(exported: Make) -> None:
    model = exported(BASE)
    for precision, most in (("int8", 127), ("int8-7bit", 63)):
        model.stepper(precision)
        graph = onnx.load(model.folder.path / precision / "step.onnx").graph
        tensors = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
        weights = [tensor for tensor in tensors if tensor.dtype == np.int8]
        assert weights
        assert {np.abs(tensor.astype(int)).max() for tensor in weights} == {most}


def test_export_needs_no_torch() -> None:
    program = "import sys; import mtkit.runtime.onnx_export.export; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("decoder.readout.weight"), r"decoder\.readout\.weight is missing from the file"),
        (
            lambda weights: weights.update({"output.bias": weights["output.bias"][1:]}),
            r"output\.bias has shape \[149\]",
        ),
        (lambda weights: weights["output.bias"].fill(np.nan), r"output\.bias is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_leave_the_old_graphs(
    exported: Make, change: Callable[[dict[str, np.ndarray]], object], message: str
) -> None:
    folder = exported(BASE).folder
    export(folder)
    weights = load_file(folder.weights)
    change(weights)
    save_file(weights, folder.weights)
    with pytest.raises(ModelFolderError, match=message):
        export(folder)
    assert (folder.path / "runtime" / "int8" / "step.onnx").is_file()


def test_a_full_disk_is_told_as_one_and_leaves_the_old_graphs(model_folder: Path, tmp_path: Path) -> None:
    """In a process that may write files of 20 kB at most: SIGXFSZ is ignored by Python, so that writing fails."""
    copied = Path(shutil.copytree(model_folder, tmp_path / "copy"))
    before = {path: path.read_bytes() for path in copied.rglob("*.onnx")}
    program = (
        "import resource, sys; from pathlib import Path; from mtkit.model_folder import ModelFolder;"
        "from mtkit.runtime.onnx_export.export import export;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "export(ModelFolder.open(Path(sys.argv[1])))"
    )
    run = subprocess.run([sys.executable, "-c", program, copied], capture_output=True, text=True, check=False)
    assert re.search(r"^mtkit\.errors\.OutputError: .*runtime: cannot be written \(File too large\)", run.stderr, re.M)
    assert before == {path: path.read_bytes() for path in copied.rglob("*.onnx")}


def test_the_hash_of_every_file_is_recorded(exported: Make) -> None:
    folder = exported(BASE).folder
    export(folder)
    recorded = json.loads((folder.path / "config.json").read_bytes())["graphs"]
    runtime = folder.path / "runtime"
    files = [path for path in runtime.rglob("*") if path.is_file()]
    assert recorded == {str(path.relative_to(runtime)): sha256(path) for path in files}
    assert len(recorded) == 2 * len(PRECISIONS)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_graph_too_large_for_its_file_has_its_constants_beside_it_and_says_the_same(
    exported: Make, sources: Sources, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = exported(BASE)
    inside = walk(model.stepper(precision), sources)
    shutil.rmtree(model.folder.path / precision)
    monkeypatch.setattr(export_file, "INSIDE", 10_000)
    beside = walk(model.stepper(precision), sources)
    files = {path.name: path.stat().st_size for path in (model.folder.path / precision).iterdir()}
    assert set(files) == {"encoder.onnx", "encoder.onnx.data", "step.onnx", "step.onnx.data"}
    assert files["step.onnx.data"] > 10_000
    for one, other in zip(inside, beside, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("inside", [True, False])
def test_what_fails_for_another_reason_than_the_disk_is_said_as_it_is(
    exported: Make, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """And leaves nothing behind."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("another reason")

    folder = exported(BASE).folder
    monkeypatch.setattr(export_file, "INSIDE", 10**9 if inside else 0)
    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(RuntimeError, match="another reason"):
        export(folder)
    assert [path.name for path in folder.path.iterdir()] == ["model.safetensors"]
