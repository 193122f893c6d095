"""A model is one folder: settings, vocabularies, weights, log and card; relocatable, and free of pickle.

    config.json            what the model is, and every setting it was made with
    joint.spm              the vocabulary, or source.spm and target.spm
    model.safetensors      the best weights by validation BLEU
    runtime/<precision>/   the graphs that translate on a CPU, made from the weights
    README.md              model card
    log.jsonl              one JSON object a line: all that training reported
    curves.svg             loss, BLEU, learning rate and speed, drawn from the log
    training/<update>/     what resuming needs; deletable, as are training/prepared/, the corpus of a raw-text
                           training, and training/diversification/, what was added to it

Reading it imports no torch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mtkit.errors import ModelFolderError, OutputError, SettingsError
from mtkit.settings import NetworkSettings
from mtkit.storage import fault, find_again, new_file, sha256
from mtkit.text.normalisation import NEWEST_RULE, Normaliser
from mtkit.text.vocabulary import Vocabulary

FORMAT = "mtkit model"
FORMAT_VERSION = 1

VOCABULARY_NAME = r"(?:joint|source|target)\.spm"
"""The names that a vocabulary's file may have, in a model and in a prepared corpus."""
SHARD_NAME = r"(?:train|valid)-\d{5,}\.arrow"
"""The names that a shard of a prepared corpus may have."""
PREPARED_NAME = rf"manifest\.json|{VOCABULARY_NAME}|{SHARD_NAME}"
"""The names of all files in a prepared corpus."""

_DRAFT = r"(?:.*/)?(?:\.[^/]+\.\d+@[\w-]*\.(?:part|old)(?:/.*)?|\.(?:[^/]+\.)?lock)"
_MODEL_NAME = rf"config\.json|{VOCABULARY_NAME}|model\.safetensors|README\.md|log\.jsonl|curves\.svg"
_GRAPH_NAME = r"(?:encoder|step)\.onnx(?:\.data)?"
_STATE_NAME = r"(?:network|optimizer|average)\.safetensors|(?:progress|checksums)\.json"
_WRITTEN = (  # compiled where it is asked for: translating does not
    rf"{_MODEL_NAME}|runtime/[\w-]+/{_GRAPH_NAME}"
    rf"|training/(?:[^/]+/)+(?:{_STATE_NAME}|{PREPARED_NAME}|{_MODEL_NAME}|{_GRAPH_NAME})"  # models and corpora inside
    rf"|{_DRAFT}"
)
"""The paths of all files that mtkit writes into a model folder: what `force` may remove."""
_PLACES = rf"(?:{_MODEL_NAME}|runtime|training)(?:/.*)?"
"""Where mtkit writes when a folder is there already."""

LANGUAGE = r"[\w@+.-]{1,64}"
"""What a language code may be: it becomes part of file names."""

Language = Annotated[str, Meta(pattern=rf"\A{LANGUAGE}\Z")]
Count = Annotated[int, Meta(ge=1)]
VocabularySize = Annotated[int, Meta(ge=4, le=100_000_000)]
VocabularyName = Annotated[str, Meta(pattern=rf"\A{VOCABULARY_NAME}\Z")]
Character = Annotated[str, Meta(min_length=1, max_length=1)]
Variants = dict[Character, Character]
SidesVariants = tuple[Variants, Variants]
Table = Annotated[dict[str, Any], Meta(min_length=1)]


class CorpusRecord(Struct, frozen=True, kw_only=True):
    """What a model remembers of the corpus it was trained on."""

    fingerprint: str
    train_pairs: Count
    valid_pairs: Count
    longest_src: Count
    """Pieces of the longest source sentence in training."""
    inputs: list[dict[str, Any]]


class ModelConfig(Struct, frozen=True, kw_only=True):
    """The content of config.json. Its `preprocess` and `train` tables can be fed back with `--config`."""

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    mtkit_version: str
    src_lang: Language
    tgt_lang: Language
    vocabularies: Annotated[dict[VocabularyName, str], Meta(min_length=1, max_length=2)]
    """SHA-256 of each vocabulary file, by file name; the source's comes first."""
    src_vocab_size: VocabularySize
    tgt_vocab_size: VocabularySize
    normalisation: Annotated[int, Meta(ge=1, le=NEWEST_RULE)] = 1
    """The rule by which all text is normalised that it reads; see `mtkit.text.normalisation`."""
    variants: SidesVariants = ({}, {})
    """What is read in the place of characters that the source's side of the training text lacks; and the same of the
    target's side, for models of the opposite direction that take over its vocabularies."""
    network: NetworkSettings
    corpus: CorpusRecord
    preprocess: Table
    train: Table
    graphs: dict[str, str] = {}
    """SHA-256 of each file under runtime/, by its path there; none before the first export, and in older models."""


@dataclass(frozen=True)
class ModelFolder:
    """A model on disk. `open` checks it; `create` begins a new one."""

    path: Path
    config: ModelConfig

    @classmethod
    def open(cls, path: Path) -> ModelFolder:
        """Open a model; raise `ModelFolderError` where it is not one, or its files do not belong together."""
        find_again(path)
        file = path / "config.json"
        if not file.is_file():
            reason = "has no config.json" if path.is_dir() else "does not exist"
            raise ModelFolderError(f"{path}: is not a model folder ({reason}); give the folder that mtkit train wrote")
        try:
            content = msgspec.json.decode(file.read_bytes().removeprefix(BOM_UTF8))
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ModelFolderError(f"{file}: is not the config.json of an mtkit model")
            if content.get("format_version") != FORMAT_VERSION:
                raise ModelFolderError(
                    f"{file}: has format version {content.get('format_version')}, this mtkit reads {FORMAT_VERSION}; "
                    f"use the mtkit that wrote it ({content.get('mtkit_version')})"
                )
            config = msgspec.convert(content, ModelConfig)
            check_vocabulary_names(list(config.vocabularies))
            if missing := {"epochs", "updates", "valid_every", "save_every"} - config.train.keys():
                raise ValueError(f"its table train has no {min(missing)}")
        except RecursionError as error:
            raise ModelFolderError(f"{file}: cannot be read (its values are nested too deep)") from error
        except (OSError, ValueError, msgspec.DecodeError, SettingsError) as error:
            raise ModelFolderError(f"{file}: cannot be read ({error})") from error
        folder = cls(path, config)
        for name, expected in config.vocabularies.items():
            if not (path / name).is_file():
                raise ModelFolderError(f"{path / name}: is missing from the model folder; copy the folder whole")
            if sha256(path / name) != expected:
                wrong = fault(path / name, "is not the vocabulary this model was trained with")
                raise ModelFolderError(f"{path / name}: {wrong}")
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
        return self._write(msgspec.structs.replace(self.config, train={**self.config.train, **train}))

    def with_graphs(self, hashes: dict[str, str]) -> ModelFolder:
        """Write config.json with the hashes of graphs."""
        return self._write(msgspec.structs.replace(self.config, graphs=hashes))

    def _write(self, config: ModelConfig) -> ModelFolder:
        with new_file(self.path / "config.json") as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")
        return ModelFolder(self.path, config)

    @property
    def normaliser(self) -> Normaliser:
        """What all text is normalised by that it reads."""
        return Normaliser(self.config.normalisation, self.config.variants[0])

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
                f"{file}: is missing; if training stopped before its first validation, `resume=True` goes on with it"
            )
        return file

    @cached_property
    def src_vocabulary(self) -> Vocabulary:
        """The vocabulary of the source language."""
        return self._vocabulary(next(iter(self.config.vocabularies)), "src_vocab_size")

    @cached_property
    def tgt_vocabulary(self) -> Vocabulary:
        """The vocabulary of the target language; the source's own where they are one."""
        names = list(self.config.vocabularies)
        return self.src_vocabulary if len(names) == 1 else self._vocabulary(names[1], "tgt_vocab_size")

    def _vocabulary(self, name: str, size: str) -> Vocabulary:
        vocabulary = Vocabulary.load(self.path / name)
        if len(vocabulary) != getattr(self.config, size):
            raise ModelFolderError(
                f"{self.path / 'config.json'}: {size} is {getattr(self.config, size):,}, but {name} has "
                f"{len(vocabulary):,} pieces; copy the model folder again"
            )
        return vocabulary


def check_vocabulary_names(names: list[str]) -> None:
    """Raise `ValueError` unless these are a joint vocabulary, or the source's and the target's."""
    if names != ["joint.spm"] and sorted(names) != ["source.spm", "target.spm"]:
        raise ValueError(f"vocabularies are {' and '.join(names)}, not joint.spm, nor source.spm and target.spm")


def is_model_folder(path: Path) -> bool:
    """Whether `path` holds an mtkit model, whole or begun."""
    find_again(path)
    try:
        return bool(json.loads((path / "config.json").read_bytes()).get("format") == FORMAT)
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def is_free(path: Path) -> bool:
    """Whether there is nothing at `path`, or an empty folder."""
    find_again(path)
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def check_way(path: Path, force: bool) -> None:
    """Raise `OutputError` where a new model at `path` would cost something that `force` does not allow to replace.

    It allows to replace an older model, never a folder that is anything else, or that holds anything else as well.
    """
    if is_free(path):
        return
    if not is_model_folder(path):
        raise OutputError(f"{path}: exists and is no model folder; choose another `out`")
    if not force:
        raise OutputError(f"{path}: holds a model already; `resume=True` goes on with it, `force=True` replaces it")
    if others := list(foreign_files(path)):
        more = f" and {len(others) - 1:,} more files" if len(others) > 1 else ""
        raise OutputError(
            f"{others[0]}: is not mtkit's{more}, so the folder is not replaced; move it out of {path}, or choose "
            "another `out`"
        )


def foreign_files(path: Path) -> Iterator[Path]:
    """Yield the files and links in a model folder that mtkit has not written."""
    for file in _walk(path):
        if file.is_symlink() or not re.fullmatch(_WRITTEN, file.relative_to(path).as_posix()):
            yield file


def check_no_links(path: Path) -> None:
    """Raise `OutputError` where writing into a model folder that is there would go through a link in it."""
    for file in _walk(path):
        if file.is_symlink() and re.fullmatch(_PLACES, file.relative_to(path).as_posix()):
            raise OutputError(f"{file}: is a link, and nothing is written through links; put there what it leads to")


def _walk(path: Path) -> Iterator[Path]:
    """Yield all that is in a folder and below, in order, but for folders; links are not followed."""
    for place, folders, files in os.walk(path):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        yield from sorted(Path(place, name) for name in (*files, *links))
