"""Weights on disk: the same when they come back, and refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file

from mtkit.errors import ModelFolderError
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import load_weights, save_tensors, save_weights
from mtkit.settings import NetworkSettings, Tying

SMALL = NetworkSettings(embedding_size=6, hidden_size=6)
PIECES = 11


def make(tied: Tying = "all", seed: int = 1) -> Seq2Seq:
    torch.manual_seed(seed)
    return Seq2Seq(replace(SMALL, tied_embeddings=tied), PIECES, PIECES)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_weights(make(), path)
    return path


@pytest.mark.parametrize("tied", ["all", "target", "none"])
def test_weights_come_back_as_they_were(tied: Tying, tmp_path: Path) -> None:
    network, other = make(tied), make(tied, seed=2)
    save_weights(network, tmp_path / "weights")
    load_weights(other, tmp_path / "weights")
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name


@pytest.mark.parametrize(("tied", "tables"), [("all", 1), ("target", 2), ("none", 3)])
def test_tied_weights_are_stored_once_and_stay_tied(tied: Tying, tables: int, tmp_path: Path) -> None:
    save_weights(make(tied), tmp_path / "weights")
    stored = load_file(tmp_path / "weights")
    assert len([weight for weight in stored.values() if weight.shape == (PIECES, 6)]) == tables
    network = make(tied, seed=2)
    load_weights(network, tmp_path / "weights")
    assert (network.output.weight is network.tgt_embedding.weight) == (tied != "none")
    assert (network.src_embedding.weight is network.tgt_embedding.weight) == (tied == "all")


def test_equal_weights_give_equal_files(file: Path, tmp_path: Path) -> None:
    save_weights(make(), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_weight_of_another_shape_is_refused(file: Path) -> None:
    weights = load_file(file)
    weights["output.bias"] = torch.zeros(10)
    save_file(weights, file)
    with pytest.raises(
        ModelFolderError, match=r"does not fit config\.json: output\.bias has shape \[10\], the settings ask for \[11\]"
    ):
        load_weights(make(), file)


def test_a_missing_weight_is_refused(file: Path) -> None:
    weights = load_file(file)
    del weights["output.bias"]
    save_file(weights, file)
    with pytest.raises(ModelFolderError, match=r"does not fit config\.json: output\.bias is missing from the file"):
        load_weights(make(), file)


def test_a_weight_too_many_is_refused(file: Path) -> None:
    save_file({**load_file(file), "output.scale": torch.zeros(1)}, file)
    with pytest.raises(ModelFolderError, match=r"does not fit config\.json: output\.scale is not part of the network"):
        load_weights(make(), file)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_weight_that_is_no_number_is_refused(file: Path, value: float) -> None:
    weights = load_file(file)
    weights["output.bias"][3] = value
    save_file(weights, file)
    with pytest.raises(ModelFolderError, match=r"output\.bias is not finite; the training .* diverged"):
        load_weights(make(), file)


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_file_that_is_damaged_is_refused(file: Path, damage: str) -> None:
    whole = file.read_bytes()
    file.write_bytes({"cut": whole[: len(whole) // 2], "text": b"no weights at all", "empty": b""}[damage])
    with pytest.raises(
        ModelFolderError, match=r"model\.safetensors: cannot be read as weights .*copy the model folder"
    ):
        load_weights(make(), file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="nowhere: cannot be read as weights"):
        load_weights(make(), tmp_path / "nowhere")


def test_a_refused_file_changes_no_weight(file: Path) -> None:
    """The shapes are checked before the first weight is filled."""
    weights = load_file(file)
    weights[sorted(weights)[-1]] = torch.zeros(1)
    save_file(weights, file)
    network = make(seed=2)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    with pytest.raises(ModelFolderError):
        load_weights(network, file)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, before[name])


def test_whoever_may_read_new_files_may_read_the_weights(tmp_path: Path) -> None:
    save_tensors({"a": torch.ones(2)}, tmp_path / "weights")
    (tmp_path / "plain").touch()
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "plain").stat().st_mode
