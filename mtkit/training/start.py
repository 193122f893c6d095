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
from mtkit.evaluation.tokenizers import primary_subtag
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import load_weights
from mtkit.settings import NetworkSettings
from mtkit.text.embeddings import embedding_size, read_embeddings
from mtkit.text.vocabulary import Vocabulary
from mtkit.training.events import Event, Note, Warned

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

    def check_direction(self, src_lang: str, tgt_lang: str) -> None:
        """Raise `SettingsError` where the weights are those of a model of the opposite direction."""
        if not self.init_from:
            return
        config = ModelFolder.open(Path(self.init_from)).config
        theirs, ours = _languages(config.src_lang, config.tgt_lang), _languages(src_lang, tgt_lang)
        if theirs == ours[::-1]:
            raise SettingsError(
                f"`init_from={self.init_from}` translates from {config.src_lang} to {config.tgt_lang}, and weights of "
                f"the opposite direction are no beginning for {src_lang} to {tgt_lang}; leave it out, and take its "
                f"vocabularies alone with `vocabulary={self.init_from}`"
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
            self.check_direction(corpus.src_lang, corpus.tgt_lang)
            self._load_model(network, shape, corpus)
            emit(Note(f"Starting from the weights of {self.init_from}"))
            if warning := self._of_other_languages(corpus):
                emit(Warned(0, warning))
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

    def _of_other_languages(self, corpus: PreparedCorpus) -> str:
        """Return a line about a model of other languages, which may or may not help, or nothing."""
        config = ModelFolder.open(Path(self.init_from)).config
        if _languages(config.src_lang, config.tgt_lang) == _languages(corpus.src_lang, corpus.tgt_lang):
            return ""
        valid, everything = corpus.valid, range(len(corpus.valid))
        counts = [
            f"{lengths.sum() / max(1, sum(len(text.split()) for text in texts)):.1f} pieces a word of {lang}"
            for lang, lengths, texts in (
                (corpus.src_lang, valid.src_lengths, valid.src_texts(everything)),
                (corpus.tgt_lang, valid.tgt_lengths, valid.tgt_texts(everything)),
            )
        ]
        return (
            f"{self.init_from} translates from {config.src_lang} to {config.tgt_lang}, and is trained on "
            f"{corpus.src_lang} to {corpus.tgt_lang}: its vocabulary makes {' and '.join(counts)}; where that is "
            "far above 2, a model of its own learns better"
        )


def _languages(src_lang: str, tgt_lang: str) -> tuple[str, str]:
    """Return a pair of languages without their regions and scripts."""
    return primary_subtag(src_lang), primary_subtag(tgt_lang)


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
