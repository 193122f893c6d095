"""The whole network: embeddings, encoder, decoder, output layer.

Legend: B sentences, S source and T target positions, E embedding width, V target vocabulary size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtkit.errors import SettingsError
from mtkit.nn.decoder import Decoder, DecoderState
from mtkit.nn.encoder import Encoder
from mtkit.settings import NetworkSettings


class Seq2Seq(nn.Module):
    """A recurrent encoder-decoder. All its weights follow from the settings and the two vocabulary sizes.

    Embeddings start at N(0, 1/E) and are multiplied by sqrt(E) where they are read, so that one table can serve as
    input of unit variance and as output layer (Vaswani et al. 2017, section 3.4).
    """

    def __init__(self, network: NetworkSettings, src_vocab_size: int, tgt_vocab_size: int) -> None:
        super().__init__()
        check_network(network, src_vocab_size, tgt_vocab_size)
        width = network.embedding_size
        self.scale = width**0.5
        self.src_embedding = nn.Embedding(src_vocab_size, width)
        self.tgt_embedding = self.src_embedding
        if network.tied_embeddings != "all":
            self.tgt_embedding = nn.Embedding(tgt_vocab_size, width)
        self.encoder = Encoder(network)
        self.decoder = Decoder(network)
        self.output = nn.Linear(width, tgt_vocab_size)
        for table in (self.src_embedding.weight, self.tgt_embedding.weight, self.output.weight):
            nn.init.normal_(table, std=width**-0.5)
        nn.init.zeros_(self.output.bias)
        if network.tied_embeddings != "none":
            self.output.weight = self.tgt_embedding.weight

    def start(self, src: Tensor, src_lengths: Tensor) -> DecoderState:
        """Encode the source ids (B, S), padded on the right, of `src_lengths` (B,), and bind the decoder to them."""
        src_padding = torch.arange(src.shape[1], device=src.device)[None] >= src_lengths[:, None]
        words = self.src_embedding(src) * self.scale
        memory, finals = self.encoder(words, src_lengths)
        return self.decoder.start(memory, src_padding, finals, words)

    def forward(self, src: Tensor, src_lengths: Tensor, tgt: Tensor) -> Tensor:
        """Teacher forcing: the readout (B, T, E) after each of the target ids (B, T), which begin with bos."""
        readout, _ = self.decoder(self.tgt_embedding(tgt) * self.scale, self.start(src, src_lengths))
        return readout  # type: ignore[no-any-return]

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Search: from the last tokens (N,), return logits (N, V), attention weights (N, S) and the next state."""
        readout, weights, state = self.decoder.step(self.tgt_embedding(tokens) * self.scale, state)
        return self.logits(readout), weights, state

    def logits(self, readout: Tensor) -> Tensor:
        """Scores (..., V) of all pieces, before normalisation, from readouts (..., E)."""
        return functional.linear(readout, self.output.weight, self.output.bias)

    def parameters_by_part(self) -> dict[str, int]:
        """Count the weights of each part; a table that input and output share is one of the embeddings."""
        parts = {"src_embedding": "embeddings", "tgt_embedding": "embeddings", "decoder.attention": "attention"}
        counts = dict.fromkeys(("embeddings", "encoder", "attention", "decoder", "output"), 0)
        for name, weight in self.named_parameters():
            first, second, *_ = name.split(".")
            counts[parts.get(first) or parts.get(f"{first}.{second}") or first] += weight.numel()
        return counts


def check_network(network: NetworkSettings, src_vocab_size: int, tgt_vocab_size: int) -> None:
    """Raise `SettingsError` where the settings do not fit the vocabularies."""
    if network.tied_embeddings == "all" and src_vocab_size != tgt_vocab_size:
        raise SettingsError(
            f"tied_embeddings all needs one joint vocabulary; this corpus has two, of {src_vocab_size:,} and "
            f"{tgt_vocab_size:,} pieces; use target"
        )
    if network.tied_embeddings == "auto":
        raise SettingsError("tied_embeddings auto must be resolved to all, target or none before a network is built")
