"""Lines too long for one pass, cut where a reader would pause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

PAUSES = tuple(
    re.compile(pattern)
    for pattern in (
        r"[.!?…؟।]['\"’”»)\]]*\s+|[。！？][」』”’）]*\s*",  # sentence ends
        r"[,;:،؛]\s+|[，、；：]\s*",  # then clauses
        r"\s+",  # then words
    )
)

Lengths = Callable[[list[str]], list[int]]
"""Counts the pieces of each text."""


def split_line(line: str, lengths: Lengths, longest: int) -> list[str]:
    """Cut a line into parts of at most `longest` pieces, packed greedily, at the strongest pauses that do.

    What no pause cuts is cut into equal lengths. Nothing but white space at the cuts is lost, and only a single
    character may stay longer than `longest`. The time grows with the length of the line, never with its square: each
    kind of cut measures each character twice.
    """
    parts = [line]
    for pause in PAUSES:
        parts = _cut(parts, lengths, longest, partial(_at_pauses, pause=pause, lengths=lengths, longest=longest))
    while (cut := _cut(parts, lengths, longest, partial(_equally, longest=longest))) != parts:
        parts = cut  # the pieces of a text are not spread evenly, so that a second cut may be needed
    return parts


def _cut(parts: list[str], lengths: Lengths, longest: int, how: Callable[[str, int], Iterator[str]]) -> list[str]:
    """Replace what is too long by what `how` makes of a text and its length."""
    cut: list[str] = []
    for part, length in zip(parts, lengths(parts), strict=True):
        cut += how(part, length) if length > longest else (part,)
    return [part for part in map(str.strip, cut) if part]


def _at_pauses(part: str, _: int, *, pause: re.Pattern[str], lengths: Lengths, longest: int) -> Iterator[str]:
    """Cut at every pause, and join what fits by the sum of its lengths."""
    pauses = sorted({0, *(match.end() for match in pause.finditer(part)), len(part)})
    first, total = 0, 0
    for (start, _), length in zip(pairwise(pauses), lengths([part[a:b] for a, b in pairwise(pauses)]), strict=True):
        if start > first and total + length > longest:
            yield part[first:start]
            first, total = start, 0
        total += length
    yield part[first:]


def _equally(part: str, length: int, *, longest: int) -> Iterator[str]:
    """Cut into as many stretches of characters as the length asks for."""
    count = -(-length // longest)
    size = -(-len(part) // count)
    return (part[start : start + size] for start in range(0, len(part), size))
