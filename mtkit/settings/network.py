"""The settings of the network."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from mtkit.errors import SettingsError
from mtkit.fields import Settings, about
from mtkit.settings.choices import AttentionType, Cell, Tying


def shape(text: str) -> Meta:
    """Describe a setting that the shapes of the weights follow from, or what they mean."""
    return about(text, "Network", comes_with="weights")


class NetworkSettings(Settings, frozen=True, kw_only=True):
    """The shape of the network; with the vocabulary sizes it determines every weight's shape."""

    cell: Annotated[Cell, shape("Recurrent cell.")] = "gru"
    encoder_layers: Annotated[int, Meta(ge=1, le=16), shape("Encoder layers.")] = 1
    decoder_layers: Annotated[int, Meta(ge=1, le=16), shape("Decoder layers.")] = 2
    bidirectional: Annotated[
        bool,
        shape("Read the source in both directions, half of the hidden size each."),
    ] = True
    embedding_size: Annotated[int, Meta(ge=1, le=16_384), shape("Width of embeddings and readout.")] = 256
    hidden_size: Annotated[int, Meta(ge=1, le=16_384), shape("Width of the recurrent layers.")] = 512
    attention: Annotated[AttentionType, shape("How the decoder looks at the source.")] = "general"
    attention_heads: Annotated[
        int, Meta(ge=1), shape("Heads that attend independently; they divide the hidden size.")
    ] = 1
    lexical: Annotated[
        bool,
        shape(
            "Add a lexicon to the output layer: each source word votes for its translations, weighted by the attention."
        ),
    ] = False
    residual: Annotated[bool, shape("Add a layer's input to its output.")] = True
    tied_embeddings: Annotated[
        Tying,
        shape("Share one table of weights: source, target and output (all), target and output (target), or none."),
    ] = "auto"
    dropout: Annotated[
        float, Meta(ge=0, lt=1), about("Dropout on layer inputs, one mask a sentence.", "Regularisation")
    ] = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional and self.hidden_size % 2:
            raise SettingsError(
                f"`hidden_size={self.hidden_size}` is odd, and two directions share it (`bidirectional`); "
                "choose an even one, or `bidirectional=False`"
            )
        if self.hidden_size % self.attention_heads:
            raise SettingsError(
                f"`attention_heads={self.attention_heads}` does not divide `hidden_size={self.hidden_size}`; "
                "choose one that does"
            )

    @property
    def has_lexicon(self) -> bool:
        """Whether there is one: it reads the weights of an attention."""
        return self.lexical and self.attention != "none"
