"""The cells against loops written from their equations; layers over padded batches against single sentences."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from mtkit.nn.recurrent import CELLS, GRU, LSTM, OriginalGRU, SequenceDropout, SequenceLayer, reversed_order
from mtkit.settings import Cell

from . import equations

INPUT, HIDDEN = 3, 4
LENGTHS = [5, 1, 3, 6, 2]
AnyCell = GRU | LSTM | OriginalGRU


def make_cell(name: str) -> AnyCell:
    """A cell in float64 whose every weight, biases included, is random."""
    cell = CELLS[name](INPUT, HIDDEN).double()
    for weight in cell.parameters():
        torch.nn.init.normal_(weight)
    return cell


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def assert_equal_gradients(first: Tensor, second: Tensor, variables: list[Tensor]) -> None:
    """Both sums must have the same gradients, none of them zero."""
    for one, other in zip(torch.autograd.grad(first, variables), torch.autograd.grad(second, variables), strict=True):
        assert one.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_every_cell_has_its_name_in_the_settings_and_its_equations() -> None:
    assert set(CELLS) == set(get_args(Cell)) == set(equations.CELLS)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_its_equations(name: str) -> None:
    cell, inputs = make_cell(name), random(2, 5, INPUT)
    state = tuple(random(2, HIDDEN) for _ in range(equations.STATE_PARTS[name]))
    outputs, last = cell(inputs, state)
    weights = dict(cell.named_parameters())
    hand = [equations.run(name, weights, inputs[row], tuple(part[row] for part in state)) for row in range(2)]
    by_hand = torch.stack([torch.stack(output) for output, _ in hand])
    torch.testing.assert_close(outputs, by_hand, rtol=0, atol=1e-12)
    for part, parts in zip(last, zip(*(end for _, end in hand), strict=True), strict=True):
        torch.testing.assert_close(part, torch.stack(parts), rtol=0, atol=1e-12)

    probe, end_probe = torch.randn_like(outputs), torch.randn_like(last[0])
    ends = sum((torch.stack(end) * end_probe[row]).sum() for row, (_, end) in enumerate(hand))
    assert_equal_gradients(
        (outputs * probe).sum() + (torch.stack(last) * end_probe).sum(),
        (by_hand * probe).sum() + ends,
        [inputs, *state, *cell.parameters()],
    )


@pytest.mark.parametrize("name", CELLS)
def test_a_run_in_two_halves_equals_one(name: str) -> None:
    cell, inputs = make_cell(name), random(2, 6, INPUT)
    state = cell.start(random(2, HIDDEN))
    whole, last = cell(inputs, state)
    first, middle = cell(inputs[:, :2], state)
    second, end = cell(inputs[:, 2:], middle)
    torch.testing.assert_close(whole, torch.cat((first, second), dim=1), rtol=0, atol=1e-12)
    torch.testing.assert_close(last, end, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_a_state_starts_from_the_hidden_vector_and_the_lstm_cell_from_zero(name: str) -> None:
    hidden = random(2, HIDDEN)
    first, *rest = make_cell(name).start(hidden)
    assert first is hidden
    assert len(rest) == equations.STATE_PARTS[name] - 1
    assert all(not part.any() for part in rest)


def test_new_cells_have_orthogonal_recurrence_zero_biases_and_an_open_forget_gate() -> None:
    for kind in CELLS.values():
        cell = kind(INPUT, HIDDEN)
        weights = dict(cell.named_parameters())
        recurrent: list[Tensor] = [
            weight for weight in weights.values() if weight.dim() == 2 and weight.shape[1] == HIDDEN
        ]
        assert recurrent
        for gate in torch.cat(recurrent).split(HIDDEN):
            torch.testing.assert_close(gate @ gate.t(), torch.eye(HIDDEN))
        biases = torch.stack([weight for weight in weights.values() if weight.dim() == 1]).sum(dim=0)
        expected = torch.zeros_like(biases)
        if kind is LSTM:
            expected[HIDDEN : 2 * HIDDEN] = 1
        torch.testing.assert_close(biases, expected)


def padded_batch() -> tuple[Tensor, Tensor]:
    """Five sentences of `LENGTHS`, with large numbers where there is padding."""
    inputs = torch.randn(len(LENGTHS), max(LENGTHS), INPUT, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        inputs[row, length:] = 1e3
    return inputs.requires_grad_(), torch.tensor(LENGTHS)


def make_layer(cell: str, bidirectional: bool) -> SequenceLayer:
    layer = SequenceLayer(cell, INPUT, HIDDEN, bidirectional).double()
    for weight in layer.parameters():
        torch.nn.init.normal_(weight)
    return layer


def probe_real(outputs: Tensor, final: Tensor) -> Tensor:
    """A sum that weighs every real output and every final vector differently."""
    weights = torch.linspace(-1, 1, outputs[0].numel(), dtype=outputs.dtype).view_as(outputs[0])
    return sum(
        ((outputs[row] * weights)[:length].sum() * (row + 1) for row, length in enumerate(LENGTHS)), (final**3).sum()
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_over_a_batch_equals_a_loop_over_each_sentence_alone(cell: str, bidirectional: bool) -> None:
    layer, (inputs, lengths) = make_layer(cell, bidirectional), padded_batch()
    outputs, final = layer(inputs, lengths)
    by_hand, finals = torch.zeros_like(outputs), []
    for row, length in enumerate(LENGTHS):
        one, end = equations.read(cell, dict(layer.named_parameters()), list(inputs[row, :length]), layer.width)
        by_hand[row, :length] = torch.stack(one)
        finals.append(end)
        torch.testing.assert_close(outputs[row, :length], by_hand[row, :length], rtol=0, atol=1e-12)
    torch.testing.assert_close(final, torch.stack(finals), rtol=0, atol=1e-12)
    assert_equal_gradients(
        probe_real(outputs, final), probe_real(by_hand, torch.stack(finals)), [inputs, *layer.parameters()]
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_what_stands_in_padding_never_shows(cell: str, bidirectional: bool) -> None:
    layer, (inputs, lengths) = make_layer(cell, bidirectional), padded_batch()
    other = inputs.detach().clone()
    other[inputs.detach() == 1e3] = -7.0
    wider = torch.cat((other, torch.full((len(LENGTHS), 4, INPUT), 5.0, dtype=torch.float64)), dim=1).requires_grad_()
    expected, result = (
        probe_real(outputs[:, :6], final) for outputs, final in (layer(inputs, lengths), layer(wider, lengths))
    )
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)  # a wider product may round otherwise
    gradient, expected_gradient = torch.autograd.grad(result, wider)[0], torch.autograd.grad(expected, inputs)[0]
    torch.testing.assert_close(gradient[:, :6], expected_gradient, rtol=0, atol=1e-12)
    for row, length in enumerate(LENGTHS):
        assert not gradient[row, length:].any()


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_batch_equals_its_sentences_one_by_one(cell: str, bidirectional: bool) -> None:
    layer, (inputs, lengths) = make_layer(cell, bidirectional), padded_batch()
    outputs, final = layer(inputs, lengths)
    for row, length in enumerate(LENGTHS):
        alone, alone_final = layer(inputs[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(outputs[row : row + 1, :length], alone, rtol=0, atol=1e-12)
        torch.testing.assert_close(final[row : row + 1], alone_final, rtol=0, atol=1e-12)


def test_reversed_order_reverses_within_lengths_and_is_its_own_inverse() -> None:
    assert reversed_order(torch.tensor([3, 2]), 4).tolist() == [[2, 1, 0, 3], [1, 0, 2, 3]]
    lengths = torch.arange(1, 8)
    order = reversed_order(lengths, 9)
    assert torch.equal(order.gather(1, order), torch.arange(9).expand(7, 9))
    for row, length in zip(order, lengths, strict=True):
        assert row[:length].tolist() == list(range(length))[::-1]
        assert row[length:].tolist() == list(range(length, 9))


def test_dropout_draws_one_mask_a_sentence() -> None:
    dropped = SequenceDropout(0.5)(torch.ones(64, 7, 16))
    assert torch.equal(dropped, dropped[:, :1].expand(-1, 7, -1))
    assert not torch.equal(dropped[0], dropped[1])
    assert set(dropped.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_preserves_the_expectation(rate: float) -> None:
    dropped = SequenceDropout(rate)(torch.ones(1000, 1, 1000))
    spread = (rate / (1 - rate)) ** 0.5 / 1000  # the standard deviation of the mean
    assert dropped.mean().item() == pytest.approx(1, abs=6 * spread)
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.01)


def test_dropout_passes_gradients_where_it_passed_values() -> None:
    inputs = torch.ones(4, 3, 5, requires_grad=True)
    dropped = SequenceDropout(0.5)(inputs)
    dropped.sum().backward()
    assert inputs.grad is not None
    assert torch.equal(inputs.grad, dropped)


def test_dropout_is_off_in_evaluation_and_at_rate_zero() -> None:
    inputs = torch.randn(3, 4, 5)
    assert SequenceDropout(0.9).eval()(inputs) is inputs
    assert SequenceDropout(0.0)(inputs) is inputs
