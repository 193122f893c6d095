"""The vocabularies of a prepared corpus or a model, taken over by another corpus with all that goes with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mtkit.dataset.manifest import read_header
from mtkit.dataset.prepared import PreparedCorpus, Split
from mtkit.errors import ModelFolderError, PreparedError, SettingsError
from mtkit.model_folder import ModelFolder, SidesVariants, is_model_folder
from mtkit.settings import CorpusSettings
from mtkit.text.vocabulary import Vocabulary

_MEASURED = 1_000
"""Training pairs that pieces a word are counted in."""


@dataclass(frozen=True)
class Borrowed:
    """Vocabularies, and what text is normalised by that they are for."""

    path: Path
    langs: tuple[str, str]
    made: CorpusSettings
    """The settings that they were made with."""
    vocabularies: dict[str, Vocabulary]
    """By file name; the source's comes first."""
    normalisation: int
    variants: SidesVariants

    @classmethod
    def open(cls, path: Path) -> Borrowed:
        """Read the vocabularies of a model or a prepared corpus.

        Raises:
            SettingsError: it is neither.
            ModelFolderError, PreparedError: it is damaged.
        """
        if is_model_folder(path):
            return cls._of_model(path)
        if is_prepared(path):
            corpus = PreparedCorpus.open(path)
            manifest, names = corpus.manifest, [file.name for file in corpus.vocabulary_files]
            langs = corpus.src_lang, corpus.tgt_lang
            return cls(path, langs, manifest.corpus, _load(path, names), manifest.normalisation, manifest.variants)
        raise SettingsError(f"`vocabulary={path}`: is neither a prepared corpus nor a model")

    @classmethod
    def _of_model(cls, path: Path) -> Borrowed:
        config = ModelFolder.open(path).config
        try:
            made = msgspec.convert(config.preprocess, CorpusSettings)
        except msgspec.ValidationError as error:
            raise ModelFolderError(f"{path / 'config.json'}: its table preprocess cannot be read ({error})") from error
        langs, vocabularies = (config.src_lang, config.tgt_lang), _load(path, list(config.vocabularies))
        return cls(path, langs, made, vocabularies, config.normalisation, config.variants)

    def facing(self, langs: tuple[str, str]) -> Borrowed:
        """Return the same for a corpus of these languages: with the sides swapped where more languages then agree."""
        if self._agreeing(langs) >= self._agreeing(langs[::-1]):
            return self
        return replace(
            self,
            langs=self.langs[::-1],
            vocabularies=dict(reversed(self.vocabularies.items())),
            variants=self.variants[::-1],
        )

    def warning(self, langs: tuple[str, str], train: Split) -> str:
        """Return a warning where they are vocabularies of other languages than the training text's, or "".

        The more pieces a word takes, the longer training and translating, and the worse the translations.
        """
        if self._agreeing(langs) == 2:
            return ""
        sample = range(min(_MEASURED, len(train)))
        sides = zip((train.src_texts(sample), train.tgt_texts(sample)), train.gather(sample), strict=True)
        src, tgt = (sum(map(len, ids)) / sum(len(text.split()) for text in texts) for texts, ids in sides)
        return (
            f"warning: the vocabulary of {self.path} is of {' and '.join(self.langs)}, the text of "
            f"{' and '.join(langs)}: {src:.1f} and {tgt:.1f} pieces a word; where 2 are many, leave `vocabulary` out"
        )

    def _agreeing(self, langs: Sequence[str]) -> int:
        """Count the sides of one language, whatever its region or script."""
        return sum(_primary(one) == _primary(other) for one, other in zip(self.langs, langs, strict=True))


def is_prepared(path: Path) -> bool:
    """Whether a folder is a prepared corpus of any format."""
    try:
        read_header(path)
    except PreparedError:
        return False
    return True


def _load(path: Path, names: Sequence[str]) -> dict[str, Vocabulary]:
    return {name: Vocabulary.load(path / name) for name in names}


def _primary(lang: str) -> str:
    return re.split("[-_@]", lang, maxsplit=1)[0].casefold()
