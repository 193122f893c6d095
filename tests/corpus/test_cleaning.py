"""Cleaning: which pairs are left, as what text, and how the others are counted."""

from __future__ import annotations

from mtkit.corpus import CleaningReport, clean
from mtkit.corpus.filters import text_filters
from mtkit.settings import CorpusSettings
from mtkit.text.normalisation import Normaliser


def cleaned(pairs: list[tuple[str, str]], max_ratio: float = 9.0) -> tuple[list[tuple[str, str]], CleaningReport]:
    report = CleaningReport()
    return list(clean(pairs, Normaliser(), text_filters(CorpusSettings(max_ratio=max_ratio)), report)), report


def test_a_blank_side_drops_the_pair_and_not_the_line() -> None:
    pairs = [("a", "x"), ("", "y"), ("c", " \t\u3000"), ("", ""), ("\u2581", "w"), ("e", "v")]
    kept, report = cleaned(pairs)
    assert kept == [("a", "x"), ("e", "v")]
    assert report == CleaningReport(6, blank=4)
    assert report.kept == 2


def test_a_large_ratio_counts_only_where_the_longer_side_is_long() -> None:
    short, long, longest = ("Go.", "x" * 20), ("a" * 30, "x" * 10), ("a" * 31, "x" * 10)
    kept, report = cleaned([short, long, longest, longest[::-1]], max_ratio=3)
    assert kept == [short, long]
    assert report == CleaningReport(4, ratio=2)


def test_lengths_are_those_of_normalised_text() -> None:
    kept, report = cleaned([("a" + " " * 50, "x")], max_ratio=2)
    assert kept == [("a", "x")]
    assert report["ratio"] == 0


def test_duplicates_stay() -> None:
    assert cleaned([("a", "x")] * 3)[0] == [("a", "x")] * 3


def test_sides_are_normalised_each_in_its_way() -> None:
    assert cleaned([("½ ﬁsh\u2028", "½\x00ﬁsh")])[0] == [("1⁄2 fish", "½ ﬁsh")]


def test_a_pair_is_counted_once_by_the_first_filter_that_drops_it() -> None:
    assert cleaned([("", "x" * 400)])[1] == CleaningReport(1, blank=1)
