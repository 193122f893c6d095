"""How many sentence pairs were read, and how many of them each filter dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mtkit.corpus.filters import FILTERS

_TOTAL = "total"


class CleaningReport(Mapping[str, int]):
    """Pairs dropped, by the filter's name; filled in while they pass.

    >>> report = CleaningReport(12, blank=2)
    >>> report["blank"], report.kept
    (2, 10)
    """

    def __init__(self, total: int = 0, /, **dropped: int) -> None:
        """Begin with these counts; filters that are not named have dropped nothing yet."""
        self.total = total
        """Pairs read."""
        self._dropped = dict.fromkeys((kind.name for kind in FILTERS), 0) | dropped

    @classmethod
    def of_counts(cls, counts: Mapping[str, int]) -> CleaningReport:
        """Read what `counts` gave; raises ValueError where it is not the counts of a report."""
        dropped = dict(counts)
        report = cls(dropped.pop(_TOTAL, -1), **dropped)
        if min(report.kept, *report.values()) < 0:
            raise ValueError(f"a cleaning report has a {_TOTAL}, and no filter that dropped more or less than none")
        return report

    @property
    def counts(self) -> dict[str, int]:
        """All counts by name, the total first: the form that manifests have."""
        return {_TOTAL: self.total, **self._dropped}

    @property
    def kept(self) -> int:
        """Pairs that no filter dropped."""
        return self.total - sum(self._dropped.values())

    def drop(self, name: str) -> None:
        """Count a pair that the filter of this name dropped."""
        self._dropped[name] += 1

    def lines(self) -> list[str]:
        """Return the report as lines of text: what was kept, then each reason that dropped something."""
        reasons = {kind.name: kind.reason for kind in FILTERS}
        return [
            f"{self.kept:,} of {self.total:,} pairs kept",
            *(f"{count:,} dropped {reasons.get(name, f'by {name}')}" for name, count in self.items() if count),
        ]

    def __add__(self, other: CleaningReport) -> CleaningReport:
        """Return the report of both texts together."""
        names = dict.fromkeys((*self, *other))
        dropped = {name: self.get(name, 0) + other.get(name, 0) for name in names}
        return CleaningReport(self.total + other.total, **dropped)

    def __getitem__(self, name: str) -> int:
        return self._dropped[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dropped)

    def __len__(self) -> int:
        return len(self._dropped)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CleaningReport) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"CleaningReport({self.counts})"
