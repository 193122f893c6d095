"""Where a training starts from, other than random weights: another model's weights, pre-trained embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mtkit.configuration import field_names
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import load_weights
from mtkit.settings import NetworkSettings
from mtkit.text.embeddings import embedding_size, read_embeddings
from mtkit.text.vocabulary import Vocabulary
from mtkit.training.events import Event, Note

SHAPE = field_names(NetworkSettings, comes_with="weights")
"""Settings of the network that are those of the model that a training starts from."""


@dataclass(frozen=True)
class Start:
    """The files that a training starts from; each may be empty."""

    init_from: str
    """A model folder."""
    src_embeddings: str
    """Pre-trained embeddings in word2vec's text format."""
    tgt_embeddings: str

    def check(self, width: int) -> None:
        """Raise `SettingsError` where embeddings are not of this width; reads no more than their first line."""
        for name, file in (("src_embeddings", self.src_embeddings), ("tgt_embeddings", self.tgt_embeddings)):
            if file and (found := embedding_size(Path(file))) != width:
                raise SettingsError(
                    f"`{name}` {file} has vectors of {found}, and `embedding_size` is {width}; "
                    f"give `embedding_size={found}`, or another file"
                )

    def load(
        self, network: Seq2Seq, shape: NetworkSettings, corpus: PreparedCorpus, emit: Callable[[Event], None]
    ) -> None:
        """Put into a network of this shape what the files hold.

        Raises:
            SettingsError: they do not fit the corpus or the network.
            ModelFolderError: `init_from` is no model.
        """
        if self.init_from:
            self._load_model(network, shape, corpus)
            emit(Note(f"Starting from the weights of {self.init_from}"))
        one_table = network.tgt_embedding is network.src_embedding
        if one_table and self.src_embeddings and self.tgt_embeddings:
            raise SettingsError(
                "`src_embeddings` and `tgt_embeddings` cannot both fill the one table of `tied_embeddings=all`; "
                "give one of them, or `tied_embeddings=target`"
            )
        for file, vocabulary, table in (
            (self.src_embeddings, corpus.src_vocabulary, network.src_embedding),
            (self.tgt_embeddings, corpus.tgt_vocabulary, network.tgt_embedding),
        ):
            if file:
                emit(_load_embeddings(file, vocabulary, table))

    def _load_model(self, network: Seq2Seq, shape: NetworkSettings, corpus: PreparedCorpus) -> None:
        model = ModelFolder.open(Path(self.init_from))
        ours = {entry.name: entry.sha256 for entry in corpus.manifest.vocabularies}
        if ours != model.config.vocabularies:
            raise SettingsError(
                f"{corpus.path}: was prepared with other vocabularies than those of {self.init_from}; "
                f"prepare it with `vocabulary={self.init_from}`"
            )
        for name in SHAPE:
            wanted, value = getattr(shape, name), getattr(model.config.network, name)
            if wanted != value:
                raise SettingsError(
                    f"`{name}` {wanted} does not fit `init_from={self.init_from}`, which has {value}; "
                    f"leave `{name}` out"
                )
        load_weights(network, model.weights)


def _load_embeddings(file: str, vocabulary: Vocabulary, table: nn.Embedding) -> Note:
    """Fill in the vectors that a file has for pieces of the vocabulary; other pieces keep what they have.

    Vectors are scaled to the spread that embeddings have when training begins.
    """
    vectors, found = read_embeddings(Path(file), vocabulary.pieces(range(len(vocabulary))))
    if not found.any():
        raise SettingsError(f"{file}: has none of the vocabulary's pieces; embeddings of words need `vocab_type=word`")
    spread = float(vectors[found].std()) or 1.0
    with torch.no_grad():
        scaled = torch.from_numpy(vectors[found]) * (table.embedding_dim**-0.5 / spread)
        table.weight[torch.from_numpy(found)] = scaled.to(table.weight)
    return Note(f"{file}: vectors for {found.sum():,} of {len(vocabulary):,} pieces")
