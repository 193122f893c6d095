"""Buckets and batches hold every sentence once, of one padded width each; batches keep to their budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtkit.translation.batching import SOURCE_MULTIPLE, batches, buckets


def width(tokens: int) -> int:
    return -(-tokens // SOURCE_MULTIPLE) * SOURCE_MULTIPLE


def test_an_example() -> None:
    #          16 wide        32 wide
    lengths = [16, 1, 7, 3, 9, 17, 32]
    assert list(buckets(lengths)) == [(32, [6, 5]), (16, [0, 4, 2, 3, 1])]
    assert list(batches(lengths, 48)) == [[6], [5], [0, 4, 2], [3, 1]]


@given(st.lists(st.integers(1, 100), max_size=60), st.integers(1, 500))
def test_every_sentence_is_in_one_batch_of_its_width_within_the_budget(lengths: list[int], budget: int) -> None:
    found = list(batches(lengths, budget))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        (common,) = {width(lengths[index]) for index in batch}
        assert len(batch) == 1 or len(batch) * common <= budget
    in_order = [lengths[index] for batch in found for index in batch]
    assert in_order == sorted(lengths, reverse=True)
