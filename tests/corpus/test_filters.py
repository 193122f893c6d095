"""Filters: what each one drops, and the laws of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from mtkit.corpus.filters import (
    FILTERS,
    TEXT_FILTERS,
    BlankSide,
    Filter,
    LengthRatio,
    LongSide,
    piece_filters,
    text_filters,
)
from mtkit.settings import CorpusSettings

ORDINARY = {"text": ("A red cat sleeps.", "Un chat rouge dort."), "pieces": ([4, 5, 6], [7, 8])}
"""A pair as text and as pieces, which no filter drops."""


@pytest.mark.parametrize("kind", FILTERS, ids=lambda kind: kind.name)
class TestEveryFilter:
    def test_drops_its_example_and_no_ordinary_pair(self, kind: type[Filter[Any]]) -> None:
        filter_ = kind.of(CorpusSettings())
        assert filter_.drops(*kind.example)
        assert not filter_.drops(*ORDINARY["text" if isinstance(kind.example[0], str) else "pieces"])

    def test_treats_both_sides_alike(self, kind: type[Filter[Any]]) -> None:
        assert kind.of(CorpusSettings()).drops(*kind.example[::-1])

    def test_has_a_name_of_its_own(self, kind: type[Filter[Any]]) -> None:
        assert [other.name for other in FILTERS].count(kind.name) == 1
        assert kind.name != "total", "what a manifest calls the pairs read"

    def test_is_among_those_of_training_text(self, kind: type[Filter[Any]]) -> None:
        settings = CorpusSettings()
        assert any(type(filter_) is kind for filter_ in (*text_filters(settings), *piece_filters(settings)))


def test_every_filter_is_registered() -> None:
    assert set(FILTERS) == set(Filter.__subclasses__())


def test_validation_text_keeps_what_is_only_odd() -> None:
    names = {filter_.name for filter_ in text_filters(CorpusSettings(), validation=True)}
    assert names == {kind.name for kind in TEXT_FILTERS if not kind.spares_validation}
    assert "blank" in names
    assert "ratio" not in names


@pytest.mark.parametrize(
    ("src", "tgt", "dropped"), [("a", "x", False), ("", "x", True), ("a", "", True), ("", "", True)]
)
def test_a_blank_side_is_an_empty_one(src: str, tgt: str, dropped: bool) -> None:
    assert BlankSide().drops(src, tgt) == dropped


@pytest.mark.parametrize(
    ("src", "tgt", "dropped"), [("Go.", "x" * 20, False), ("a" * 30, "x" * 10, False), ("a" * 31, "x" * 10, True)]
)
def test_a_large_ratio_counts_only_where_the_longer_side_is_long(src: str, tgt: str, dropped: bool) -> None:
    assert LengthRatio(3).drops(src, tgt) == LengthRatio(3).drops(tgt, src) == dropped


def test_a_side_is_too_long_above_the_bound() -> None:
    assert [LongSide(3).drops([7] * length, [7]) for length in (1, 3, 4)] == [False, False, True]
