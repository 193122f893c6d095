"""Sides are read in step, once, in blocks; what does not match is refused, and blank references give way."""

from __future__ import annotations

import pytest

from mtkit.errors import CorpusError
from mtkit.evaluation import blocks as module
from mtkit.evaluation.blocks import blocks, normalised, without_blanks


def test_blocks_hold_all_lines_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_LINES", 3)
    left, right = [f"a{number}" for number in range(8)], [f"b{number}" for number in range(8)]
    found = list(blocks((iter(left), iter(right))))
    assert [len(block[0]) for block in found] == [3, 3, 2]
    assert [[line for block in found for line in block[side]] for side in (0, 1)] == [left, right]


def test_long_lines_make_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_CHARACTERS", 10)
    assert [block[0] for block in blocks((["a" * 4, "b" * 4, "c" * 50, "d"], [""] * 4))] == [
        ["a" * 4, "b" * 4, "c" * 50],
        ["d"],
    ]


def test_of_nothing_there_is_no_block() -> None:
    assert list(blocks(([], []))) == []


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((2, 5, 5), "out has 2 lines but r1 has 5; line by line they must match"),
        ((5, 5, 3), "out has 5 lines but r2 has 3; line by line they must match"),
        ((0, 0, 3), "out has 0 lines but r2 has 3; line by line they must match"),
    ],
)
def test_the_first_side_that_does_not_match_is_named_with_both_counts(counts: tuple[int, ...], message: str) -> None:
    sides = [iter(["line"] * count) for count in counts]
    with pytest.raises(CorpusError) as raised:
        list(blocks(sides, ("out", "r1", "r2")))
    assert str(raised.value) == message


def test_a_string_is_not_taken_for_lines() -> None:
    with pytest.raises(CorpusError, match="one string is no text to score"):
        list(blocks(("The cat", "The dog")))


def test_references_in_a_list_for_each_sentence_are_refused() -> None:
    with pytest.raises(CorpusError, match="references hold a list where a line belongs"):
        list(blocks((["The cat"], [["The cat", "A cat"]])))  # type: ignore[list-item]


def test_a_blank_reference_is_left_out_where_there_is_another() -> None:
    assert without_blanks([["a", "", ""], ["b", "b", ""]]) == [["a", None, ""], ["b", "b", ""]]
    assert without_blanks([["a", ""]]) == [["a", ""]]


def test_lines_are_compared_in_one_normal_form() -> None:
    assert normalised(["e\u0301  \u00a0 x", "\u09af\u09bc", "\u2028"]) == ["\u00e9 x", "\u09af\u09bc", ""]
