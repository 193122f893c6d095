"""Parallel text of any format: the one interface to it, a pair at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mtkit.corpus.formats import Format, LineFiles, TextSpec, Tsv
from mtkit.errors import CorpusError
from mtkit.text.lines import Opener, opening

FORMATS: tuple[type[Format], ...] = (Tsv, LineFiles)
"""In the order in which they are asked; the last takes what no other does."""


@dataclass(frozen=True)
class ParallelText:
    """Sentence pairs in one file or several, read again each time they are iterated over, never held."""

    format: Format
    copies: Mapping[Path, Path] = field(default_factory=dict)
    """Where the content of files that can be read only once is kept."""

    @classmethod
    def parse(cls, spec: str, src_lang: str, tgt_lang: str, columns: str = "") -> ParallelText:
        """Find the files that `spec` stands for, in whichever format it is.

        Raises:
            CorpusError: a file is missing, or `spec` is of no format.
            SettingsError: `columns` is not two numbers of columns.
        """
        text = TextSpec(spec, src_lang, tgt_lang, columns)
        forms = ", or ".join(format_.forms for format_ in reversed(FORMATS)).format(src=src_lang, tgt=tgt_lang)
        try:
            found = next(found for format_ in FORMATS if (found := format_.find(text)))
        except CorpusError as error:
            raise CorpusError(f"{error}; give {forms}, each also as .gz") from error
        return cls(found)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, the source's first where the sides have one each."""
        return self.format.files

    def __str__(self) -> str:
        return " + ".join(map(str, self.files))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (source, target) as they stand in the files; raises CorpusError as `Format.pairs`."""
        return self.pairs()

    def pairs(self, open_file: Opener = opening) -> Iterator[tuple[str, str]]:
        """Yield the pairs of files that are opened in another way, such as one that counts or copies their bytes."""
        return self.format.pairs(lambda path: open_file(self.copies.get(path, path)))
