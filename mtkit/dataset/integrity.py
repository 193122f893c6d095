"""Whether a shard is the one that its manifest names, and can be read without harm: asked when it is opened.

A folder may come from a stranger, or from a disk that lies. The manifest is checked where it is read. Here,
every offset and id of a shard lies within its bounds, and its SHA-256 is compared where `verify` asks for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from mtkit.corpus.selection import FileEntry
from mtkit.storage import fault, known_sha256


def check_shard(path: Path, entry: FileEntry, schema: pa.Schema, sizes: tuple[int, int], *, verify: bool) -> None:
    """Raise `OSError` or what pyarrow raises where a shard is not the one of `entry`, or cannot be read without harm.

    Args:
        path: the shard.
        entry: what the manifest records of it.
        schema: the columns it must have.
        sizes: pieces of the source and of the target vocabulary.
        verify: whether to compare its SHA-256, for which all of it is read.
    """
    if verify and known_sha256(path) != entry.sha256:
        wrong = fault(path, "is not the file that was prepared: its SHA-256 is another")
        raise OSError(f"{entry.name} {wrong}")
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
