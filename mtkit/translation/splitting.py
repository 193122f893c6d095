"""Lines too long for one pass, cut where a reader would pause."""

from __future__ import annotations

import re
from collections.abc import Callable

PAUSES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=[.!?…。！？])\s*",  # sentence ends
        r"(?<=[,;:，、；：])\s*",  # then clauses
        r"\s+",  # then words
    )
)


def split_line(line: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a line into parts that fit, as few as greedy packing gives, at the strongest pauses that do.

    A part that no pause can cut is halved. Nothing but white space at the cuts is lost.
    """
    return _split(line, fits, PAUSES)


def _split(line: str, fits: Callable[[str], bool], pauses: tuple[re.Pattern[str], ...]) -> list[str]:
    if fits(line) or len(line) < 2:
        return [line]
    if not pauses:
        middle = len(line) // 2
        return _split(line[:middle], fits, ()) + _split(line[middle:], fits, ())
    starts = [0, *sorted({match.end() for match in pauses[0].finditer(line)} - {0, len(line)}), len(line)]
    parts, first, last = [], 0, 0
    for end in starts[1:]:
        if last > first and not fits(line[first:end].strip()):
            parts.append(line[first:last])
            first = last
        last = end
    parts.append(line[first:])
    return [piece for part in parts for piece in _split(part.strip(), fits, pauses[1:]) if piece]
