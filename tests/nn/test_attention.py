"""Every attention, in one and in several heads, against a loop written from its formula."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from mtkit.nn.attention import ATTENTIONS, AdditiveAttention, Attention, FixedContext
from mtkit.settings import AttentionType

from . import equations

WIDTH = 6
LENGTHS = [4, 1, 3]
TARGETS = 5
SCORING = [name for name, attention in ATTENTIONS.items() if attention.needs_query]
HEADS = [1, 2, 3, 6]


def make(name: str, heads: int = 1) -> Attention:
    return ATTENTIONS[name](WIDTH, heads).double()


class Example:
    """Queries (B, T, H), a memory (B, S, H), its padding and the encoder's final vectors (B, H), in float64."""

    def __init__(self, positions: int = max(LENGTHS), targets: int = TARGETS) -> None:
        self.query = torch.randn(len(LENGTHS), targets, WIDTH, dtype=torch.float64, requires_grad=True)
        self.memory = torch.randn(len(LENGTHS), positions, WIDTH, dtype=torch.float64, requires_grad=True)
        self.final = torch.randn(len(LENGTHS), WIDTH, dtype=torch.float64, requires_grad=True)
        self.src_padding = torch.arange(positions)[None] >= torch.tensor(LENGTHS)[:, None]

    def attend(self, attention: Attention) -> tuple[Tensor, Tensor]:
        keys = attention.project(self.memory, self.final)
        context, weights = attention(self.query, keys, self.memory, self.src_padding)
        return context, weights


def test_every_attention_has_its_name_in_the_settings() -> None:
    assert set(ATTENTIONS) == set(get_args(AttentionType))


def attend_by_hand(name: str, attention: Attention, heads: int, example: Example) -> tuple[Tensor, Tensor]:
    """Contexts (B, T, H) and weights (B, T, S) averaged over heads: real positions only, one at a time."""
    contexts, weights = [], torch.zeros(len(LENGTHS), TARGETS, max(LENGTHS), dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        for position, query in enumerate(example.query[row]):
            memory = list(example.memory[row, :length])
            context, shares = equations.attend(name, dict(attention.named_parameters()), heads, query, memory)
            contexts.append(context)
            weights[row, position, :length] = shares
    return torch.stack(contexts).unflatten(0, (len(LENGTHS), TARGETS)), weights


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", SCORING)
def test_an_attention_computes_its_formula(name: str, heads: int) -> None:
    attention, example = make(name, heads), Example()
    context, weights = example.attend(attention)
    by_hand, weights_by_hand = attend_by_hand(name, attention, heads, example)
    torch.testing.assert_close(context, by_hand, rtol=0, atol=1e-12)
    torch.testing.assert_close(weights, weights_by_hand, rtol=0, atol=1e-12)

    probe, probe_weights = torch.randn_like(context), torch.randn_like(weights)
    variables = [example.query, example.memory, *attention.parameters()]
    gradients, by_hand_gradients = (
        torch.autograd.grad((one * probe).sum() + (two * probe_weights).sum(), variables)
        for one, two in ((context, weights), (by_hand, weights_by_hand))
    )
    for gradient, expected in zip(gradients, by_hand_gradients, strict=True):
        assert expected.abs().max() > 0
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", ATTENTIONS)
def test_weights_sum_to_one_and_are_zero_on_padding(name: str, heads: int) -> None:
    example = Example()
    _, weights = example.attend(make(name, heads))
    assert weights.shape == (len(LENGTHS), TARGETS, max(LENGTHS))
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(len(LENGTHS), TARGETS, dtype=weights.dtype))
    assert not weights[example.src_padding[:, None].expand_as(weights)].any()


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", ATTENTIONS)
def test_padding_never_changes_a_context(name: str, heads: int) -> None:
    attention, narrow, wide = make(name, heads), Example(), Example(positions=9)
    memory = torch.full_like(wide.memory, 1e3).detach()
    for row, length in enumerate(LENGTHS):
        memory[row, :length] = narrow.memory[row, :length].detach()
    wide.query, wide.final, wide.memory = narrow.query, narrow.final, memory.requires_grad_()
    context, weights = narrow.attend(attention)
    wide_context, wide_weights = wide.attend(attention)
    torch.testing.assert_close(wide_context, context, rtol=0, atol=1e-12)
    torch.testing.assert_close(wide_weights[:, :, : max(LENGTHS)], weights, rtol=0, atol=1e-12)
    if attention.needs_query:
        (wide_context**2).sum().backward()
        assert wide.memory.grad is not None
        assert not wide.memory.grad[wide.src_padding].any()


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", SCORING)
def test_a_context_stays_within_the_bounds_of_the_memory(name: str, heads: int) -> None:
    attention, example = make(name, heads), Example()
    for weight in attention.parameters():
        weight.data.mul_(10)  # sharp, so that a context comes close to its bounds
    context, _ = example.attend(attention)
    for row, length in enumerate(LENGTHS):
        real = example.memory[row, :length]
        assert (context[row] <= real.amax(dim=0) + 1e-12).all()
        assert (context[row] >= real.amin(dim=0) - 1e-12).all()


def test_a_fixed_context_is_the_final_vector_of_the_encoder_everywhere() -> None:
    example = Example()
    context, weights = example.attend(FixedContext(WIDTH, 1))
    assert torch.equal(context, example.final[:, None].expand(-1, TARGETS, -1))
    assert weights[0, 0].tolist() == [0.25] * 4
    assert weights[1, 0].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("name", SCORING)
def test_huge_scores_never_overflow(name: str) -> None:
    attention, example = make(name), Example()
    with torch.no_grad():
        example.query.mul_(1e100)
        example.memory.mul_(1e100)
    context, weights = example.attend(attention)
    assert weights.isfinite().all()
    assert context.isfinite().all()


@pytest.mark.parametrize("heads", [1, 2])
def test_additive_slices_of_the_target_change_nothing(heads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    attention, example = make("additive", heads), Example(targets=2 * AdditiveAttention.target_slice + 3)
    monkeypatch.setattr(AdditiveAttention, "target_slice", 1000)
    unsliced, _ = example.attend(attention)
    gradient = torch.autograd.grad((unsliced**2).sum(), example.query)[0]
    for size in (1, 7, 16):
        monkeypatch.setattr(AdditiveAttention, "target_slice", size)
        sliced, _ = example.attend(attention)
        torch.testing.assert_close(sliced, unsliced, rtol=0, atol=1e-12)
        torch.testing.assert_close(
            torch.autograd.grad((sliced**2).sum(), example.query)[0], gradient, rtol=0, atol=1e-12
        )
