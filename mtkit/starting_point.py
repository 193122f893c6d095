"""Settings that follow from where a training starts: at a model that it resumes or begins with, or at embeddings."""

from __future__ import annotations

from pathlib import Path

from mtkit.configuration import Resolved, resumed, with_values_from
from mtkit.model_folder import ModelFolder, is_model_folder
from mtkit.settings import TrainSettings
from mtkit.text.embeddings import embedding_size


def from_starting_point(resolved: Resolved[TrainSettings], fingerprint: str = "") -> Resolved[TrainSettings]:
    """Return settings with what they leave open taken from where the training starts.

    Args:
        resolved: the settings that are asked for.
        fingerprint: that of the corpus, once it is known: a model at `out` that was trained on another one than a
            training that diversifies is given is the last of that training.

    Raises:
        ModelFolderError: a model cannot be read.
        CorpusError: embeddings cannot be read.
    """
    settings = resolved.settings
    if settings.resume and settings.out and is_model_folder(Path(settings.out)):
        config = ModelFolder.open(Path(settings.out)).config
        last = bool(fingerprint and config.train.get("diversify") and fingerprint != config.corpus.fingerprint)
        return resumed(resolved, {**config.preprocess, **config.train}, diversified=last)
    if settings.init_from:
        network = ModelFolder.open(Path(settings.init_from)).config.network
        values = {name: getattr(network, name) for name in network.__struct_fields__}
        # it is a model of one direction
        return with_values_from(resolved, {**values, "diversify": False}, settings.init_from)
    if file := settings.src_embeddings or settings.tgt_embeddings:
        return with_values_from(resolved, {"embedding_size": embedding_size(Path(file))}, file)
    return resolved
