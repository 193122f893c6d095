"""The prepared corpus: the folder that `preprocess` writes and `train` maps into memory.

    manifest.json          what is in it and where it came from (`Manifest`)
    joint.spm              or source.spm and target.spm
    train-00000.arrow ...  normalised text and ids of the training pairs
    valid-00000.arrow ...  and of the validation pairs

A shard is an uncompressed Arrow IPC file of record batches with the columns `src` and `tgt` (string), `src_ids` and
`tgt_ids` (list<int32>, without bos and eos). It is mapped, never loaded: a corpus may be larger than memory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from mtkit.corpus.filters import PIECE_FILTERS
from mtkit.corpus.report import CleaningReport
from mtkit.corpus.selection import FileEntry
from mtkit.dataset.manifest import Manifest, SplitEntry, check_limit, read_manifest
from mtkit.errors import MissingExtraError, PreparedError, VocabularyError
from mtkit.storage import known_sha256
from mtkit.text.languages import join_langs
from mtkit.text.normalisation import Normaliser
from mtkit.text.vocabulary import Vocabulary

try:
    import pyarrow as pa
except ImportError as error:
    raise MissingExtraError("a prepared corpus needs the full install: pip install 'mtkit[train]'") from error

from mtkit.dataset.integrity import check_shard

_SCHEMA = pa.schema(
    [
        pa.field("src", pa.string(), nullable=False),
        pa.field("tgt", pa.string(), nullable=False),
        pa.field("src_ids", pa.list_(pa.field("id", pa.int32(), nullable=False)), nullable=False),
        pa.field("tgt_ids", pa.list_(pa.field("id", pa.int32(), nullable=False)), nullable=False),
    ]
)
_REVERSED = ["tgt", "src", "tgt_ids", "src_ids"]  # the columns where source and target have changed places
_BATCH_PAIRS = 10_000  # pairs in a record batch, the most that writing holds in memory
_SHARD_BATCHES = 50  # record batches in a shard: files stay below a few hundred megabytes

IdArray = npt.NDArray[np.int32]
Pair = tuple[str, str, Sequence[int], Sequence[int]]  # src, tgt, src_ids, tgt_ids


@dataclass(frozen=True)
class Chunk:
    """A record batch as NumPy views into the mapped file."""

    batch: pa.RecordBatch
    src_values: IdArray = field(repr=False)
    src_offsets: IdArray = field(repr=False)
    tgt_values: IdArray = field(repr=False)
    tgt_offsets: IdArray = field(repr=False)

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> Chunk:
        """Make one of a record batch with the columns of `_SCHEMA`."""
        src, tgt = batch.column("src_ids"), batch.column("tgt_ids")
        return cls(
            batch, *(array.to_numpy() for array in (src.values, src.offsets, tgt.values, tgt.offsets))
        )  # zero copy

    @property
    def reversed(self) -> Chunk:
        """The same pairs with source and target in each other's place."""
        return Chunk.of(self.batch.select(_REVERSED).rename_columns(_SCHEMA.names))


class Split:
    """The sentence pairs of one split, by index, read through the memory map."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        """Make one of the pairs of all chunks, one after another."""
        self._chunks = list(chunks)
        self._starts = np.cumsum([0, *(chunk.batch.num_rows for chunk in self._chunks)])

    @classmethod
    def open(cls, shards: Iterable[Path]) -> Split:
        """Map the shards; raises what pyarrow raises where one is damaged."""
        return cls(chunk for path in shards for chunk in _map(path))

    def __len__(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def src_lengths(self) -> IdArray:
        """Ids on the source side of each pair, without bos and eos: (pairs,)."""
        return _lengths(chunk.src_offsets for chunk in self._chunks)

    @cached_property
    def tgt_lengths(self) -> IdArray:
        """Ids on the target side of each pair, without bos and eos: (pairs,)."""
        return _lengths(chunk.tgt_offsets for chunk in self._chunks)

    def gather(self, indices: npt.ArrayLike) -> tuple[list[IdArray], list[IdArray]]:
        """Return the source ids and the target ids of each pair in `indices`, as read-only views of the file."""
        src_ids, tgt_ids = [], []
        for chunk, row in self._locate(np.asarray(indices)):
            src_ids.append(chunk.src_values[chunk.src_offsets[row] : chunk.src_offsets[row + 1]])
            tgt_ids.append(chunk.tgt_values[chunk.tgt_offsets[row] : chunk.tgt_offsets[row + 1]])
        return src_ids, tgt_ids

    def src_texts(self, indices: npt.ArrayLike) -> list[str]:
        """Return the normalised source text of each pair in `indices`."""
        return self._texts("src", indices)

    def tgt_texts(self, indices: npt.ArrayLike) -> list[str]:
        """Return the normalised target text of each pair in `indices`."""
        return self._texts("tgt", indices)

    @property
    def reversed(self) -> Split:
        """The same pairs with source and target in each other's place."""
        return Split(chunk.reversed for chunk in self._chunks)

    def _texts(self, column: str, indices: npt.ArrayLike) -> list[str]:
        return [str(chunk.batch.column(column)[row]) for chunk, row in self._locate(np.asarray(indices))]

    def _locate(self, indices: npt.NDArray[np.integer]) -> Iterator[tuple[Chunk, int]]:
        if indices.size and not (indices.min() >= 0 and indices.max() < len(self)):
            raise IndexError(f"pair index outside 0 to {len(self) - 1}")
        numbers = np.searchsorted(self._starts, indices, side="right") - 1
        rows = indices - self._starts[numbers]
        return ((self._chunks[number], row) for number, row in zip(numbers.tolist(), rows.tolist(), strict=True))


@dataclass(frozen=True)
class PreparedCorpus:
    """An opened prepared corpus; `open` reads the manifest and the vocabularies and maps the shards.

    Of a corpus in several folders, the manifest covers all their training text.
    """

    paths: tuple[Path, ...]
    manifest: Manifest
    src_vocabulary: Vocabulary
    tgt_vocabulary: Vocabulary
    train: Split
    valid: Split

    @classmethod
    def open(cls, *paths: Path, verify: bool = True) -> PreparedCorpus:
        """Open the folder that `prepare` wrote, or several: their training pairs are one corpus, in the order given.

        All must have the vocabularies of the first, whose validation pairs are those of the whole. With `verify`, the
        shards are compared with their SHA-256, for which they are read from end to end, once in a process.

        Raises:
            PreparedError: a folder is not a prepared corpus, one of another format, damaged, or does not fit the first.
        """
        parts = [cls._open_one(path, verify) for path in paths]
        first = parts[0]
        for part in parts[1:]:
            first._check_fits(part)
        shards = [
            path / shard.name for path, part in zip(paths, parts, strict=True) for shard in part.manifest.train.shards
        ]
        manifest = replace(
            first.manifest,
            held_out=sum(part.manifest.held_out for part in parts),
            train=_joined([part.manifest.train for part in parts]),
        )
        return cls(paths, manifest, first.src_vocabulary, first.tgt_vocabulary, Split.open(shards), first.valid)

    @property
    def reversed(self) -> PreparedCorpus:
        """The corpus of the other direction: the same files, read with their sides in each other's place."""
        src_lang, tgt_lang = self.tgt_lang, self.src_lang
        manifest = replace(
            self.manifest,
            src_lang=src_lang,
            tgt_lang=tgt_lang,
            corpus=replace(self.manifest.corpus, langs=join_langs(src_lang, tgt_lang)),
            variants=self.manifest.variants[::-1],
            vocabularies=self.manifest.vocabularies[::-1],
            train=_reversed(self.manifest.train),
            valid=_reversed(self.manifest.valid),
        )
        return PreparedCorpus(
            self.paths, manifest, self.tgt_vocabulary, self.src_vocabulary, self.train.reversed, self.valid.reversed
        )

    @classmethod
    def _open_one(cls, path: Path, verify: bool) -> PreparedCorpus:
        manifest = read_manifest(path)
        try:
            vocabularies = [_open_vocabulary(path, entry) for entry in manifest.vocabularies]
            sizes = len(vocabularies[0]), len(vocabularies[-1])
            splits = [_open_split(path, entry, sizes, verify) for entry in (manifest.train, manifest.valid)]
        except (VocabularyError, pa.ArrowException, OSError) as error:
            check_limit(path, error)
            raise PreparedError(f"{path}: damaged prepared corpus ({error}); run mtkit preprocess again") from error
        return cls((path,), manifest, vocabularies[0], vocabularies[-1], *splits)

    def _check_fits(self, other: PreparedCorpus) -> None:
        ours, theirs = self.manifest, other.manifest
        if (ours.src_lang, ours.tgt_lang) != (theirs.src_lang, theirs.tgt_lang):
            raise PreparedError(
                f"{other.path}: is {other.src_lang}-{other.tgt_lang}, but {self.path} is "
                f"{self.src_lang}-{self.tgt_lang}; give folders of one pair of languages"
            )
        if any(getattr(ours, name) != getattr(theirs, name) for name in ("vocabularies", "normalisation", "variants")):
            raise PreparedError(
                f"{other.path}: has other vocabularies or normalisation than {self.path}; "
                f"prepare it again with `vocabulary={self.path}`"
            )

    @property
    def path(self) -> Path:
        """The first folder: it has the vocabularies and the validation pairs."""
        return self.paths[0]

    @property
    def src_lang(self) -> str:
        """Source language, as given to `langs`."""
        return self.manifest.src_lang

    @property
    def tgt_lang(self) -> str:
        """Target language, as given to `langs`."""
        return self.manifest.tgt_lang

    @property
    def normaliser(self) -> Normaliser:
        """What its text was normalised by, and all text must be that a model of it reads."""
        return Normaliser(self.manifest.normalisation, self.manifest.variants[0])

    @property
    def joint(self) -> bool:
        """Whether one vocabulary serves both sides."""
        return self.manifest.corpus.joint

    @property
    def size(self) -> int:
        """Training pairs as the vocabulary's size was chosen by: cleaned, those with too many pieces still among them.

        The preset auto goes by it too, so that `preprocess` and `train` always take the same recipe.
        """
        cleaning = self.manifest.train.cleaning
        return cleaning.kept + sum(cleaning[kind.name] for kind in PIECE_FILTERS) - self.manifest.held_out

    @property
    def vocabulary_files(self) -> list[Path]:
        """The joint vocabulary's file, or the source's and the target's."""
        return [self.path / entry.name for entry in self.manifest.vocabularies]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the vocabularies and shards: equal for equal data, wherever and by whomever it was prepared."""
        entries = (*self.manifest.vocabularies, *self.manifest.train.shards, *self.manifest.valid.shards)
        return hashlib.sha256("\n".join(f"{entry.name} {entry.sha256}" for entry in entries).encode()).hexdigest()


def write_shards(folder: Path, split: str, pairs: Iterable[Pair]) -> tuple[FileEntry, ...]:
    """Write pairs as the shards of a split; return their entries for the manifest, none where there are no pairs."""
    rest = iter(pairs)
    entries: list[FileEntry] = []
    while first := list(islice(rest, 1)):
        path = folder / f"{split}-{len(entries):05d}.arrow"
        count = _write_shard(path, chain(first, islice(rest, _BATCH_PAIRS * _SHARD_BATCHES - 1)))
        entries.append(FileEntry(path.name, known_sha256(path), count))
    return tuple(entries)


def _write_shard(path: Path, pairs: Iterator[Pair]) -> int:
    count = 0
    with pa.OSFile(os.fsencode(path), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        while rows := list(islice(pairs, _BATCH_PAIRS)):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))
            count += len(rows)
    return count


def _open_vocabulary(path: Path, entry: FileEntry) -> Vocabulary:
    vocabulary = Vocabulary.load(path / entry.name)
    if vocabulary.fingerprint != entry.sha256:
        raise VocabularyError(f"{entry.name} is not the vocabulary it was prepared with")
    return vocabulary


def _open_split(path: Path, entry: SplitEntry, sizes: tuple[int, int], verify: bool) -> Split:
    for shard in entry.shards:
        check_shard(path / shard.name, shard, _SCHEMA, sizes, verify=verify)
    split = Split.open(path / shard.name for shard in entry.shards)
    if len(split) != entry.pairs:
        raise OSError(f"{len(split):,} pairs in the shards, {entry.pairs:,} in the manifest")
    return split


def _map(shard: Path) -> list[Chunk]:
    """Map a shard. What is mapped stays so once its file is closed: thousands of shards need no more than one open."""
    with pa.memory_map(os.fsencode(shard)) as file, pa.ipc.open_file(file) as reader:
        return [Chunk.of(reader.get_batch(number)) for number in range(reader.num_record_batches)]


def _reversed(part: SplitEntry) -> SplitEntry:
    return replace(part, src_tokens=part.tgt_tokens, tgt_tokens=part.src_tokens)


def _joined(parts: Sequence[SplitEntry]) -> SplitEntry:
    """Return the entry of a split that has the pairs of all parts, one after another."""
    return SplitEntry(
        inputs=tuple(entry for part in parts for entry in part.inputs),
        cleaning=sum((part.cleaning for part in parts), CleaningReport()),
        shards=tuple(entry for part in parts for entry in part.shards),
        pairs=sum(part.pairs for part in parts),
        src_tokens=sum(part.src_tokens for part in parts),
        tgt_tokens=sum(part.tgt_tokens for part in parts),
    )


def _lengths(offsets: Iterable[IdArray]) -> IdArray:
    return np.concatenate([np.zeros(0, np.int32), *(np.diff(chunk) for chunk in offsets)])
