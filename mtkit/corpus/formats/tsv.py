"""Parallel text in one file of tab-separated columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import ClassVar, Self

from mtkit.corpus.checks import shortened
from mtkit.corpus.formats.format import Format, TextSpec, existing
from mtkit.errors import CorpusError, SettingsError
from mtkit.text.languages import language_named
from mtkit.text.lines import Opener, is_pipe, read_lines

_FIRST_ROWS = 100  # by which it shows what the columns are
_NUMBER = re.compile(r"[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?%?")
_TITLES = {"source", "target", "src", "tgt", "source text", "target text", "source_text", "target_text"}


@dataclass(frozen=True)
class Tsv(Format):
    """A file of rows, each with the source in one column and the target in another; all others are not read.

    A pipe without a name that shows more is taken for one as well: a single stream can hold pairs in no other way.
    """

    forms: ClassVar[str] = "FILE.tsv"
    has_columns: ClassVar[bool] = True

    columns: tuple[int, int] = (1, 2)
    """Of source and target, counted from 1."""
    langs: tuple[str, str] = ("", "")

    @classmethod
    def find(cls, text: TextSpec) -> Self | None:
        """See `Format.find`."""
        if ":" in text.spec or not (text.spec.endswith((".tsv", ".tsv.gz")) or is_pipe(Path(text.spec))):
            return None
        return cls((existing(text.spec, text.spec),), parse_columns(text.columns), (text.src_lang, text.tgt_lang))

    def pairs(self, open_file: Opener) -> Iterator[tuple[str, str]]:
        """See `Format.pairs`."""
        rows = self._rows(open_file)
        first = list(islice(rows, _FIRST_ROWS))
        self._check(first)
        src, tgt = (column - 1 for column in self.columns)
        return ((row[src], row[tgt]) for row in chain(first, rows))

    def _rows(self, open_file: Opener) -> Iterator[list[str]]:
        (path,) = self.files
        needed = max(self.columns)
        for number, line in enumerate(read_lines(path, open_file), 1):
            row = line.split("\t", needed)
            if len(row) < needed:
                has = "one column" if len(row) == 1 else f"{len(row)} columns"
                wanted = "source, tab, target" if self.columns == (1, 2) else f"at least {needed} columns"
                raise CorpusError(f"{path}, line {number}: {has}; each line is {wanted}")
            yield row

    def _check(self, rows: Sequence[Sequence[str]]) -> None:
        """Raise CorpusError where a column is not of text, or the first row is one of titles."""
        (path,) = self.files
        if not rows:
            return
        shown = shortened(" | ".join(rows[0]))
        cells = [rows[0][column - 1].strip() for column in self.columns]
        if all(_is_title(cell, self.langs) for cell in cells) and cells[0] != cells[1]:
            raise CorpusError(f"{path}, line 1: is a row of titles ({shown}), not a pair; take it out of the file")
        for column in self.columns:
            below = [row[column - 1].strip() for row in (rows[1:] or rows)]  # over the numbers there may be a title
            filled = [cell for cell in below if cell]
            if filled and all(map(_NUMBER.fullmatch, filled)):
                raise CorpusError(
                    f"{path}: column {column} has only numbers, and its first row is {shown}; give the columns of "
                    "source and target, as `columns=2,4`"
                )


def parse_columns(columns: str) -> tuple[int, int]:
    """Return the columns of source and target: `2,4` is (2, 4), nothing (1, 2); raises SettingsError for all else."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*,\s*(\d{1,4})\s*", columns or "1,2")
    if match is None or not int(match[1]) or not int(match[2]) or int(match[1]) == int(match[2]):
        raise SettingsError(f"`columns` {columns!r} is not two different columns, counted from 1, as in 2,4")
    return int(match[1]), int(match[2])


def _is_title(cell: str, langs: tuple[str, str]) -> bool:
    if cell.casefold() in _TITLES:
        return True
    named = language_named(cell)
    return named is not None and named in map(language_named, langs)
