"""The loader alone, on a corpus of 10 million pairs (or MTKIT_PAIRS): speed beside training's, memory, time to start.

The corpus is the one in data/ over and over, each time in another order, so its lengths and its text are those of a
corpus. Each measurement is a process of its own. Memory is what is not mapped from files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

import msgspec
import numpy as np
import pyarrow as pa

from mtkit.corpus import FileEntry
from mtkit.dataset.batches import Batches
from mtkit.dataset.manifest import write_manifest
from mtkit.dataset.noise import Noise
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.settings import TrainSettings
from mtkit.storage import sha256
from tests.benchmarks.training import mtkit, speed

PAIRS = int(os.environ.get("MTKIT_PAIRS", "10_000_000"))
SHARD_BATCHES = 50
SECONDS = 15.0
"""How long batches are read for a figure of speed and of memory."""

NOISE = {"no noise": (0.0, 0.0), "half of the sentences cut anew, a tenth of the pieces left out": (0.5, 0.1)}


class Figures(TypedDict):
    """Seconds from opening the folder to the first batch, then target tokens a second, and megabytes."""

    first_batch: float
    tokens_per_second: float
    memory_at_first: float
    memory_at_last: float


def enlarge(small: Path, large: Path, pairs: int) -> None:
    """Write a prepared corpus with the training pairs of a small one, over and over, as many as asked for."""
    corpus = PreparedCorpus.open(small)
    shutil.copytree(small, large, ignore=shutil.ignore_patterns("train-*"))
    (shard,) = corpus.manifest.train.shards
    reader = pa.ipc.open_file(pa.memory_map(str(small / shard.name)))
    table = pa.Table.from_batches([reader.get_batch(number) for number in range(reader.num_record_batches)])
    generator = np.random.default_rng(1)
    entries: list[FileEntry] = []
    while (done := sum(entry.count for entry in entries)) < pairs:
        path = large / f"train-{len(entries):05d}.arrow"
        count = 0
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            for _ in range(SHARD_BATCHES):
                rows = generator.permutation(table.num_rows)[: pairs - done - count]
                writer.write_table(table.take(rows).combine_chunks())
                count += len(rows)
        entries.append(FileEntry(path.name, sha256(path), count))
    times = pairs // table.num_rows
    train = msgspec.structs.replace(
        corpus.manifest.train,
        shards=tuple(entries),
        pairs=pairs,
        src_tokens=corpus.manifest.train.src_tokens * times,
        tgt_tokens=corpus.manifest.train.tgt_tokens * times,
    )
    manifest = msgspec.structs.replace(corpus.manifest, train=train)
    write_manifest(large, manifest)


def measure(folder: Path, share: float, sampling: float, dropout: float) -> Figures:
    """Read batches from so far into an epoch on."""
    began = time.perf_counter()
    corpus = PreparedCorpus.open(folder)
    batches = Batches(corpus.train, TrainSettings().batch_tokens, seed=1)
    noise = Noise(corpus, sampling, dropout, seed=1)
    plan = batches.epoch(0)
    position = int(len(plan) * share)
    noise.load(plan[position], 0, position)
    first = time.perf_counter()
    memory = anonymous_memory()
    tokens = 0
    while time.perf_counter() < first + SECONDS:
        position = (position + 1) % len(plan)
        tokens += noise.load(plan[position], 0, position).tokens
    seconds = time.perf_counter() - first
    return {
        "first_batch": first - began,
        "tokens_per_second": tokens / seconds,
        "memory_at_first": memory,
        "memory_at_last": anonymous_memory(),
    }


def anonymous_memory() -> float:
    """Megabytes of this process that are not mapped from files; where Linux does not tell, not a number."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return float("nan")
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1000 if found else float("nan")


def measured(folder: Path, share: float, noise: tuple[float, float]) -> Figures:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.loader", str(folder), *map(str, (share, *noise))]
    figures: Figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figures


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small", Path(name) / "large"
        mtkit("preprocess", "--langs", "en-fr", "--train", "data/train", "--valid", "data/valid", "--out", str(small))
        began = time.perf_counter()
        enlarge(small, large, PAIRS)
        size = sum(file.stat().st_size for file in large.iterdir())
        print(f"  {PAIRS:,} pairs, {size / 1e6:,.0f} MB, written in {time.perf_counter() - began:.0f} s")
        training = speed(small, Path(name) / "model", "--threads", "0")
        print(f"  training takes {training:,.0f} target tokens/s on all cores")
        for title, noise in NOISE.items():
            start, later = (measured(large, share, noise) for share in (0.0, 0.9))
            ratio = start["tokens_per_second"] / training
            grown = start["memory_at_last"] - start["memory_at_first"]
            print(f"  {title}:")
            print(f"    {start['tokens_per_second']:,.0f} tokens/s, {ratio:.0f} x training (to be at least 20)")
            print(
                f"    first batch after {start['first_batch']:.1f} s (to be under 5), at 90 % of an epoch "
                f"{later['first_batch']:.1f} s"
            )
            print(f"    memory {start['memory_at_last']:,.0f} MB, {grown:+,.0f} MB in {SECONDS:.0f} s of reading")


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), *map(float, sys.argv[2:]))))
