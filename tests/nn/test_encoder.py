"""The encoder: layers put together, bounded, and blind to padding."""

from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor

from mtkit.nn.encoder import Encoder
from mtkit.nn.recurrent import CELLS
from mtkit.settings import NetworkSettings

LENGTHS = torch.tensor([5, 1, 3])
DEEP = NetworkSettings(encoder_layers=3, embedding_size=6, hidden_size=6, dropout=0.0)
"""Embeddings are as wide as layers here, so that a residual around the first layer would fit, and show."""


def make(network: NetworkSettings, spread: float = 0.5) -> Encoder:
    encoder = Encoder(network).double().eval()
    for weight in encoder.parameters():
        torch.nn.init.normal_(weight, std=spread)
    return encoder


def embedded(positions: int = 5) -> Tensor:
    return torch.randn(len(LENGTHS), positions, 6, dtype=torch.float64)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_each_layer_reads_the_one_below_and_adds_to_it_above_the_first(
    cell: str, bidirectional: bool, residual: bool
) -> None:
    encoder = make(replace(DEEP, cell=cell, bidirectional=bidirectional, residual=residual))
    inputs = embedded()
    memory, finals = encoder(inputs, LENGTHS)

    first, first_final = encoder.layers[0](inputs, LENGTHS)
    second, second_final = encoder.layers[1](first, LENGTHS)
    second = second + first if residual else second
    third, third_final = encoder.layers[2](second, LENGTHS)
    third = third + second if residual else third
    torch.testing.assert_close(memory, third, rtol=0, atol=1e-12)
    torch.testing.assert_close(finals, [first_final, second_final, third_final], rtol=0, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_padding_and_neighbours_never_change_a_memory(cell: str, bidirectional: bool, layers: int) -> None:
    encoder = make(replace(DEEP, cell=cell, bidirectional=bidirectional, encoder_layers=layers))
    inputs = embedded(positions=8)
    memory, finals = encoder(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone, alone_finals = encoder(inputs[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(memory[row : row + 1, :length], alone, rtol=0, atol=1e-12)
        torch.testing.assert_close([final[row : row + 1] for final in finals], alone_finals, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_memory_is_bounded_by_the_number_of_its_residual_layers(cell: str, layers: int) -> None:
    inputs = 100 * embedded()
    network = replace(DEEP, cell=cell, encoder_layers=layers)
    memory, finals = make(network, spread=5)(inputs, LENGTHS)
    assert memory.abs().max() <= layers
    assert layers == 1 or memory.abs().max() > 1, "weights this large use the room that residuals give"
    assert all(final.abs().max() <= 1 for final in finals)
    memory, _ = make(replace(network, residual=False), spread=5)(inputs, LENGTHS)
    assert memory.abs().max() <= 1


def test_a_bidirectional_layer_shares_its_width_between_the_directions() -> None:
    memory, finals = make(DEEP)(embedded(), LENGTHS)
    assert memory.shape == (3, 5, 6)
    assert [final.shape for final in finals] == [(3, 6)] * 3
    # the forward half ends at the last token, the backward half at the first
    encoder = make(replace(DEEP, encoder_layers=1))
    memory, (final,) = encoder(embedded(), LENGTHS)
    for row, length in enumerate(LENGTHS):
        assert torch.equal(final[row], torch.cat((memory[row, length - 1, :3], memory[row, 0, 3:])))


def test_dropout_acts_in_training_only() -> None:
    encoder, inputs = make(replace(DEEP, dropout=0.5)), embedded()
    assert torch.equal(encoder(inputs, LENGTHS)[0], encoder(inputs, LENGTHS)[0])
    encoder.train()
    assert not torch.equal(encoder(inputs, LENGTHS)[0], encoder(inputs, LENGTHS)[0])
