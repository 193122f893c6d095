"""The encoder: a stack of recurrent layers over the source sentence."""

from __future__ import annotations

from torch import Tensor, nn

from mtkit.nn.recurrent import SequenceDropout, SequenceLayer
from mtkit.settings import NetworkSettings


class Encoder(nn.Module):
    """Layer l reads the outputs of layer l - 1, with dropout before it and a residual connection around it."""

    def __init__(self, network: NetworkSettings) -> None:
        super().__init__()
        widths = [network.embedding_size] + [network.hidden_size] * (network.encoder_layers - 1)
        self.dropout = SequenceDropout(network.dropout)
        self.layers = nn.ModuleList(
            SequenceLayer(network.cell, width, network.hidden_size, network.bidirectional) for width in widths
        )
        self.residual = network.residual

    def forward(self, embedded: Tensor, lengths: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the memory (B, S, H) of (B, S, E), and each layer's final hidden vector (B, H).

        The residual joins layers of equal width, so never the embeddings: the memory of L layers stays in (-L, L).
        """
        finals = []
        memory = embedded
        for depth, layer in enumerate(self.layers):
            outputs, final = layer(self.dropout(memory), lengths)
            memory = outputs + memory if self.residual and depth > 0 else outputs
            finals.append(final)
        return memory, finals
