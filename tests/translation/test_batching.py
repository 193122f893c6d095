"""Buckets and batches hold every sentence once, of one padded width each; batches keep to their budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.translation.batching import SOURCE_MULTIPLE, batches, buckets, shares


def width(tokens: int) -> int:
    return -(-tokens // SOURCE_MULTIPLE) * SOURCE_MULTIPLE


def test_an_example() -> None:
    #          8 wide         16 wide
    lengths = [8, 1, 7, 3, 5, 9, 16]
    assert list(buckets(lengths)) == [(16, [6, 5]), (8, [0, 2, 4, 3, 1])]
    assert list(batches(lengths, 24)) == [[6], [5], [0, 2, 4], [3, 1]]


@given(st.lists(st.integers(1, 100), max_size=60), st.integers(1, 500))
def test_every_sentence_is_in_one_batch_of_its_width_within_the_budget(lengths: list[int], budget: int) -> None:
    found = list(batches(lengths, budget))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        (common,) = {width(lengths[index]) for index in batch}
        assert len(batch) == 1 or len(batch) * common <= budget
    in_order = [lengths[index] for batch in found for index in batch]
    assert in_order == sorted(lengths, reverse=True)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_shares_are_the_buckets_cut_evenly(workers: int) -> None:
    lengths = [1 + 7 * number % 40 for number in range(300)]
    found = shares(lengths, workers)
    assert sorted(index for _, indices in found for index in indices) == list(range(300))
    for width, indices in found:
        assert all(width - SOURCE_MULTIPLE < lengths[index] <= width for index in indices)
        assert [lengths[index] for index in indices] == sorted((lengths[index] for index in indices), reverse=True)
    for width in {width for width, _ in found}:
        sizes = [len(indices) for common, indices in found if common == width]
        assert len(sizes) <= workers
        assert max(sizes) - min(sizes) <= 1


def test_a_few_sentences_are_not_shared() -> None:
    assert shares([5, 6, 7], 4) == [(8, [2, 1, 0])]
