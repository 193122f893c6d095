"""The decoder: recurrence first, attention for all positions at once, then the rest of the layers.

The recurrence never reads the attention of its own layer or of those above (the layout of GNMT, Wu et al. 2016):

1. layer 1 runs over the whole target;
2. its outputs are the queries of one batched attention, against keys projected once a sentence;
3. layers 2 .. L run over [h; context], with residual connections;
4. readout = tanh(W [h_L; context]).

So training makes one call a layer, and search makes the same calls one position at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mtkit.nn.attention import ATTENTIONS
from mtkit.nn.recurrent import CELLS, Hidden, SequenceDropout
from mtkit.settings import NetworkSettings


@dataclass(frozen=True)
class DecoderState:
    """What the decoder knows of N hypotheses: the source it looks at and the hidden state of each layer."""

    memory: Tensor
    keys: Tensor
    src_padding: Tensor
    words: Tensor
    """The source's embeddings (N, S, E), or (N, S, 0) where no lexicon reads them."""
    hidden: tuple[Hidden, ...]

    def select(self, rows: Tensor) -> DecoderState:
        """Reorder, repeat or drop hypotheses: row i of the result is row `rows[i]` of this state."""
        return DecoderState(
            self.memory[rows],
            self.keys[rows],
            self.src_padding[rows],
            self.words[rows],
            tuple(tuple(part[rows] for part in layer) for layer in self.hidden),
        )

    def join(self, other: DecoderState) -> DecoderState:
        """Put other hypotheses, whose sources are padded to the same length, behind these."""
        return DecoderState(
            torch.cat((self.memory, other.memory)),
            torch.cat((self.keys, other.keys)),
            torch.cat((self.src_padding, other.src_padding)),
            torch.cat((self.words, other.words)),
            tuple(
                tuple(map(torch.cat, zip(layer, others, strict=True)))
                for layer, others in zip(self.hidden, other.hidden, strict=True)
            ),
        )


class Bridge(nn.Module):
    """Maps the encoder's final hidden vectors to the decoder's first ones, tanh(W h) for each decoder layer.

    Where both sides have the same layers and widths there is nothing to map, and the vectors pass as they are.
    A decoder deeper than the encoder starts its further layers from the encoder's last one.
    """

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        same = not network.bidirectional and network.encoder_layers == network.decoder_layers
        self.source_layer = [min(depth, network.encoder_layers - 1) for depth in range(network.decoder_layers)]
        width = network.hidden_size
        self.maps = nn.ModuleList(
            nn.Identity() if same else nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in self.source_layer
        )

    def forward(self, finals: list[Tensor]) -> list[Tensor]:
        """Map one (B, H) an encoder layer to one (B, H) a decoder layer."""
        return [mapping(finals[depth]) for mapping, depth in zip(self.maps, self.source_layer, strict=True)]


class Lexicon(nn.Module):
    """What the attended source words contribute by themselves (Nguyen and Chiang 2018), to be added to the readout.

    f = tanh(sum_s a_s e_s), l = tanh(W f + b) + f, with the attention's weights a and the source's embeddings e. What
    the encoder gives for a word changes with the sentence; its embedding does not, so rare words are learnt sooner.
    """

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        self.linear = nn.Linear(network.embedding_size, network.embedding_size)
        self.dropout = SequenceDropout(network.dropout)

    def forward(self, weights: Tensor, words: Tensor) -> Tensor:
        """Return (B, T, E), within (-2, 2), for weights (B, T, S) over source words (B, S, E)."""
        attended = torch.tanh(weights.to(words.dtype) @ words)
        return torch.tanh(self.linear(self.dropout(attended))) + attended


class Decoder(nn.Module):
    """See the file's docstring. `forward` and repeated `step` are two routes to one result."""

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        hidden, embedding = network.hidden_size, network.embedding_size
        self.attention = ATTENTIONS[network.attention](hidden, network.attention_heads)
        # A context that needs no query (no attention) feeds the first layer; one that does feeds those above it.
        first = embedding if self.attention.needs_query else embedding + hidden
        above = 2 * hidden if self.attention.needs_query else hidden
        widths = [first] + [above] * (network.decoder_layers - 1)
        self.bridge = Bridge(network)
        self.layers = nn.ModuleList(CELLS[network.cell](width, hidden) for width in widths)
        self.readout = nn.Linear(2 * hidden, embedding)
        self.lexicon = Lexicon(network) if network.has_lexicon else None
        self.dropout = SequenceDropout(network.dropout)
        self.residual = network.residual

    def start(self, memory: Tensor, src_padding: Tensor, finals: list[Tensor], words: Tensor) -> DecoderState:
        """Bind to a source: memory (B, S, H), padding (B, S), a final vector (B, H) a layer, embeddings (B, S, E)."""
        hidden = tuple(
            layer.start(first)  # type: ignore[operator]
            for layer, first in zip(self.layers, self.bridge(finals), strict=True)
        )
        if self.lexicon is None:
            words = words[:, :, :0]
        return DecoderState(memory, self.attention.project(memory, finals[-1]), src_padding, words, hidden)

    def forward(self, embedded: Tensor, state: DecoderState) -> tuple[Tensor, Tensor]:
        """Teacher forcing: from all embeddings (B, T, E), return the readout (B, T, E) and the weights (B, T, S)."""
        readout, weights, _ = self._run(embedded, state)
        return readout, weights

    def step(self, embedded: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Search: from the last token's embedding (N, E), return readout (N, E), weights (N, S), the next state."""
        readout, weights, state = self._run(embedded[:, None], state)
        return readout[:, 0], weights[:, 0], state

    def _run(self, embedded: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        def attend(query: Tensor) -> tuple[Tensor, Tensor]:
            return self.attention(query, state.keys, state.memory, state.src_padding)  # type: ignore[no-any-return]

        inputs = embedded
        if not self.attention.needs_query:
            context, weights = attend(embedded)
            inputs = torch.cat((embedded, context.to(embedded.dtype)), dim=2)
        outputs, last = self.layers[0](self.dropout(inputs), state.hidden[0])
        hidden = [last]
        if self.attention.needs_query:
            context, weights = attend(outputs)
        for layer, start in zip(list(self.layers)[1:], state.hidden[1:], strict=True):
            inputs = torch.cat((outputs, context), dim=2) if self.attention.needs_query else outputs
            above, last = layer(self.dropout(inputs), start)
            outputs = above + outputs if self.residual else above
            hidden.append(last)
        readout = torch.tanh(self.readout(torch.cat((outputs, context.to(outputs.dtype)), dim=2)))
        if self.lexicon is not None:
            readout = readout + self.lexicon(weights, state.words)
        return self.dropout(readout), weights, replace(state, hidden=tuple(hidden))
