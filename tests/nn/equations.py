"""The network's equations as plain loops, one sentence, one position and one vector at a time.

This is what the tests hold the network to, values and gradients. It knows nothing of batches, so nothing of padding.
Weights come as a mapping from their names in a module; x, h and all other vectors are (width,).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from mtkit.settings import NetworkSettings

Weights = Mapping[str, Tensor]
State = tuple[Tensor, ...]


def gru(weights: Weights, x: Tensor, state: State) -> State:
    """Gated recurrent unit, fused form.

    r = s(x W_xr + h W_hr + b_r); z = s(x W_xz + h W_hz + b_z); n = tanh(x W_xn + b_xn + r * (h W_hn + b_hn));
    h' = (1 - z) * n + z * h
    """
    (h,) = state
    w_xr, w_xz, w_xn = weights["cell.weight_ih_l0"].chunk(3)
    w_hr, w_hz, w_hn = weights["cell.weight_hh_l0"].chunk(3)
    b_xr, b_xz, b_xn = weights["cell.bias_ih_l0"].chunk(3)
    b_hr, b_hz, b_hn = weights["cell.bias_hh_l0"].chunk(3)
    r = torch.sigmoid(w_xr @ x + b_xr + w_hr @ h + b_hr)
    z = torch.sigmoid(w_xz @ x + b_xz + w_hz @ h + b_hz)
    n = torch.tanh(w_xn @ x + b_xn + r * (w_hn @ h + b_hn))
    return ((1 - z) * n + z * h,)


def original_gru(weights: Weights, x: Tensor, state: State) -> State:
    """Gated recurrent unit, original form.

    r = s(x W_xr + h W_hr + b_r); z = s(x W_xz + h W_hz + b_z); c = tanh(x W_xh + (r * h) W_hh + b_h);
    h' = z * h + (1 - z) * c
    """
    (h,) = state
    w_xr, w_xz, w_xh = weights["inputs.weight"].chunk(3)
    w_hr, w_hz = weights["gates.weight"].chunk(2)
    w_hh = weights["candidate.weight"]
    b_r, b_z, b_h = weights["inputs.bias"].chunk(3)
    r = torch.sigmoid(w_xr @ x + w_hr @ h + b_r)
    z = torch.sigmoid(w_xz @ x + w_hz @ h + b_z)
    c = torch.tanh(w_xh @ x + w_hh @ (r * h) + b_h)
    return (z * h + (1 - z) * c,)


def lstm(weights: Weights, x: Tensor, state: State) -> State:
    """Long short-term memory.

    i, f, o = s(x W_x. + h W_h. + b.); g = tanh(x W_xg + h W_hg + b_g); c' = f * c + i * g; h' = o * tanh(c')
    """
    h, c = state
    names = ("cell.weight_ih_l0", "cell.weight_hh_l0", "cell.bias_ih_l0", "cell.bias_hh_l0")
    gates = zip(*(weights[name].chunk(4) for name in names), strict=True)
    i, f, g, o = (w_x @ x + b_x + w_h @ h + b_h for w_x, w_h, b_x, b_h in gates)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


CELLS: dict[str, Callable[[Weights, Tensor, State], State]] = {"gru": gru, "lstm": lstm, "gru-original": original_gru}
STATE_PARTS = {"gru": 1, "lstm": 2, "gru-original": 1}


def start(cell: str, hidden: Tensor) -> State:
    """The state that begins from a hidden vector: an LSTM's cell starts at zero."""
    return hidden, *[torch.zeros_like(hidden)] * (STATE_PARTS[cell] - 1)


def run(cell: str, weights: Weights, sentence: Iterable[Tensor], state: State) -> tuple[list[Tensor], State]:
    """A cell over a sentence: its output at each position, and its last state."""
    outputs = []
    for x in sentence:
        state = CELLS[cell](weights, x, state)
        outputs.append(state[0])
    return outputs, state


def read(cell: str, weights: Weights, sentence: Sequence[Tensor], width: int) -> tuple[list[Tensor], Tensor]:
    """A layer of the encoder: its outputs and its final vector, the two directions of each joined where it has two."""
    zeros = torch.zeros(width, dtype=torch.float64)
    outputs, last = run(cell, part(weights, "forwards"), sentence, start(cell, zeros))
    if not (backwards := part(weights, "backwards")):
        return outputs, last[0]
    reversed_outputs, reversed_last = run(cell, backwards, sentence[::-1], start(cell, zeros))
    joined = [torch.cat(pair) for pair in zip(outputs, reversed_outputs[::-1], strict=True)]
    return joined, torch.cat((last[0], reversed_last[0]))


def score(attention: str, weights: Weights, query: Tensor, memory: Tensor, head: int, mine: slice) -> Tensor:
    """The score of a query against a memory vector in one head, which owns the slice `mine` of the width.

    dot: q . m / sqrt(d); general: q . W m / sqrt(d); additive: v . tanh(W q + b + U m); d is the width of the head.
    """
    if attention == "dot":
        return query[mine] @ memory[mine] / math.sqrt(mine.stop - mine.start)
    if attention == "general":
        return query[mine] @ (weights["key.weight"] @ memory)[mine] / math.sqrt(mine.stop - mine.start)
    assert attention == "additive", f"{attention} needs its formula here"
    inside = weights["query.weight"] @ query + weights["query.bias"] + weights["key.weight"] @ memory
    return weights["vector"][head] @ torch.tanh(inside)[mine]


def attend(
    attention: str, weights: Weights, heads: int, query: Tensor, memory: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """The context of a query, and its weights over the positions averaged over the heads."""
    width = len(query) // heads
    contexts, shares = [], []
    for head in range(heads):
        mine = slice(head * width, (head + 1) * width)
        scores = torch.stack([score(attention, weights, query, vector, head, mine) for vector in memory])
        share = scores.exp() / scores.exp().sum()
        contexts.append(sum(one * vector[mine] for one, vector in zip(share, memory, strict=True)))
        shares.append(share)
    return torch.cat(contexts), torch.stack(shares).mean(dim=0)


def encode(network: NetworkSettings, weights: Weights, sentence: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The encoder over embeddings: layer l reads layer l - 1; its memory and the final vector of each layer."""
    width = network.hidden_size // 2 if network.bidirectional else network.hidden_size
    memory, finals = sentence, []
    for depth in range(network.encoder_layers):
        outputs, final = read(network.cell, part(weights, f"layers.{depth}"), memory, width)
        residual = network.residual and depth > 0
        memory = [below + output for below, output in zip(memory, outputs, strict=True)] if residual else outputs
        finals.append(final)
    return memory, finals


def decode(
    network: NetworkSettings,
    weights: Weights,
    sentence: list[Tensor],
    memory: list[Tensor],
    finals: list[Tensor],
    words: list[Tensor],
) -> list[Tensor]:
    """The decoder over embeddings, token by token: the readout at each position, tanh(W [h; context] + b).

    A lexicon adds tanh(W f + b) + f, with f = tanh(sum of all a_s e_s) over the source's embeddings, `words`.
    """
    states = []
    for depth in range(network.decoder_layers):
        hidden = finals[min(depth, len(finals) - 1)]
        if bridge := part(weights, f"bridge.maps.{depth}.0"):
            hidden = torch.tanh(bridge["weight"] @ hidden + bridge["bias"])
        states.append(start(network.cell, hidden))
    layers = [part(weights, f"layers.{depth}") for depth in range(network.decoder_layers)]
    attends = network.attention != "none"
    readouts = []
    for embedding in sentence:
        x = embedding if attends else torch.cat((embedding, finals[-1]))
        states[0] = CELLS[network.cell](layers[0], x, states[0])
        h, context = states[0][0], finals[-1]
        if attends:
            attention = part(weights, "attention")
            context, shares = attend(network.attention, attention, network.attention_heads, h, memory)
        for depth in range(1, network.decoder_layers):
            x = torch.cat((h, context)) if attends else h
            states[depth] = CELLS[network.cell](layers[depth], x, states[depth])
            h = h + states[depth][0] if network.residual else states[depth][0]
        readout = torch.tanh(weights["readout.weight"] @ torch.cat((h, context)) + weights["readout.bias"])
        if network.has_lexicon:
            f = torch.tanh(torch.stack([a * e for a, e in zip(shares, words, strict=True)]).sum(dim=0))
            readout = readout + torch.tanh(weights["lexicon.linear.weight"] @ f + weights["lexicon.linear.bias"]) + f
        readouts.append(readout)
    return readouts


def negative_log_likelihood(
    network: NetworkSettings, weights: Weights, src: Sequence[int], tgt: Sequence[int]
) -> Tensor:
    """Of one sentence pair: `src` ends with eos, `tgt` begins with bos and ends with eos.

    Teacher forcing: at each position the decoder reads the target itself, and is asked for what follows.
    """
    src_table = weights["src_embedding.weight"]
    tgt_table = weights.get("tgt_embedding.weight", src_table)  # a table that is tied has the name of the first alone
    output = weights.get("output.weight", tgt_table)
    scale = math.sqrt(network.embedding_size)
    words = [src_table[piece] * scale for piece in src]
    memory, finals = encode(network, part(weights, "encoder"), words)
    embeddings = [tgt_table[piece] * scale for piece in tgt[:-1]]
    readouts = decode(network, part(weights, "decoder"), embeddings, memory, finals, words)
    loss = torch.zeros((), dtype=torch.float64)
    for readout, following in zip(readouts, tgt[1:], strict=True):
        logits = output @ readout + weights["output.bias"]
        loss = loss + logits.exp().sum().log() - logits[following]
    return loss


def part(weights: Weights, name: str) -> dict[str, Tensor]:
    """The weights of one module."""
    return {key.removeprefix(f"{name}."): weight for key, weight in weights.items() if key.startswith(f"{name}.")}
