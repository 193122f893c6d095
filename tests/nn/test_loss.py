"""The loss against torch's own cross-entropy, value and gradient, however it is sliced."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from mtkit.nn import loss as loss_file
from mtkit.nn import smoothed_cross_entropy

TOKENS, WIDTH, PIECES = 23, 5, 17
SMOOTHINGS = [0.0, 0.1, 0.9]


Variables = tuple[Tensor, Tensor, Tensor]
"""Readout (N, E), weight (V, E) and bias (V,)."""


def example(dtype: torch.dtype = torch.float64) -> tuple[Variables, Tensor]:
    """Variables, and targets (N,)."""

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=dtype, requires_grad=True)

    return (random(TOKENS, WIDTH), random(PIECES, WIDTH), random(PIECES)), torch.randint(PIECES, (TOKENS,))


def by_torch(variables: Variables, targets: Tensor, smoothing: float) -> Tensor:
    logits = functional.linear(*variables)
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")


@pytest.fixture(params=[1, 3, 7, TOKENS, 1000])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of that many tokens; 3 and 7 leave a rest."""
    monkeypatch.setattr(loss_file._SmoothedCrossEntropy, "slice_sizes", {"cpu": request.param * PIECES})


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_loss_and_gradients_are_those_of_cross_entropy(smoothing: float) -> None:
    variables, targets = example()
    loss = smoothed_cross_entropy(*variables, targets, smoothing)
    expected = by_torch(variables, targets, smoothing)
    torch.testing.assert_close(loss.smoothed, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(loss.negative_log_likelihood, by_torch(variables, targets, 0.0), rtol=0, atol=1e-10)
    for one, other in zip(
        torch.autograd.grad(loss.smoothed, variables), torch.autograd.grad(expected, variables), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_gradients_scale_with_what_comes_from_above() -> None:
    variables, targets = example()
    plain = torch.autograd.grad(smoothed_cross_entropy(*variables, targets, 0.1).smoothed, variables)
    scaled = torch.autograd.grad(smoothed_cross_entropy(*variables, targets, 0.1).smoothed / 8, variables)
    for one, other in zip(plain, scaled, strict=True):
        assert torch.equal(one / 8, other)


def test_a_tied_table_gets_the_gradient_of_both_its_uses() -> None:
    torch.manual_seed(2)
    table = torch.randn(PIECES, WIDTH, dtype=torch.float64, requires_grad=True)
    bias, targets = torch.zeros(PIECES, dtype=torch.float64), torch.randint(PIECES, (TOKENS,))
    readout = table[targets.flip(0)].tanh()
    (one,) = torch.autograd.grad(smoothed_cross_entropy(readout, table, bias, targets, 0.1).smoothed, table)
    (other,) = torch.autograd.grad(by_torch((table[targets.flip(0)].tanh(), table, bias), targets, 0.1), table)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_huge_logits_never_overflow(scale: float, dtype: torch.dtype) -> None:
    (readout, weight, bias), targets = example(dtype)
    weight = (weight.detach() * scale).requires_grad_()
    loss = smoothed_cross_entropy(readout, weight, bias, targets, 0.1)
    torch.testing.assert_close(loss.smoothed, by_torch((readout, weight, bias), targets, 0.1))
    for gradient in torch.autograd.grad(loss.smoothed, [readout, weight, bias]):
        assert gradient.isfinite().all()


def test_the_negative_log_likelihood_is_for_reading_only() -> None:
    variables, targets = example()
    loss = smoothed_cross_entropy(*variables, targets, 0.1)
    assert loss.smoothed.requires_grad
    assert not loss.negative_log_likelihood.requires_grad


@pytest.mark.usefixtures("slices")
def test_where_no_gradient_is_wanted_the_values_are_the_same() -> None:
    variables, targets = example()
    expected = smoothed_cross_entropy(*variables, targets, 0.1)
    with torch.inference_mode():
        loss = smoothed_cross_entropy(*variables, targets, 0.1)
    assert torch.equal(loss.smoothed, expected.smoothed)
    assert torch.equal(loss.negative_log_likelihood, expected.negative_log_likelihood)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_one_gradient_alone_is_what_it_is_among_all(wanted: int) -> None:
    variables, targets = example()
    expected = torch.autograd.grad(smoothed_cross_entropy(*variables, targets, 0.1).smoothed, variables)[wanted]
    for index, variable in enumerate(variables):
        variable.requires_grad_(index == wanted)
    smoothed_cross_entropy(*variables, targets, 0.1).smoothed.backward()
    gradient = variables[wanted].grad
    assert gradient is not None
    assert torch.equal(gradient, expected)


def test_it_is_a_sum_over_tokens() -> None:
    (readout, weight, bias), targets = example()
    whole = smoothed_cross_entropy(readout, weight, bias, targets, 0.1).smoothed
    parts = [
        smoothed_cross_entropy(readout[part], weight, bias, targets[part], 0.1).smoothed
        for part in (slice(0, 9), slice(9, TOKENS))
    ]
    torch.testing.assert_close(whole, parts[0] + parts[1], rtol=0, atol=1e-10)


def test_bfloat16_stays_close_to_float32() -> None:
    torch.manual_seed(3)
    readout = torch.randn(200, 64).tanh().requires_grad_()
    weight, bias = (torch.randn(300, 64) / 8).requires_grad_(), torch.zeros(300, requires_grad=True)
    variables, targets = (readout, weight, bias), torch.randint(300, (200,))
    exact = smoothed_cross_entropy(*variables, targets, 0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = smoothed_cross_entropy(readout.bfloat16(), weight, bias, targets, 0.1)
    assert rough.smoothed.dtype == torch.float32
    torch.testing.assert_close(rough.smoothed, exact.smoothed, rtol=2e-3, atol=0)
    torch.testing.assert_close(rough.negative_log_likelihood, exact.negative_log_likelihood, rtol=2e-3, atol=0)
    expected = torch.autograd.grad(exact.smoothed, variables)
    for one, other in zip(torch.autograd.grad(rough.smoothed, variables), expected, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).norm() < 0.02 * other.norm()
