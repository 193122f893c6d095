"""What is read in the place of what training text lacks."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.text.normalisation import Normaliser
from mtkit.text.variants import ALIKE, RARE, Usage

CHARACTERS = sorted({*ALIKE, *"".join(ALIKE.values())})


def variants_of(text: str) -> dict[str, str]:
    usage = Usage()
    usage.count(text)
    return usage.variants()


@pytest.mark.parametrize("character", CHARACTERS)
def test_each_is_one_character_as_a_source_holds_it(character: str) -> None:
    assert len(character) == 1
    assert unicodedata.normalize("NFKC", character) == character


@given(text=st.text(CHARACTERS), other=st.text(st.sampled_from([*CHARACTERS, *"sax \u0301\u0307\u0326\u0327\u00b4"])))
def test_only_what_is_lacking_is_replaced_and_only_once(text: str, other: str) -> None:
    found = variants_of(text)
    assert not set(found) & set(text)
    assert set(found.values()) <= set(text)
    normaliser = Normaliser(variants=found)
    assert normaliser.source(text) == Normaliser().source(text)
    once = normaliser.source(other)
    assert normaliser.source(once) == normaliser.known(once) == once
    assert once == normaliser.known(Normaliser().source(other))


def test_what_is_rare_is_lacking() -> None:
    often = round(1 / RARE)
    assert "’" not in variants_of("’" + "'" * (often // 2))
    assert variants_of("’" + "'" * (often * 2))["’"] == "'"


def test_the_likest_comes_first() -> None:
    assert variants_of("- –")["—"] == "–"
    assert variants_of("- ")["—"] == "-"
    assert "—" not in variants_of("words")
