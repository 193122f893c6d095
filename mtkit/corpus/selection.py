"""Which pairs of the given text take part: cleaned, and split into what is trained on and what is held out."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from mtkit.corpus.checks import CHECKS, checked
from mtkit.corpus.cleaning import clean
from mtkit.corpus.filters import Filter
from mtkit.corpus.parallel_text import ParallelText
from mtkit.corpus.report import CleaningReport
from mtkit.errors import CorpusError
from mtkit.storage import writing
from mtkit.text.lines import is_pipe, opening
from mtkit.text.normalisation import Normaliser

_HELD_OUT_SHARE, _HELD_OUT_LEAST, _HELD_OUT_MOST = 0.02, 100, 2_000


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file by name, without its folder; `count` is its lines, pieces or pairs."""

    name: str
    sha256: str
    count: int


class Survey(NamedTuple):
    """What a first reading of some text found: pairs kept and dropped, each file's hash and lines, and oddities."""

    cleaning: CleaningReport
    inputs: tuple[FileEntry, ...]
    remarks: tuple[str, ...] = ()
    """What the checks found."""


class FirstReading:
    """Opens files so that all that is read of them is hashed, and copied where it cannot be read again."""

    def __init__(self, folder: Path) -> None:
        self.digests: dict[Path, hashlib._Hash] = {}
        """SHA-256 of each file, as far as it has been read."""
        self.copies: dict[Path, Path] = {}
        """Where what the pipes gave is kept, in `folder`."""
        self._folder = folder

    @contextmanager
    def __call__(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file; raises OSError where it cannot be read, OutputError where it cannot be copied."""
        digest = self.digests[path] = hashlib.sha256()
        if not is_pipe(path):
            with opening(path, digest.update) as file:
                yield file
            return
        with writing(self._folder):
            self._folder.mkdir(exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder)
        self.copies[path] = Path(name)
        with open(descriptor, "wb") as copy:

            def keep(content: bytes) -> None:
                digest.update(content)
                with writing(self._folder):
                    copy.write(content)

            with opening(path, keep) as file:
                yield file


@dataclass(frozen=True)
class CleanText:
    """The clean pairs of some text, normalised. They are read from the files each time, never held.

    `rows` numbers clean pairs from 0; it names those that are left out or, where `inside`, the only ones.
    """

    texts: tuple[ParallelText, ...]
    filters: tuple[Filter[str], ...]
    normaliser: Normaliser
    rows: frozenset[int] = frozenset()
    inside: bool = False

    @classmethod
    def parse(
        cls,
        specs: Iterable[str],
        langs: tuple[str, str],
        filters: tuple[Filter[str], ...],
        normaliser: Normaliser,
        columns: str = "",
    ) -> CleanText:
        """Find the files of some text; raises CorpusError where one is missing, SettingsError for wrong `columns`."""
        return cls(tuple(ParallelText.parse(spec, *langs, columns) for spec in specs), filters, normaliser)

    def __str__(self) -> str:
        return ", ".join(map(str, self.texts))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        pairs = clean(chain.from_iterable(self.texts), self.normaliser, self.filters, CleaningReport())
        return (pair for row, pair in enumerate(pairs) if (row in self.rows) == self.inside)

    @property
    def pipes(self) -> list[Path]:
        """The files that can be read only once."""
        return [path for text in self.texts for path in text.files if is_pipe(path)]

    def survey(self, copies: Path) -> tuple[Survey, CleanText]:
        """Read and count all of the text; raises CorpusError where it cannot be read or is misaligned.

        Returns:
            What was found, and the text to read from then on: what pipes gave is kept in the folder `copies`.
        """
        report = CleaningReport()
        entries: list[FileEntry] = []
        texts: list[ParallelText] = []
        checks = [kind() for kind in CHECKS]
        for text in self.texts:
            before, reading = report.total, FirstReading(copies)
            for _ in clean(checked(text.pairs(reading), checks), self.normaliser, self.filters, report):
                pass
            count = report.total - before
            entries += [FileEntry(_name(path), reading.digests[path].hexdigest(), count) for path in text.files]
            texts.append(replace(text, copies=reading.copies))
        remarks = tuple(chain.from_iterable(check.lines() for check in checks))
        return Survey(report, tuple(entries), remarks), replace(self, texts=tuple(texts))

    def hold_out(self, seed: int) -> tuple[CleanText, CleanText]:
        """Split into training and validation text that share no sentence, on neither side.

        Raises:
            CorpusError: too few pairs have sentences that occur nowhere else.
        """
        digests = array("Q", chain.from_iterable((_digest(src), _digest(tgt)) for src, tgt in self))
        src_digests, tgt_digests = np.frombuffer(digests, np.uint64).reshape(-1, 2).T
        unique = _unique(src_digests) & _unique(tgt_digests)
        size = min(max(int(len(unique) * _HELD_OUT_SHARE), _HELD_OUT_LEAST), _HELD_OUT_MOST)
        rows = np.flatnonzero(unique)
        if len(rows) < size or len(unique) < 2 * size:
            raise CorpusError(
                f"{self}: {len(rows):,} of {len(unique):,} pairs have sentences that occur nowhere else, too few "
                f"to hold out {size:,} for validation; give validation text with `valid`, or more training text"
            )
        held_out = frozenset(random.Random(seed).sample(rows.tolist(), size))
        return replace(self, rows=held_out), replace(self, rows=held_out, inside=True)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _unique(digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Return for each sentence whether no other equals it."""
    _, first, counts = np.unique(digests, return_index=True, return_counts=True)
    unique = np.zeros(len(digests), np.bool_)
    unique[first[counts == 1]] = True
    return unique


def _name(path: Path) -> str:
    """Return a file's name as text that can be written, even where its bytes are not UTF-8."""
    return os.fsencode(path.name).decode(errors="replace")
