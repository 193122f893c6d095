"""What is odd about text and yet no reason to drop it: counted in the first reading, and reported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence


class Check(ABC):
    """Sees every pair of some text as it stands in the files, and reports something about all of them, or nothing."""

    def __init__(self) -> None:
        self.total = 0
        """Pairs seen."""
        self.count = 0
        """Those that are odd."""
        self.first = ""
        """The first of them, as messages show it."""

    def add(self, found: str) -> None:
        """Count a pair in which something was found."""
        self.count += 1
        self.first = self.first or shortened(found)

    @abstractmethod
    def finds(self, src: str, tgt: str) -> str | None:
        """Return what is odd about a pair: the side that shows it."""

    @abstractmethod
    def remark(self) -> str:
        """Return the line that reports `count`, which is not 0, and `first`."""

    def lines(self) -> list[str]:
        """Return the report as lines of text: one, or none."""
        return [self.remark()] if self.count else []


class EqualSides(Check):
    """Finds pairs with the same text on both sides: names and numbers, or one file in two places."""

    def finds(self, src: str, tgt: str) -> str | None:
        """See `Check.finds`."""
        return src if src == tgt and src.strip() else None

    def remark(self) -> str:
        """See `Check.remark`."""
        if self.count == self.total:
            return f"all {self.total:,} pairs have the same text on both sides; check that the files are two languages"
        return f"{self.count:,} have the same text on both sides, the first of them {self.first!r}"


class DoubledQuotes(Check):
    """Finds what spreadsheets make of quotes: `"He said ""hello""."`, in quotes of its own, and those in it doubled."""

    def finds(self, src: str, tgt: str) -> str | None:
        """See `Check.finds`."""
        if '""' not in src and '""' not in tgt:
            return None
        return next((side for side in (src, tgt) if _is_quoted(side)), None)

    def remark(self) -> str:
        """See `Check.remark`."""
        return (
            f"{self.count:,} have the doubled quotes of a spreadsheet, the first of them {self.first}; they are kept: "
            "save the file without quoting"
        )


CHECKS: tuple[type[Check], ...] = (EqualSides, DoubledQuotes)


def checked(pairs: Iterable[tuple[str, str]], checks: Sequence[Check]) -> Iterator[tuple[str, str]]:
    """Yield the pairs, and show each one to all checks."""
    total = 0
    finders = [(check.finds, check.add) for check in checks]
    for pair in pairs:
        total += 1
        src, tgt = pair
        for finds, add in finders:
            if found := finds(src, tgt):
                add(found)
        yield pair
    for check in checks:
        check.total += total


def shortened(text: str, longest: int = 60) -> str:
    """Return text as a message can hold it, on one line and without what a terminal would obey."""
    shown = "".join(character if character.isprintable() else " " for character in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}…"


def _is_quoted(side: str) -> bool:
    if not (side.startswith('"') and side.endswith('"') and '""' in side[1:-1]):
        return False
    return '"' not in side[1:-1].replace('""', "")
