"""Lines of several sides in step and in blocks, each in the normal form in which they are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from mtkit.errors import CorpusError
from mtkit.text.normalisation import Normaliser

NORMALISATION = "NFC, without invisible characters"
"""What `normalised` does to text, by the name that is printed beside the signatures."""

BLOCK_LINES = 1_000
BLOCK_CHARACTERS = 200_000
"""Most of a block, but for one line that is longer; sacreBLEU's n-grams of that take about 70 MB."""


def normalised(lines: Iterable[str]) -> list[str]:
    """Return lines as a model of today learns to write them, so that spellings that look alike are alike."""
    return [*map(Normaliser().target, lines)]


def blocks(sides: Sequence[Iterable[str]], names: Sequence[str] = ()) -> Iterator[list[list[str]]]:
    """Yield the lines of all sides, read in step, as one list of lines a side; never an empty one.

    Args:
        sides: hypotheses and references, for example; read once.
        names: what messages call them: file names, where there are files.

    Raises:
        CorpusError: a side is one string, or they have not as many lines.
    """
    names = names or ("hypotheses", "references", *(f"references {number}" for number in range(2, len(sides))))
    if any(isinstance(side, str) for side in sides):
        raise CorpusError("one string is no text to score; give lists of lines")
    streams = [iter(side) for side in sides]
    rows: list[tuple[str, ...]] = []
    characters = 0
    for number, row in enumerate(zip_longest(*streams)):
        if None in row:
            raise _mismatch(number, row, streams, names)
        if number == 0:
            _check_strings(row, names)
        rows.append(row)
        characters += sum(map(len, row))
        if len(rows) == BLOCK_LINES or characters >= BLOCK_CHARACTERS:
            yield _sides(rows)
            rows, characters = [], 0
    if rows:
        yield _sides(rows)


def without_blanks(references: Sequence[list[str]]) -> list[list[str | None]]:
    """Leave blank references out, as None, wherever another of the same line has words.

    A reference of no words would else be the closest in length to a short translation.
    """
    if len(references) == 1:
        return [list(references[0])]
    rows = ([line or None for line in row] if any(row) else row for row in zip(*references, strict=True))
    return [list(side) for side in zip(*rows, strict=True)]


def _sides(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    return [list(side) for side in zip(*rows, strict=True)]


def _check_strings(row: Sequence[object], names: Sequence[str]) -> None:
    """Refuse what sacreBLEU's functions take in the place of references: lists of lists."""
    for line, name in zip(row, names, strict=True):
        if not isinstance(line, str):
            raise CorpusError(
                f"{name} hold a {type(line).__name__} where a line belongs; give each reference as a list"
            )


def _mismatch(
    number: int, row: Sequence[str | None], streams: Sequence[Iterator[str]], names: Sequence[str]
) -> CorpusError:
    """Count the rest, so that the message tells how far two sides are apart."""
    counts = [
        number if line is None else number + 1 + sum(1 for _ in stream)
        for line, stream in zip(row, streams, strict=True)
    ]
    other = next(side for side, count in enumerate(counts) if count != counts[0])
    return CorpusError(
        f"{names[0]} has {counts[0]} lines but {names[other]} has {counts[other]}; line by line they must match"
    )
