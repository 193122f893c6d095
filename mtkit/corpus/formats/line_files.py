"""Parallel text in two files whose lines belong together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product, zip_longest
from pathlib import Path
from typing import ClassVar, Self

from mtkit.corpus.formats.format import Format, TextSpec, existing
from mtkit.errors import CorpusError
from mtkit.text.lines import PACKED_BY, Opener, is_readable, packed_error, read_lines

_UNREAD = (".tmx", ".xml", ".csv", ".json", ".jsonl", ".tar", ".tgz", ".7z")


class LineFiles(Format):
    """A source and a target file: line N of one translates line N of the other."""

    forms: ClassVar[str] = "PREFIX for PREFIX.{src} + PREFIX.{tgt}, SRC:TGT for two files of any name"

    @classmethod
    def find(cls, text: TextSpec) -> Self | None:
        """See `Format.find`."""
        spec = text.spec
        if ":" in spec:
            parts = spec.split(":")
            if len(parts) != 2 or not all(parts):
                raise CorpusError(f"{spec}: SRC:TGT is two file names with one colon between them")
            return cls.of(*(existing(part, part) for part in parts))
        if spec.removesuffix(".gz").endswith(_UNREAD):
            raise CorpusError(f"{spec}: files of this kind are not read")
        if Path(spec).suffix in PACKED_BY:
            raise packed_error(spec, Path(spec).suffix)
        for lang, suffix in product((text.src_lang, text.tgt_lang), PACKED_BY):
            name = f"{spec}.{lang}{suffix}"
            if is_readable(Path(name)) and not is_readable(Path(f"{spec}.{lang}")):
                raise packed_error(name, suffix)
        sides = [(f"{spec}.{lang}", f"{spec}.{lang}.gz") for lang in (text.src_lang, text.tgt_lang)]
        if is_readable(Path(spec)) and not is_readable(Path(sides[0][0])):
            raise CorpusError(f"{spec}: is one file, and a corpus has two sides")
        return cls.of(*(existing(spec, *names) for names in sides))

    @classmethod
    def of(cls, src: Path, tgt: Path) -> Self:
        """Make one of two files; raises CorpusError where they are the same."""
        if src.samefile(tgt):
            raise CorpusError(f"{src} and {tgt}: are one file, which cannot be both sides")
        return cls((src, tgt))

    def pairs(self, open_file: Opener) -> Iterator[tuple[str, str]]:
        """See `Format.pairs`."""
        src_path, tgt_path = self.files
        src_lines, tgt_lines = (read_lines(path, open_file) for path in (src_path, tgt_path))
        for number, (src, tgt) in enumerate(zip_longest(src_lines, tgt_lines)):
            if src is None or tgt is None:  # count the rest, so that the message shows how far apart they are
                longer = number + 1 + sum(1 for _ in (src_lines if tgt is None else tgt_lines))
                counts = (number, longer) if src is None else (longer, number)
                raise CorpusError(
                    f"{src_path} has {counts[0]:,} lines and {tgt_path} has {counts[1]:,}; "
                    "line N of one must translate line N of the other"
                )
            yield src, tgt
