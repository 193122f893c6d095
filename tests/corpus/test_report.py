"""The report of what cleaning dropped: counts by the filter's name."""

from __future__ import annotations

import pytest

from mtkit.corpus import CleaningReport
from mtkit.corpus.filters import FILTERS


def test_it_is_a_mapping_from_each_filters_name_to_what_it_dropped() -> None:
    report = CleaningReport(10, blank=4)
    report.drop("long")
    assert dict(report) == dict.fromkeys((kind.name for kind in FILTERS), 0) | {"blank": 4, "long": 1}
    assert report.kept == 5


def test_its_lines_name_only_the_reasons_that_dropped_something() -> None:
    assert CleaningReport(1_234, blank=4, long=30).lines() == [
        "1,200 of 1,234 pairs kept",
        "4 dropped with a blank side",
        "30 dropped with too long a side",
    ]


def test_counts_come_back_as_they_were_those_of_unknown_filters_too() -> None:
    report = CleaningReport(9, blank=1, tomorrow=2)
    assert CleaningReport.of_counts(report.counts) == report
    assert report.lines()[-1] == "2 dropped by tomorrow"


def test_reports_add_up() -> None:
    assert CleaningReport(9, blank=1) + CleaningReport(5, blank=2, long=1) == CleaningReport(14, blank=3, long=1)


@pytest.mark.parametrize(
    "counts", [{}, {"blank": 1}, {"total": -1}, {"total": 1, "blank": 2}, {"total": 1, "long": -1}]
)
def test_counts_that_are_not_those_of_a_report_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a cleaning report has a total"):
        CleaningReport.of_counts(counts)
