"""Long lines are cut into parts that fit, at the strongest pauses, and nothing but space is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.translation.splitting import split_line


def letters(texts: list[str]) -> list[int]:
    """Every character but space is a piece."""
    return [len("".join(text.split())) for text in texts]


def test_a_line_that_fits_is_left_whole() -> None:
    assert split_line("One. Two.", letters, 8) == ["One. Two."]


@pytest.mark.parametrize(
    ("longest", "parts"),
    [
        (13, ["One two, three.", "Four five six."]),
        (12, ["One two,", "three.", "Four five six."]),
        (7, ["One two,", "three.", "Four", "five", "six."]),
        (3, ["One", "tw", "o,", "thr", "ee.", "Fo", "ur", "fi", "ve", "si", "x."]),
    ],
)
def test_sentences_come_before_clauses_words_and_anything(longest: int, parts: list[str]) -> None:
    assert split_line("One two, three. Four five six.", letters, longest) == parts


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("It is 3.14, he said. Or 1,000.", ["It is 3.14, he said.", "Or 1,000."]),
        ('He said "Go on!" Then he left.', ['He said "Go on!"', "Then he left."]),
        ("他说：“走吧。”然后他离开了那个地方。", ["他说：“走吧。”", "然后他离开了那个地方。"]),
        ("मैं घर गया। वह भी वहाँ था।", ["मैं घर गया।", "वह भी वहाँ था।"]),
    ],
)
def test_pauses_are_those_of_text(line: str, parts: list[str]) -> None:
    assert split_line(line, letters, 17) == parts


def test_what_no_pause_cuts_is_cut_evenly() -> None:
    assert split_line("abcdefgh", letters, 3) == ["abc", "def", "gh"]
    assert split_line("abcdefgh", letters, 7) == ["abcd", "efgh"]


def test_parts_are_packed_greedily() -> None:
    assert split_line("A. B. C. D. E.", letters, 6) == ["A. B. C.", "D. E."]


def test_a_character_of_many_pieces_is_left_alone() -> None:
    assert split_line("ab c", lambda texts: [4 * count for count in letters(texts)], 3) == ["a", "b", "c"]


@given(st.text(max_size=200), st.integers(1, 40))
def test_parts_fit_and_hold_every_character_but_space_in_order(line: str, longest: int) -> None:
    parts = split_line(line, letters, longest)
    assert all(1 <= length <= longest for length in letters(parts))
    assert "".join("".join(parts).split()) == "".join(line.split())


@given(st.text(alphabet="ab., ", max_size=200), st.integers(2, 20), st.integers(0, 10))
def test_parts_fit_whatever_a_cut_does_to_the_pieces(line: str, longest: int, seed: int) -> None:
    """The pieces of a whole are not always the sum of those of its parts."""

    def lengths(texts: list[str]) -> list[int]:
        return [(3 * len(text) + len(text) * seed % 5) // 4 + 1 for text in texts]

    parts = split_line(line, lengths, longest)
    assert all(length <= longest for length in lengths(parts))
    assert "".join("".join(parts).split()) == "".join(line.split())
