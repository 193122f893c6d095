"""The training loss: cross-entropy over real positions, smoothed over the vocabulary.

Legend: N tokens, E readout width, V target vocabulary size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """Sums over N tokens, in nats: what training minimises, and the negative log-likelihood that is reported."""

    smoothed: Tensor
    negative_log_likelihood: Tensor


def smoothed_cross_entropy(readout: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float) -> Loss:
    """Cross-entropy of the output layer (V, E), (V,) at readouts (N, E), with label smoothing (Szegedy et al. 2016).

    The target distribution is (1 - smoothing) at the target (N,) plus smoothing / V at every piece, so a token's
    loss = logsumexp(l) - (1 - smoothing) l[target] - smoothing mean(l), with logits l = W readout + b.
    """
    return Loss(*_SmoothedCrossEntropy.apply(readout, weight, bias, targets, smoothing))  # type: ignore[no-untyped-call]


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Output layer and loss in one, the gradient made on the way forward.

    The gradient of the logits is softmax(l) - target distribution, so it is at hand where the loss is, and takes the
    logits' place in their one (N, V) table, which has the products' number format. One product makes the whole table
    (32 rows of it at a time took twice as long); the rest goes a slice at a time, which stays in the cache.
    """

    slice_sizes = {"cpu": 1 << 18, "cuda": 1 << 26}  # noqa: RUF012 - read only
    """Logits in a slice: 1 MB in float32 on a CPU, for its cache; few launches on a GPU."""

    @staticmethod
    def forward(
        ctx: Any, readout: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        device = readout.device.type
        product = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        exact = torch.promote_types(product, torch.float32)
        with torch.autocast(device, enabled=False):
            inputs, matrix, offset = readout.to(product), weight.to(product), bias.to(exact)
            pieces = len(bias)
            table = inputs @ matrix.t()
            grad_bias = torch.zeros(pieces, dtype=exact, device=readout.device)
            sums = torch.zeros(2, dtype=exact, device=readout.device)
            rows = max(1, _SmoothedCrossEntropy.slice_sizes[device] // pieces)
            for part, index in zip(table.split(rows), targets[:, None].split(rows), strict=True):
                logits = part.to(exact).add_(offset)  # no copy where that is its type already
                highest = logits.amax(dim=1, keepdim=True)
                logits.sub_(highest)  # a constant taken from all logits changes no loss, and exp cannot overflow
                wanted, mean = logits.gather(1, index)[:, 0], logits.mean(dim=1)
                total = logits.exp_().sum(dim=1, keepdim=True)
                normaliser = total.log()[:, 0]
                sums[0] += (normaliser - (1 - smoothing) * wanted - smoothing * mean).sum()
                sums[1] += (normaliser - wanted).sum()
                if any(ctx.needs_input_grad):
                    logits.div_(total).sub_(smoothing / pieces)
                    logits.scatter_add_(1, index, logits.new_full(index.shape, smoothing - 1))
                    part.copy_(logits)
                    grad_bias += logits.sum(dim=0)
        ctx.save_for_backward(table, grad_bias, inputs, matrix)
        ctx.dtypes = readout.dtype, weight.dtype, bias.dtype
        smoothed, likelihood = sums[0].clone(), sums[1].clone()
        ctx.mark_non_differentiable(likelihood)
        return smoothed, likelihood

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        grad_logits, grad_bias, inputs, matrix = ctx.saved_tensors
        readout_type, weight_type, bias_type = ctx.dtypes
        grad_readout = (grad_logits @ matrix).to(readout_type).mul_(grad_output)
        grad_weight = (grad_logits.t() @ inputs).to(weight_type).mul_(grad_output)
        return grad_readout, grad_weight, grad_bias.to(bias_type) * grad_output, None, None
