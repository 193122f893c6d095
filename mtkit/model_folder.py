"""A model is one folder: settings, vocabularies, weights, log and card; relocatable, and free of pickle.

    config.json            what the model is, and every setting it was made with
    joint.spm              the vocabulary, or source.spm and target.spm
    model.safetensors      the best weights by validation BLEU
    runtime/<precision>/   the graphs that translate on a CPU, made from the weights
    README.md              model card
    log.jsonl              one JSON object a line: all that training told
    curves.svg             loss, BLEU, learning rate and speed, drawn from the log
    training/<update>/     what `--resume` needs; deletable, as are training/prepared/, the corpus of a raw-text
                           training, and training/diversification/, what was added to it

Reading it imports no torch.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mtkit.errors import ModelFolderError, OutputError, SettingsError
from mtkit.settings import NetworkSettings
from mtkit.storage import new_file, sha256
from mtkit.text.vocabulary import Vocabulary

FORMAT = "mtkit model"
FORMAT_VERSION = 1


class CorpusRecord(Struct, frozen=True, kw_only=True):
    """What a model remembers of the corpus it was trained on."""

    fingerprint: str
    train_pairs: int
    valid_pairs: int
    longest_src: int
    """Pieces of the longest source sentence in training."""
    inputs: list[dict[str, Any]]


class ModelConfig(Struct, frozen=True, kw_only=True):
    """The content of config.json. Its `preprocess` and `train` tables can be fed back with `--config`."""

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    mtkit_version: str
    src_lang: str
    tgt_lang: str
    vocabularies: Annotated[dict[str, str], Meta(min_length=1, max_length=2)]
    """SHA-256 of each vocabulary file, by file name."""
    src_vocab_size: int
    tgt_vocab_size: int
    network: NetworkSettings
    corpus: CorpusRecord
    preprocess: dict[str, Any]
    train: dict[str, Any]


@dataclass(frozen=True)
class ModelFolder:
    """A model on disk. `open` checks it; `create` begins a new one."""

    path: Path
    config: ModelConfig

    @classmethod
    def open(cls, path: Path) -> ModelFolder:
        """Open a model; raise `ModelFolderError` where it is none or its files do not belong together."""
        file = path / "config.json"
        if not file.is_file():
            reason = "has no config.json" if path.is_dir() else "does not exist"
            raise ModelFolderError(f"{path}: is not a model folder ({reason}); give the folder that mtkit train wrote")
        try:
            content = msgspec.json.decode(file.read_bytes())
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ModelFolderError(f"{file}: is not the config.json of an mtkit model")
            if content.get("format_version") != FORMAT_VERSION:
                raise ModelFolderError(
                    f"{file}: has format version {content.get('format_version')}, this mtkit reads {FORMAT_VERSION}; "
                    f"use the mtkit that wrote it ({content.get('mtkit_version')})"
                )
            config = msgspec.convert(content, ModelConfig)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError, SettingsError) as error:
            raise ModelFolderError(f"{file}: cannot be read ({error})") from error
        folder = cls(path, config)
        for name, expected in config.vocabularies.items():
            if not (path / name).is_file():
                raise ModelFolderError(f"{path / name}: is missing from the model folder; copy the folder whole")
            if sha256(path / name) != expected:
                raise ModelFolderError(f"{path / name}: is not the vocabulary this model was trained with")
        return folder

    @classmethod
    def create(cls, path: Path, config: ModelConfig, vocabularies: list[Path]) -> ModelFolder:
        """Begin a model at `path`: settings and vocabularies, no weights yet."""
        for file in vocabularies:
            with new_file(path / file.name) as draft:
                shutil.copyfile(file, draft)
        return cls(path, config).configured()

    def configured(self, **train: Any) -> ModelFolder:
        """Write config.json, with some settings of training changed."""
        config = msgspec.structs.replace(self.config, train={**self.config.train, **train})
        with new_file(self.path / "config.json") as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")
        return ModelFolder(self.path, config)

    @property
    def has_weights(self) -> bool:
        """Whether there are weights; a model translates on a CPU without them."""
        return (self.path / "model.safetensors").is_file()

    @property
    def weights(self) -> Path:
        """The best weights; raise `ModelFolderError` where training has not got that far."""
        file = self.path / "model.safetensors"
        if not self.has_weights:
            raise ModelFolderError(
                f"{file}: is missing; if training stopped before its first validation, mtkit train --resume goes on"
            )
        return file

    @cached_property
    def src_vocabulary(self) -> Vocabulary:
        """The vocabulary of the source language."""
        return Vocabulary.load(self.path / next(iter(self.config.vocabularies)))

    @cached_property
    def tgt_vocabulary(self) -> Vocabulary:
        """The vocabulary of the target language; the source's own where they are one."""
        names = list(self.config.vocabularies)
        return self.src_vocabulary if len(names) == 1 else Vocabulary.load(self.path / names[1])


def is_model_folder(path: Path) -> bool:
    """Whether `path` holds an mtkit model, whole or begun."""
    try:
        return bool(json.loads((path / "config.json").read_bytes()).get("format") == FORMAT)
    except (OSError, ValueError, AttributeError):
        return False


def is_free(path: Path) -> bool:
    """Whether there is nothing at `path`, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def check_way(path: Path, force: bool) -> None:
    """Raise `OutputError` where a new model at `path` would cost something that `force` does not allow to replace.

    It allows to replace an older model, never a folder that is anything else.
    """
    if is_free(path):
        return
    if not is_model_folder(path):
        raise OutputError(f"{path}: exists and is no model folder; choose another --out")
    if not force:
        raise OutputError(f"{path}: holds a model already; --resume goes on with it, --force replaces it")
