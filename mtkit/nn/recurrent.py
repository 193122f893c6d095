"""Recurrent cells over whole sequences, stacked layers over padded batches, and their dropout.

Legend: B sentences, T positions, I input width, H hidden width. A hidden state is always a tuple of (B, H) tensors,
one for a GRU and two for an LSTM, so that nothing outside this file asks which cell it is.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Hidden = tuple[Tensor, ...]


class RecurrentLayer(Protocol):
    """One recurrent layer in one direction."""

    def start(self, hidden: Tensor) -> Hidden:
        """Turn the hidden vector (B, H) that a sequence starts from into the cell's full state."""
        ...

    def __call__(self, inputs: Tensor, state: Hidden) -> tuple[Tensor, Hidden]:
        """Run over (B, T, I) from `state`; return every output (B, T, H) and the last state."""
        ...


class GRU(nn.Module):
    """Gated recurrent unit in its fused form, reset gate after the product (Cho et al. 2014; cuDNN).

    r = s(x W_xr + h W_hr + b_r);  z = s(x W_xz + h W_hz + b_z)
    n = tanh(x W_xn + b_xn + r * (h W_hn + b_hn));  h' = (1 - z) * n + z * h
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.GRU(input_size, hidden_size)
        _initialise(self.cell, hidden_size)

    def start(self, hidden: Tensor) -> Hidden:
        """See `RecurrentLayer`."""
        return (hidden,)

    def forward(self, inputs: Tensor, state: Hidden) -> tuple[Tensor, Hidden]:
        """See `RecurrentLayer`."""
        outputs, hidden = _run(self.cell, inputs, state)
        return outputs, (hidden[0],)


class OriginalGRU(nn.Module):
    """Gated recurrent unit in its original form, reset gate before the product (Cho et al. 2014).

    R = s(X W_xr + H' W_hr + b_r);  Z = s(X W_xz + H' W_hz + b_z)
    C = tanh(X W_xh + (R * H') W_hh + b_h);  H = Z * H' + (1 - Z) * C

    No fused kernel multiplies in this order, so it is a loop over the positions: to be exact, not fast.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(input_size, 3 * hidden_size)  # r, z, c
        self.gates = nn.Linear(hidden_size, 2 * hidden_size, bias=False)  # r, z
        self.candidate = nn.Linear(hidden_size, hidden_size, bias=False)
        _initialise(self, hidden_size)

    def start(self, hidden: Tensor) -> Hidden:
        """See `RecurrentLayer`."""
        return (hidden,)

    def forward(self, inputs: Tensor, state: Hidden) -> tuple[Tensor, Hidden]:
        """See `RecurrentLayer`."""
        hidden, outputs = state[0].to(inputs.dtype), []
        width = hidden.shape[1]
        for position in self.inputs(inputs).unbind(dim=1):
            for_gates, for_candidate = position.split((2 * width, width), dim=1)
            reset, update = torch.sigmoid(for_gates + self.gates(hidden)).chunk(2, dim=1)
            candidate = torch.tanh(for_candidate + self.candidate(reset * hidden))
            hidden = update * hidden + (1 - update) * candidate
            outputs.append(hidden)
        return torch.stack(outputs, dim=1), (hidden,)


class LSTM(nn.Module):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    i, f, o = s(x W_x. + h W_h. + b.);  g = tanh(x W_xg + h W_hg + b_g);  c' = f * c + i * g;  h' = o * tanh(c')

    The cell c starts at zero: everything that enters a product then stays bounded, which int8 relies on.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(input_size, hidden_size)
        _initialise(self.cell, hidden_size)
        bias = dict(self.cell.named_parameters())["bias_ih_l0"]
        bias.data[hidden_size : 2 * hidden_size] = 1.0  # forget little at first (Jozefowicz et al. 2015)

    def start(self, hidden: Tensor) -> Hidden:
        """See `RecurrentLayer`."""
        return (hidden, torch.zeros_like(hidden))

    def forward(self, inputs: Tensor, state: Hidden) -> tuple[Tensor, Hidden]:
        """See `RecurrentLayer`."""
        outputs, (hidden, cell) = _run(self.cell, inputs, state)
        return outputs, (hidden[0], cell[0])


CELLS: dict[str, type[GRU | OriginalGRU | LSTM]] = {"gru": GRU, "lstm": LSTM, "gru-original": OriginalGRU}


class SequenceLayer(nn.Module):
    """A layer over padded sentences, in one direction or both, each over the sentence's own length.

    Packed sequences are slow on a CPU, so padding stays where it is, on the right: the forward direction meets it
    after everything real, and the backward direction runs forward over the sentence reversed within its length.
    """

    def __init__(self, cell: str, input_size: int, hidden_size: int, bidirectional: bool) -> None:
        super().__init__()
        width = hidden_size // 2 if bidirectional else hidden_size
        self.width = width
        self.forwards = CELLS[cell](input_size, width)
        self.backwards = CELLS[cell](input_size, width) if bidirectional else None

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Run over (B, T, I) of `lengths` (B,); return outputs (B, T, H) and the final hidden vectors (B, H).

        Outputs at padding are of no meaning. The final vector is the one after the last token of each direction.
        """
        zeros = inputs.new_zeros(inputs.shape[0], self.width)
        last = (lengths - 1)[:, None, None].expand(-1, 1, self.width)
        outputs, _ = self.forwards(inputs, self.forwards.start(zeros))
        final = outputs.gather(1, last)[:, 0]
        if self.backwards is None:
            return outputs, final
        order = reversed_order(lengths, inputs.shape[1])
        reversed_outputs, _ = self.backwards(_reorder(inputs, order), self.backwards.start(zeros))
        reversed_final = reversed_outputs.gather(1, last)[:, 0]
        outputs = torch.cat((outputs, _reorder(reversed_outputs, order)), dim=2)
        return outputs, torch.cat((final, reversed_final), dim=1)


class SequenceDropout(nn.Module):
    """Dropout with one mask a sentence, the same at all its positions (Gal and Ghahramani 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Tensor) -> Tensor:
        """Drop features of (B, T, I) in training; leave them alone otherwise."""
        if not self.training or self.rate == 0:
            return inputs
        mask = torch.empty(inputs.shape[0], 1, inputs.shape[2], dtype=inputs.dtype, device=inputs.device)
        return inputs * mask.bernoulli_(1 - self.rate).div_(1 - self.rate)


def reversed_order(lengths: Tensor, positions: int) -> Tensor:
    """Return indices (B, T) that reverse each sentence within its length and leave its padding in place.

    Lengths 3 and 2 over 4 positions give [[2, 1, 0, 3], [1, 0, 2, 3]]. Applied twice, it changes nothing.
    """
    steps = torch.arange(positions, device=lengths.device)[None]
    return torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)


def _reorder(sequence: Tensor, order: Tensor) -> Tensor:
    return sequence.gather(1, order[:, :, None].expand(-1, -1, sequence.shape[2]))


def _run(cell: nn.RNNBase, inputs: Tensor, state: Hidden) -> tuple[Tensor, Any]:
    """Call torch's cell; on a GPU without autocast, which would make it float16 whatever type was asked for.

    An LSTM goes without it on a CPU that has no AVX-512, too: oneDNN, which torch hands it to, refuses bfloat16 there
    ("could not create a primitive descriptor", torch 2.13).

    The positions go first, in memory too: of inputs that are merely transposed, as with `batch_first`, torch makes one
    product a position on a CPU where no gradient is asked for, each with a copy of the weights of its own.
    """
    steps = inputs.transpose(0, 1).contiguous()
    device = inputs.device.type
    if device != "cuda" and (not isinstance(cell, nn.LSTM) or _has_avx512()):
        outputs, last = cell(steps, _packed(state, inputs.dtype))
    else:
        with torch.autocast(device, enabled=False):
            dtype = next(cell.parameters()).dtype
            outputs, last = cell(steps.to(dtype), _packed(state, dtype))
    return outputs.transpose(0, 1), last


@cache
def _has_avx512() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return all(capabilities.get(f"avx512_{part}", False) for part in ("f", "bw", "dq", "vl"))


def _packed(state: Hidden, dtype: torch.dtype) -> Tensor | tuple[Tensor, ...]:
    """Give a state torch's form: (1, B, H) tensors, a lone one without its tuple."""
    parts = tuple(part[None].to(dtype) for part in state)
    return parts[0] if len(parts) == 1 else parts


def _initialise(cell: nn.Module, hidden_size: int) -> None:
    """Glorot for the inputs, one orthogonal matrix a gate for the recurrence (Saxe et al. 2014), zero biases."""
    for name, weight in cell.named_parameters():
        if "bias" in name:
            nn.init.zeros_(weight)
            continue
        recurrent = name.startswith(("weight_hh", "gates", "candidate"))
        for gate in weight.data.split(hidden_size):
            nn.init.orthogonal_(gate) if recurrent else nn.init.xavier_uniform_(gate)
