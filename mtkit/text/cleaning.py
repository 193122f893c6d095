"""Which sentence pairs are fit to learn from, and a report of those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mtkit.text.vocabulary import normalise_source, normalise_target

_RATIO_FROM = 20  # characters: below it a large ratio is ordinary ('Go.' is 'Va-t'en !'), so it says nothing


@dataclass
class CleaningReport:
    """Sentence pairs read, and those dropped by reason; filled in while they pass."""

    total: int = 0
    blank: int = 0
    ratio: int = 0
    long: int = 0

    @property
    def kept(self) -> int:
        """Pairs that no filter dropped."""
        return self.total - self.blank - self.ratio - self.long

    def lines(self) -> list[str]:
        """Return the report as lines of text: what was kept, then each reason that dropped something."""
        dropped = (
            (self.blank, "with a blank side"),
            (self.ratio, "with sides of too different length"),
            (self.long, "with too long a side"),
        )
        return [
            f"{self.kept:,} of {self.total:,} pairs kept",
            *(f"{count:,} dropped {reason}" for count, reason in dropped if count),
        ]


def clean(
    pairs: Iterable[tuple[str, str]], report: CleaningReport, *, max_ratio: float = float("inf")
) -> Iterator[tuple[str, str]]:
    """Yield the pairs worth keeping, normalised, and count all of them in `report`.

    A pair is dropped whole, so the sides never shift against each other. Duplicates stay.

    Args:
        pairs: raw (source, target) pairs.
        report: counts to add to.
        max_ratio: largest factor between the lengths of the two sides, in characters.
    """
    for raw_src, raw_tgt in pairs:
        src, tgt = normalise_source(raw_src), normalise_target(raw_tgt)
        report.total += 1
        shorter, longer = sorted((len(src), len(tgt)))
        if not shorter:
            report.blank += 1
        elif longer > _RATIO_FROM and longer > max_ratio * shorter:
            report.ratio += 1
        else:
            yield src, tgt
