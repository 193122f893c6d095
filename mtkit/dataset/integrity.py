"""Whether a prepared corpus is what its manifest says, and can be read without harm: asked when it is opened.

A folder may come from a stranger, or from a disk that lies. Names stay inside the folder, numbers fit together, and
every offset and id of a shard lies within its bounds; its SHA-256 is compared where `verify` asks for it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mtkit.model_folder import LANGUAGE, check_vocabulary_names
from mtkit.storage import known_sha256

if TYPE_CHECKING:
    from mtkit.corpus.selection import FileEntry
    from mtkit.dataset.prepared import Manifest, SplitEntry


def check_manifest(manifest: Manifest) -> None:
    """Raise `ValueError`, naming the field, where what a manifest says cannot be."""
    check_vocabulary_names([entry.name for entry in manifest.vocabularies])
    for entry in manifest.vocabularies:
        _expect(entry.count >= 4, f"vocabularies: {entry.name} has {entry.count} pieces")
    for name in ("src_lang", "tgt_lang"):
        _expect(re.fullmatch(LANGUAGE, getattr(manifest, name)), f"{name}: {getattr(manifest, name)!r} is no language")
    _expect(manifest.held_out >= 0, f"held_out: {manifest.held_out} is negative")
    for name, split in (("train", manifest.train), ("valid", manifest.valid)):
        _check_split(name, split)


def _check_split(name: str, split: SplitEntry) -> None:
    for number, shard in enumerate(split.shards):
        expected = f"{name}-{number:05d}.arrow"
        _expect(shard.name == expected, f"{name}.shards: {shard.name!r} should be {expected}")
        _expect(shard.count >= 1, f"{name}.shards: {shard.name} has {shard.count} pairs")
    total = sum(shard.count for shard in split.shards)
    _expect(split.pairs == total >= 1, f"{name}.pairs: {split.pairs:,}, but {total:,} in its shards")
    for side in ("src_tokens", "tgt_tokens"):
        _expect(getattr(split, side) >= 0, f"{name}.{side}: {getattr(split, side)} is negative")


def check_shard(path: Path, entry: FileEntry, schema: pa.Schema, sizes: tuple[int, int], *, verify: bool) -> None:
    """Raise `OSError` or what pyarrow raises where a shard is not the one of `entry`, or cannot be read without harm.

    Args:
        path: the shard.
        entry: what the manifest says of it.
        schema: the columns it must have.
        sizes: pieces of the source and of the target vocabulary.
        verify: whether to compare its SHA-256, for which all of it is read.
    """
    if verify and known_sha256(path) != entry.sha256:
        raise OSError(f"{entry.name} is not the file that was prepared: its SHA-256 is another")
    with pa.memory_map(os.fsencode(path)) as source:  # as bytes, for names that are not UTF-8
        reader = pa.ipc.open_file(source)
        if not reader.schema.equals(schema):
            raise OSError(f"{entry.name} has other columns than a prepared corpus")
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        pairs = sum(_check_batch(batch, entry.name, sizes) for batch in batches)
    if pairs != entry.count:
        raise OSError(f"{pairs:,} pairs in {entry.name}, {entry.count:,} in the manifest")


def _check_batch(batch: pa.RecordBatch, name: str, sizes: tuple[int, int]) -> int:
    """Check offsets, ids and text, and return the number of pairs."""
    batch.validate(full=True)
    for column, size in (("src_ids", sizes[0]), ("tgt_ids", sizes[1])):
        ids = batch.column(column).values
        if any(array.null_count for array in (*batch.columns, ids)):
            raise OSError(f"{name} has pairs with nothing in them")
        values = ids.to_numpy()
        if values.size and (values.min() < 0 or values.max() >= size):
            raise OSError(f"{name} has ids in {column} that its vocabulary of {size:,} pieces does not have")
    return int(batch.num_rows)


def _expect(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)
