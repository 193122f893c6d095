"""Adam steps where it is told to, and leaves everything as it is where not."""

from __future__ import annotations

import torch

from mtkit.training.conditional_step import step_where


def one_more(optimizer: torch.optim.Adam, weight: torch.nn.Parameter, gradient: float, made: bool) -> None:
    weight.grad = torch.full_like(weight, gradient)
    step_where(optimizer, torch.tensor(made))


def test_steps_that_are_skipped_leave_no_trace() -> None:
    found = []
    for steps in ([(0.5, True), (0.25, True)], [(0.5, True), (torch.nan, False), (9.0, False), (0.25, True)]):
        weight = torch.nn.Parameter(torch.ones(5))
        optimizer = torch.optim.Adam([weight], lr=0.1, fused=True)
        for gradient, made in steps:
            one_more(optimizer, weight, gradient, made)
        found.append((weight.detach(), *optimizer.state[weight].values()))
    message = f"torch {torch.__version__}: fused Adam takes no heed of `found_inf` any more"
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True)), message
    assert not torch.equal(found[0][0], torch.ones(5))
