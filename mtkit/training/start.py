"""Where a training starts from, other than chance: another model's weights, pre-trained embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from msgspec.structs import asdict

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.runtime.weights import load_weights
from mtkit.settings import TrainSettings
from mtkit.text.embeddings import embedding_size, read_embeddings
from mtkit.training.events import Event, Note

WITHOUT_WEIGHTS = {"dropout"}
"""Settings of the network that may differ from those of the model that a training starts from."""


def load_start(
    settings: TrainSettings, corpus: PreparedCorpus, network: Seq2Seq, emit: Callable[[Event], None]
) -> None:
    """Put into the network what `init_from`, `src_embeddings` and `tgt_embeddings` name.

    Raises:
        SettingsError: they do not fit the corpus or the network.
        ModelFolderError: `init_from` is no model.
    """
    if settings.init_from:
        _load_model(settings, corpus, network)
        emit(Note(f"Starting from the weights of {settings.init_from}"))
    _load_embeddings(settings, corpus, network, emit)


def check_embeddings(settings: TrainSettings) -> None:
    """Raise `SettingsError` where files of embeddings do not fit the network; reads no more than their first line."""
    for name in ("src_embeddings", "tgt_embeddings"):
        if file := getattr(settings, name):
            width, wanted = embedding_size(Path(file)), settings.network.embedding_size
            if width != wanted:
                raise SettingsError(
                    f"{name} {file} has vectors of {width}, and embedding_size is {wanted}; "
                    f"give --embedding-size {width}, or another file"
                )


def _load_model(settings: TrainSettings, corpus: PreparedCorpus, network: Seq2Seq) -> None:
    model = ModelFolder.open(Path(settings.init_from))
    theirs = {entry.name: entry.sha256 for entry in corpus.manifest.vocabularies}
    if theirs != model.config.vocabularies:
        raise SettingsError(
            f"{corpus.path}: was prepared with other vocabularies than those of {settings.init_from}; "
            f"prepare it with --vocabulary {settings.init_from}"
        )
    wanted = asdict(settings.network)
    for name, value in asdict(model.config.network).items():
        if name not in WITHOUT_WEIGHTS and wanted[name] != value:
            raise SettingsError(
                f"{name} {wanted[name]} does not fit --init-from {settings.init_from}, which has {value}; "
                f"leave --{name.replace('_', '-')} out"
            )
    load_weights(network, model.weights)


def _load_embeddings(
    settings: TrainSettings, corpus: PreparedCorpus, network: Seq2Seq, emit: Callable[[Event], None]
) -> None:
    """Fill in the vectors that the files have for pieces of the vocabularies; other pieces keep what they have.

    Vectors are scaled to the spread that embeddings have when training begins.
    """
    one_table = network.tgt_embedding is network.src_embedding
    if one_table and settings.src_embeddings and settings.tgt_embeddings:
        raise SettingsError(
            "src_embeddings and tgt_embeddings cannot both fill the one table of tied_embeddings all; "
            "give one of them, or --tied-embeddings target"
        )
    for file, vocabulary, table in (
        (settings.src_embeddings, corpus.src_vocabulary, network.src_embedding),
        (settings.tgt_embeddings, corpus.tgt_vocabulary, network.tgt_embedding),
    ):
        if not file:
            continue
        vectors, found = read_embeddings(Path(file), vocabulary.pieces(range(len(vocabulary))))
        if not found.any():
            raise SettingsError(
                f"{file}: has none of the vocabulary's pieces; embeddings of words need --vocab-type word"
            )
        spread = float(vectors[found].std()) or 1.0
        with torch.no_grad():
            scaled = torch.from_numpy(vectors[found]) * (table.embedding_dim**-0.5 / spread)
            table.weight[torch.from_numpy(found)] = scaled.to(table.weight)
        emit(Note(f"{file}: vectors for {found.sum():,} of {len(vocabulary):,} pieces"))
