"""Sentences of one padded width together, so that neighbours never show in a translation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

SOURCE_MULTIPLE = 8
"""Sources are padded to a multiple of this. The width decides the last bits of an attention's sums, and so, rarely, a
word; a sentence has the same width in every batch, and alone. Against 16, a twentieth faster (Multi30k en-de)."""

SMALLEST_SHARE = 16
"""Sentences below which another worker does not pay: a step of 16 rows costs less than two of 8."""


def buckets(lengths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield each padded width and the indices of its sentences, the longest sentences first.

    Args:
        lengths: of the sentences, in tokens, eos included.
    """

    def width(index: int) -> int:
        return -(-lengths[index] // SOURCE_MULTIPLE) * SOURCE_MULTIPLE

    longest_first = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    for common, group in groupby(longest_first, key=width):
        yield common, list(group)


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield the indices of sentences in batches of one padded width, the longest sentences first.

    Args:
        lengths: of the sentences, in tokens, eos included.
        budget: most tokens in a batch, padding included; a longer sentence is a batch of its own.
    """
    for width, indices in buckets(lengths):
        size = most_together(width, budget)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


def shares(lengths: Sequence[int], workers: int) -> list[tuple[int, list[int]]]:
    """Return padded widths, each with the indices of sentences: the buckets, cut so that `workers` finish together.

    Each of N workers takes every N-th sentence of a bucket, unless that leaves it with too few for a batch.
    """
    found = []
    for width, indices in buckets(lengths):
        count = min(workers, -(-len(indices) // SMALLEST_SHARE))
        found += [(width, indices[first::count]) for first in range(count)]
    return found


def most_together(width: int, budget: int) -> int:
    """Return how many sentences of a padded width fit a budget of tokens: 1 at least."""
    return max(1, budget // width)
