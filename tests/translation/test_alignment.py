"""Links follow the attention, and words are what spaces part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.dataset import PreparedCorpus
from mtkit.text.normalisation import Normaliser
from mtkit.text.vocabulary import Vocabulary
from mtkit.translation.alignment import first_words, links, words_of_pieces
from mtkit.translation.splitting import split_line

WEIGHTS = np.array(
    [  # chat  noir  </s>  (padding)
        [0.1, 0.8, 0.1, 0.0],  # black
        [0.9, 0.0, 0.1, 0.0],  # cat
        [0.2, 0.2, 0.6, 0.0],  # here: nothing in the source says so
        [0.0, 0.0, 1.0, 0.0],  # </s>
    ]
)


@pytest.fixture(scope="module")
def vocabulary(prepared: PreparedCorpus) -> Vocabulary:
    return prepared.src_vocabulary


def test_pieces_are_linked_with_what_they_looked_at_most_unless_that_is_eos() -> None:
    assert links(WEIGHTS, range(2), range(3)) == {(1, 0), (0, 1)}


def test_words_are_linked_where_their_pieces_are() -> None:
    assert links(WEIGHTS, [0, 0], [0, 0, 1]) == {(0, 0)}
    assert links(WEIGHTS, [3, 4], [7, -1, 8]) == {(4, 7)}


def test_the_word_of_each_piece(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode("The red-cat sees Zoë 中 .")
    words = words_of_pieces(vocabulary, ids)
    for number, word in enumerate(["The", "red-cat", "sees", "Zoë", "中", "."]):
        assert vocabulary.decode([id_ for id_, its in zip(ids, words, strict=True) if its == number]) == word


@given(data=st.data())
def test_words_are_counted_as_in_the_text_whatever_the_pieces(vocabulary: Vocabulary, data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.integers(4, len(vocabulary) - 1), max_size=30))
    words = words_of_pieces(vocabulary, ids)
    count = len(vocabulary.decode(ids).split())
    assert all((0 <= word < count) or (word == -1 and count == 0) for word in words)


@given(st.text(max_size=60), st.integers(1, 20))
def test_parts_of_a_text_begin_in_the_words_they_were_cut_from(text: str, longest: int) -> None:
    text = Normaliser().source(text)
    parts = split_line(text, lambda texts: list(map(len, texts)), longest)
    words = text.split()
    for part, first in zip(parts, first_words(text, parts), strict=True):
        for offset, word in enumerate(part.split()):
            assert word in words[first + offset]


def test_a_cut_within_a_word_begins_no_new_one() -> None:
    assert first_words("a bc de", ["a b", "c de"]) == [0, 1]
    assert first_words("a bc de", ["a bc", "de"]) == [0, 2]
    assert first_words("abcd", ["ab", "c", "d"]) == [0, 0, 0]
