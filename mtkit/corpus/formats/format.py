"""What a format of parallel text is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from mtkit.errors import CorpusError
from mtkit.text.lines import Opener, is_readable


@dataclass(frozen=True)
class TextSpec:
    """Parallel text as it was asked for."""

    spec: str
    """A path, a prefix of paths or two paths, as a format has it."""
    src_lang: str
    tgt_lang: str
    columns: str = ""
    """Which columns are source and target, where a format has columns: two numbers from 1 on, as in `2,4`."""

    def __str__(self) -> str:
        return self.spec


@dataclass(frozen=True)
class Format(ABC):
    """Sentence pairs in files of one format."""

    files: tuple[Path, ...]

    forms: ClassVar[str]
    """How text of this format is given, for messages: `{src}` and `{tgt}` stand for the languages."""
    has_columns: ClassVar[bool] = False
    """Whether `TextSpec.columns` means something to it."""

    @classmethod
    @abstractmethod
    def find(cls, text: TextSpec) -> Self | None:
        """Find the files of some text; return None where it is of another format.

        Raises:
            CorpusError: it is of this format, but cannot be used. The message ends without advice: `ParallelText.parse`
                adds the forms of all formats.
        """

    @abstractmethod
    def pairs(self, open_file: Opener) -> Iterator[tuple[str, str]]:
        """Yield (source, target) as they stand in the files.

        Each file is opened once, by `open_file`, and read to its end: it may be a pipe.

        Raises:
            CorpusError: the files cannot be read or do not have pairs; the message names the file and the line.
        """


def existing(spec: str, *names: str) -> Path:
    """Return the first of the files that can be read; raises CorpusError, which names `spec`, where none can."""
    for name in names:
        if is_readable(Path(name)):
            return Path(name)
    raise CorpusError(f"{spec}: no file {' or '.join(names)}")
