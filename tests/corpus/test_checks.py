"""Checks: what is found odd, and how it is reported."""

from __future__ import annotations

import pytest

from mtkit.corpus.checks import CHECKS, Check, DoubledQuotes, EqualSides, checked, shortened


def remarks(kind: type[Check], *pairs: tuple[str, str]) -> list[str]:
    check = kind()
    assert list(checked(pairs, [check])) == list(pairs), "nothing is dropped or changed"
    return check.lines()


@pytest.mark.parametrize("kind", CHECKS)
def test_ordinary_text_gets_no_remark(kind: type[Check]) -> None:
    assert remarks(kind, ("A cat.", "Un chat."), ('"Yes," he said. "No."', "« Oui », « non »."), (" ", " ")) == []


def test_equal_sides_are_counted() -> None:
    some = remarks(EqualSides, ("Paris", "Paris"), ("A cat.", "Un chat."), ("2024", "2024"))
    assert some == ["2 have the same text on both sides, the first of them 'Paris'"]
    everything = remarks(EqualSides, ("Paris", "Paris"), ("A cat.", "A cat."))
    assert everything == ["all 2 pairs have the same text on both sides; check that the files are two languages"]


@pytest.mark.parametrize(
    ("side", "found"),
    [
        ('"He said ""hello""."', True),
        ('"""Hello"" is a word."', True),
        ('"Hello."', False),
        ('"Yes," he said, "no."', False),
        ('""', False),
        ('He said ""hello"".', False),
    ],
)
def test_doubled_quotes_are_those_of_spreadsheets(side: str, found: bool) -> None:
    assert bool(remarks(DoubledQuotes, ("A", side))) == bool(remarks(DoubledQuotes, (side, "A"))) == found


def test_text_in_a_message_is_short_and_harmless() -> None:
    assert shortened("a\x1b[31m\tb\n") == "a [31m b "
    assert shortened("x" * 61) == "x" * 60 + "…"
