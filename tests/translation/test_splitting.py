"""Long lines are cut into parts that fit, at the strongest pauses, and nothing but space is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtkit.translation.splitting import split_line


def at_most(length: int):
    return lambda part: len(part) <= length


def test_a_line_that_fits_is_left_whole() -> None:
    assert split_line("One. Two.", at_most(9)) == ["One. Two."]


def test_sentences_come_before_clauses_and_clauses_before_words() -> None:
    line = "One two, three. Four five six."
    assert split_line(line, at_most(16)) == ["One two, three.", "Four five six."]
    assert split_line(line, at_most(14)) == ["One two,", "three.", "Four five six."]
    assert split_line(line, at_most(7)) == ["One", "two,", "three.", "Four", "five", "six."]


def test_what_no_pause_cuts_is_halved() -> None:
    assert split_line("abcdefgh", at_most(3)) == ["ab", "cd", "ef", "gh"]


def test_parts_are_packed_greedily() -> None:
    assert split_line("A. B. C. D. E.", at_most(8)) == ["A. B. C.", "D. E."]


@given(st.text(max_size=200), st.integers(1, 40))
def test_parts_fit_and_hold_every_character_but_space_in_order(line: str, length: int) -> None:
    parts = split_line(line, at_most(length))
    assert all(len(part) <= length for part in parts)
    assert "".join("".join(parts).split()) == "".join(line.split())
