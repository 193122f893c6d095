"""Parallel text in one file of tab-separated columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

from mtkit.corpus.formats.format import Format, TextSpec, existing
from mtkit.errors import CorpusError
from mtkit.text.lines import Opener, is_pipe, read_lines


class Tsv(Format):
    """A file of lines, each a source, a tab and a target; further columns are not read.

    A pipe without a name that tells more is taken for one as well: a single stream can hold pairs in no other way.
    """

    forms: ClassVar[str] = "FILE.tsv"

    @classmethod
    def find(cls, text: TextSpec) -> Self | None:
        """See `Format.find`."""
        if ":" in text.spec or not (text.spec.endswith((".tsv", ".tsv.gz")) or is_pipe(Path(text.spec))):
            return None
        return cls((existing(text.spec, text.spec),))

    def pairs(self, open_file: Opener) -> Iterator[tuple[str, str]]:
        """See `Format.pairs`."""
        (path,) = self.files
        for number, line in enumerate(read_lines(path, open_file), 1):
            columns = line.split("\t", 2)
            if len(columns) < 2:
                raise CorpusError(f"{path}, line {number}: one column; each line is source, tab, target")
            yield columns[0], columns[1]
