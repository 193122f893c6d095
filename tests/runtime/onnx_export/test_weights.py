"""The weights that graphs are made from are those of the settings: all of them, in their shapes, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import get_args

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.numpy import load_file, save_file

from mtkit.errors import ModelFolderError
from mtkit.nn import Seq2Seq
from mtkit.runtime.onnx_export.weights import count_weights, read_weights, weight_shapes
from mtkit.settings import AttentionType, Cell, NetworkSettings

from ..conftest import Exported

Weights = dict[str, np.ndarray]

SMALL = NetworkSettings(embedding_size=12, hidden_size=20, tied_embeddings="target", decoder_layers=2, lexical=True)


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("attention", get_args(AttentionType))
@pytest.mark.parametrize("bidirectional", [True, False])
def test_names_and_shapes_are_those_of_the_network(cell: Cell, attention: AttentionType, bidirectional: bool) -> None:
    shape = replace(SMALL, cell=cell, attention=attention, bidirectional=bidirectional)
    for layers, tied, lexical in product([(1, 1), (1, 2), (2, 2), (3, 1)], ("all", "target", "none"), (True, False)):
        encoder, decoder = layers
        settings = replace(shape, encoder_layers=encoder, decoder_layers=decoder, tied_embeddings=tied, lexical=lexical)
        pieces = (30, 30) if tied == "all" else (30, 40)
        with torch.device("meta"):
            network = Seq2Seq(settings, *pieces)
        expected = {name: tuple(weight.shape) for name, weight in network.named_parameters()}
        assert weight_shapes(settings, *pieces) == expected
        assert count_weights(settings, *pieces) == sum(weight.numel() for weight in network.parameters())


def drop(name: str) -> Callable[[Weights], object]:
    return lambda weights: weights.pop(name)


def put(name: str, value: np.ndarray) -> Callable[[Weights], object]:
    return lambda weights: weights.update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("decoder.bridge.maps.1.0.bias"), r"decoder\.bridge\.maps\.1\.0\.bias is missing from the file"),
        (drop("decoder.lexicon.linear.weight"), r"decoder\.lexicon\.linear\.weight is missing from the file"),
        (
            put("encoder.layers.1.extra", np.zeros(3, np.float32)),
            r"encoder\.layers\.1\.extra is not part of the network",
        ),
        (put("output.bias", np.zeros(7, np.float32)), r"output\.bias has shape \[7\], the settings ask for \[150\]"),
        (
            put("decoder.attention.key.weight", np.zeros((20, 10), np.float32)),
            r"decoder\.attention\.key\.weight has shape \[20, 10\], the settings ask for \[20, 20\]",
        ),
        (put("output.bias", np.zeros(150)), r"output\.bias is stored as float64, and weights are float32"),
        (put("output.bias", np.full(150, np.nan, np.float32)), r"output\.bias is not finite"),
    ],
)
def test_what_does_not_follow_from_the_settings_is_named(
    exported: Callable[..., Exported], change: Callable[[Weights], object], message: str
) -> None:
    folder = exported(SMALL).folder
    weights = load_file(folder.weights)
    change(weights)
    save_file(weights, folder.weights)
    with pytest.raises(ModelFolderError, match=message):
        read_weights(folder)


def test_no_weight_may_be_missing_and_none_may_be_another_shape(exported: Callable[..., Exported]) -> None:
    folder = exported(SMALL).folder
    whole = load_file(folder.weights)
    for name, weight in whole.items():
        for changed in ({}, {name: weight[..., :-1].copy()}):
            save_file({other: kept for other, kept in whole.items() if other != name} | changed, folder.weights)
            with pytest.raises(ModelFolderError, match=f"{name} (is missing|has shape)"):
                read_weights(folder)


def test_a_damaged_file_is_named(exported: Callable[..., Exported]) -> None:
    folder = exported(SMALL).folder
    folder.weights.write_bytes(folder.weights.read_bytes()[:-4])
    with pytest.raises(ModelFolderError, match=r"model\.safetensors: cannot be read as weights"):
        read_weights(folder)
