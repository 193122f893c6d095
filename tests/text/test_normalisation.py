"""Normalisation: one line of uniform text, by the rule that a model was made with."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtkit.text.normalisation import NEWEST_RULE, Normaliser

INVISIBLE = "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SIDES = [Normaliser.source, Normaliser.target]

any_text = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("rule", range(1, NEWEST_RULE + 1))
@given(text=any_text)
@example("\u2581\x00 \u2028a\x85\r")
@example(" \u0301a\x00\u0301")
@example("e\u00ad\u0301 \ufeff \u200b")
def test_it_gives_one_line_with_single_spaces_and_changes_nothing_more_the_second_time(
    side: Callable[[Normaliser, str], str], rule: int, text: str
) -> None:
    result = side(Normaliser(rule), text)
    assert side(Normaliser(rule), result) == result
    assert result.splitlines() in ([], [result])
    assert "  " not in result
    assert result.strip() == result
    assert not any(unicodedata.category(char) == "Cc" or char == "\u2581" for char in result)


def test_it_is_stronger_on_the_source() -> None:
    assert Normaliser().source("½ ﬁ e\u0301") == "1⁄2 fi é"
    assert Normaliser().target("½ ﬁ e\u0301") == "½ ﬁ é"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("character", INVISIBLE)
def test_what_cannot_be_seen_goes_by_rule_2_and_stays_by_rule_1(
    side: Callable[[Normaliser, str], str], character: str
) -> None:
    text = f"{character}dé{character}jà {character}vu{character}"
    assert side(Normaliser(2), text) == "déjà vu"
    assert side(Normaliser(1), text) == text


@pytest.mark.parametrize("side", SIDES)
def test_joiners_stay(side: Callable[[Normaliser, str], str]) -> None:
    text = "می\u200cخواهم 👩\u200d🔬 क्\u200dष"
    assert side(Normaliser(), text) == text


@pytest.mark.parametrize("side", SIDES)
@given(text=any_text)
def test_text_without_such_characters_is_the_same_by_all_rules(
    side: Callable[[Normaliser, str], str], text: str
) -> None:
    seen = "".join(character for character in text if character not in INVISIBLE)
    assert side(Normaliser(2), text) == side(Normaliser(1), seen)
