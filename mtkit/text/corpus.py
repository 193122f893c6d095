"""Parallel text in: two files or one TSV file, plain or gzip, read a pair at a time under strict alignment.

Lines end at a line feed alone. Every other character that some tool takes for a line end (U+2028, U+0085, a form feed,
a lone carriage return) stays inside its line, since splitting at it on one side would shift all pairs that follow.
"""

from __future__ import annotations

import gzip
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from mtkit.errors import CorpusError, SettingsError

_FORMS = "give PREFIX for PREFIX.{src} + PREFIX.{tgt}, SRC:TGT for two files of any name, or FILE.tsv, each also as .gz"
_UNREAD = (".tmx", ".xml", ".csv", ".json", ".jsonl", ".zip", ".tar", ".tgz", ".xz", ".bz2", ".zst", ".7z")
_GZIP_MAGIC = b"\x1f\x8b"  # never the start of UTF-8 text, so content decides, not the name


def split_langs(langs: str) -> tuple[str, str]:
    """Split a language pair: `split_langs("en-fr") == ("en", "fr")`; raises SettingsError where it is none."""
    match = re.fullmatch(r"(\w+)-(\w+)", langs)
    if match is None:
        raise SettingsError(f"--langs {langs!r} is not a language pair; write source and target, as in --langs en-fr")
    return match[1], match[2]


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, plain or gzip, without line ends and a leading byte-order mark.

    Raises:
        CorpusError: the file cannot be read, is damaged gzip, or a line is not UTF-8.
    """
    number = 0
    try:
        with path.open("rb") as probe:
            zipped = probe.read(2) == _GZIP_MAGIC
        with gzip.open(path, "rb") if zipped else path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                line = raw.removeprefix(BOM_UTF8) if number == 1 else raw
                yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}, line {number}: not UTF-8 (its byte {error.start + 1} is 0x{error.object[error.start]:02x}); "
            "convert the file to UTF-8, for example with iconv"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorpusError(f"{path}: damaged gzip after line {number}; fetch or compress the file again") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class ParallelText:
    """Sentence pairs in one TSV file, or in a source and a target file whose lines belong together."""

    files: tuple[Path, ...]

    @classmethod
    def parse(cls, spec: str, src_lang: str, tgt_lang: str) -> ParallelText:
        """Find the files that `spec` stands for: PREFIX, SRC:TGT, or a path ending in .tsv or .tsv.gz.

        Raises:
            CorpusError: a file is missing, or `spec` is none of these forms.
        """
        forms = _FORMS.format(src=src_lang, tgt=tgt_lang)
        if ":" in spec:
            parts = spec.split(":")
            if len(parts) != 2 or not all(parts):
                raise CorpusError(f"{spec}: SRC:TGT is two file names with one colon between them; {forms}")
            return cls(tuple(_existing(part, (part,), forms) for part in parts))
        if spec.endswith((".tsv", ".tsv.gz")):
            return cls((_existing(spec, (spec,), forms),))
        if spec.removesuffix(".gz").endswith(_UNREAD):
            raise CorpusError(f"{spec}: files of this kind are not read; {forms}")
        sides = [(f"{spec}.{lang}", f"{spec}.{lang}.gz") for lang in (src_lang, tgt_lang)]
        if Path(spec).is_file() and not Path(sides[0][0]).is_file():
            raise CorpusError(f"{spec}: is one file, and a corpus has two sides; {forms}")
        return cls(tuple(_existing(spec, names, forms) for names in sides))

    def __str__(self) -> str:
        return " + ".join(map(str, self.files))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (source, target) as they stand in the files.

        Raises:
            CorpusError: as `read_lines`; the sides differ in length; a TSV line has fewer than two columns.
        """
        return self._columns() if len(self.files) == 1 else self._sides()

    def _columns(self) -> Iterator[tuple[str, str]]:
        (path,) = self.files
        for number, line in enumerate(read_lines(path), 1):
            columns = line.split("\t", 2)
            if len(columns) < 2:
                raise CorpusError(f"{path}, line {number}: one column; each line is source, tab, target")
            yield columns[0], columns[1]

    def _sides(self) -> Iterator[tuple[str, str]]:
        src_path, tgt_path = self.files
        src_lines, tgt_lines = read_lines(src_path), read_lines(tgt_path)
        for number, (src, tgt) in enumerate(zip_longest(src_lines, tgt_lines)):
            if src is None or tgt is None:  # count the rest, so that the message tells how far apart they are
                longer = number + 1 + sum(1 for _ in (src_lines if tgt is None else tgt_lines))
                counts = (number, longer) if src is None else (longer, number)
                raise CorpusError(
                    f"{src_path} has {counts[0]:,} lines and {tgt_path} has {counts[1]:,}; "
                    "line N of one must translate line N of the other"
                )
            yield src, tgt


def _existing(spec: str, names: tuple[str, ...], forms: str) -> Path:
    for name in names:
        if Path(name).is_file():
            return Path(name)
    raise CorpusError(f"{spec}: no file {' or '.join(names)}; {forms}")
