"""Sentences as one table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, PAD

sentences = st.lists(st.lists(st.integers(4, 99), max_size=12), min_size=1, max_size=8)


def test_sentences_are_padded_on_the_right() -> None:
    assert pad([[5, 6], [7]], after=[EOS]).tolist() == [
        [5, 6, EOS],
        [7, EOS, PAD],
    ]
    assert pad([[5, 6], [7]], before=[BOS]).tolist() == [
        [BOS, 5, 6],
        [BOS, 7, PAD],
    ]


@given(sentences=sentences, multiple=st.integers(1, 16))
def test_rows_hold_their_sentences_and_the_width_is_the_least_multiple_that_fits(
    sentences: list[list[int]], multiple: int
) -> None:
    table = pad(sentences, before=[BOS], after=[EOS], multiple=multiple)
    longest = max(map(len, sentences)) + 2
    assert table.dtype == np.int64
    assert table.shape[1] % multiple == 0
    assert longest <= table.shape[1] < longest + multiple
    for row, sentence in zip(table.tolist(), sentences, strict=True):
        assert row == [BOS, *sentence, EOS] + [PAD] * (len(row) - len(sentence) - 2)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_rows_of_any_integers_are_taken_and_copied(dtype: type[np.integer]) -> None:
    row = np.array([5, 6], dtype=dtype)
    table = pad([row])
    table[0, 0] = 9
    assert row.tolist() == [5, 6]
