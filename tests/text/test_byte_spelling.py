"""Marked characters: the same on both sides, in sentences that are otherwise what they were."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mtkit.dataset import PreparedCorpus
from mtkit.text.byte_spelling import marked
from mtkit.text.normalisation import Normaliser

sentences = st.text("aé. ,?1“", max_size=30).map(Normaliser().source)


@given(sentences, sentences, st.integers(1, 4), st.integers(0, 99))
def test_both_sides_have_the_same_marked_and_all_else_is_as_it_was(src: str, tgt: str, count: int, seed: int) -> None:
    pairs = marked(src, tgt, count, Random(seed))
    of_source, of_target = (sorted(character for character, is_marked in side if is_marked) for side in pairs)
    assert of_source == of_target
    assert count <= len(of_source) <= 2 * count
    for side, text in zip(pairs, (src, tgt), strict=True):
        whole = "".join(character for character, _ in side)
        assert text in whole
        assert Normaliser().source(whole) == whole or not text


@given(st.lists(st.tuples(st.sampled_from("The red cat.é😀\U0010fffe"), st.booleans()), max_size=20))
def test_marked_characters_are_spelt_and_others_segmented_around_them(
    prepared: PreparedCorpus, text: list[tuple[str, bool]]
) -> None:
    vocabulary = prepared.src_vocabulary
    ids = vocabulary.encode_marked(text)
    plain = "".join(character for character, _ in text)
    assert vocabulary.decode(ids) == " ".join(plain.split())
    if not any(is_marked for _, is_marked in text):
        assert ids == vocabulary.encode(plain)
    assert vocabulary.spells(ids) == any(is_marked or character in "é😀\U0010fffe" for character, is_marked in text)
