"""Token batches: every pair once an epoch, within the budget, in an order made of seed and epoch alone."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtkit.dataset import Batches, Split
from mtkit.dataset.prepared import write_shards
from mtkit.text.vocabulary import BOS, EOS, PAD

Lengths = list[tuple[int, int]]

lengths_of_pairs = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=60)


def make_split(folder: Path, lengths: Lengths) -> Split:
    """Pairs of such lengths; the ids of pair 3 are 103, 103, ..."""
    pairs = (("a", "b", [100 + row] * src, [100 + row] * tgt) for row, (src, tgt) in enumerate(lengths))
    return Split.open(folder / entry.name for entry in write_shards(folder, "train", pairs))


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """500 pairs of 1 to 30 pieces, the target about as long as the source."""
    rng = random.Random(1)
    sources = [rng.randint(1, 30) for _ in range(500)]
    return make_split(
        tmp_path_factory.mktemp("split"), [(length, max(1, length + rng.randint(-4, 4))) for length in sources]
    )


def plans(batches: Batches, epoch: int = 0) -> list[list[int]]:
    return [batch.tolist() for batch in batches.epoch(epoch)]


@given(lengths=lengths_of_pairs, batch_tokens=st.integers(1, 200), seed=st.integers(0, 5), epoch=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_every_pair_comes_once_within_the_budget_whatever_the_lengths(
    tmp_path_factory: pytest.TempPathFactory, lengths: Lengths, batch_tokens: int, seed: int, epoch: int
) -> None:
    batches = Batches(make_split(tmp_path_factory.mktemp("split"), lengths), batch_tokens, seed)
    for plan in (batches.epoch(epoch), batches.in_order()):
        assert sorted(np.concatenate(plan).tolist()) == list(range(len(lengths)))
        for indices in plan:
            batch = batches.load(indices)
            tokens = len(indices) * max(batch.src.shape[1], batch.tgt_in.shape[1])
            assert tokens <= batch_tokens or len(indices) == 1
    assert len(batches.epoch(epoch)) == len(batches.epoch(0)) == len(batches.in_order())


def test_the_plan_is_a_pure_function_of_seed_and_epoch(split: Split) -> None:
    first, second = Batches(split, 300, seed=1), Batches(split, 300, seed=1)
    second.epoch(5)
    np.random.seed(0)  # global state, which must not matter
    assert plans(second, epoch=2) == plans(first, epoch=2)
    assert plans(first, epoch=2) == plans(first, epoch=2)


def test_epochs_and_seeds_differ_in_order_and_in_company(split: Split) -> None:
    one = plans(Batches(split, 300, seed=1), epoch=0)
    for other in (plans(Batches(split, 300, seed=1), epoch=1), plans(Batches(split, 300, seed=2), epoch=0)):
        assert other != one
        assert set(map(frozenset, other)) != set(map(frozenset, one))


def test_seed_and_epoch_are_not_interchangeable(split: Split) -> None:
    assert plans(Batches(split, 300, seed=1), epoch=2) != plans(Batches(split, 300, seed=2), epoch=1)


def test_every_epoch_has_the_same_number_of_batches(split: Split) -> None:
    batches = Batches(split, 300, seed=1)
    assert len({len(batches.epoch(epoch)) for epoch in range(20)}) == 1


def test_batches_come_in_no_order_of_length(split: Split) -> None:
    batches = Batches(split, 300, seed=1)
    widths = [batches.load(indices).src.shape[1] for indices in batches.epoch(0)]
    assert widths not in (sorted(widths), sorted(widths, reverse=True))


def test_little_of_a_batch_is_padding(split: Split) -> None:
    batches = Batches(split, 300, seed=1)
    loaded = [batches.load(indices) for indices in batches.epoch(0)]
    cells = sum(batch.tgt_out.size + batch.src.size for batch in loaded)
    real = sum(batch.tokens + int(batch.src_lengths.sum()) for batch in loaded)
    assert real > 0.85 * cells


def test_budgets_are_used(split: Split) -> None:
    """One more sentence of the next batch would have been too much: in order of length, that is."""
    batches = Batches(split, 300, seed=1)
    plan = batches.in_order()
    for indices, following in pairwise(plan):
        longer = batches.load(np.append(indices, following[0]))
        assert (len(indices) + 1) * max(longer.src.shape[1], longer.tgt_in.shape[1]) > 300


def test_in_order_goes_from_short_to_long_without_randomness(split: Split) -> None:
    plan = Batches(split, 300, seed=1).in_order()
    longest = [max(split.src_lengths[indices].max(), split.tgt_lengths[indices].max()) for indices in plan]
    assert longest == sorted(longest)
    other = Batches(split, 300, seed=9).in_order()
    assert [one.tolist() for one in plan] == [one.tolist() for one in other]


def test_a_batch_is_padded_on_the_right_and_the_target_shifted_by_one(tmp_path: Path) -> None:
    pairs = [("a b", "x", [11, 12], [21]), ("c", "y z", [13], [22, 23])]
    split = Split.open(tmp_path / entry.name for entry in write_shards(tmp_path, "train", pairs))
    batch = Batches(split, 100, seed=1).load(np.array([0, 1]))
    assert batch.src.tolist() == [
        [11, 12, EOS],  # a b
        [13, EOS, PAD],  # c
    ]
    assert batch.src_lengths.tolist() == [3, 2]  # with eos
    assert batch.tgt_in.tolist() == [
        [BOS, 21, PAD],  # what the decoder reads
        [BOS, 22, 23],
    ]
    assert batch.tgt_out.tolist() == [
        [21, EOS, PAD],  # what it is to predict
        [22, 23, EOS],
    ]
    assert batch.tokens == 5
    assert {array.dtype for array in (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)} == {np.dtype("int64")}


def test_a_batch_holds_the_pairs_that_were_planned(split: Split) -> None:
    batches = Batches(split, 300, seed=1)
    for indices in batches.epoch(0):
        batch = batches.load(indices)
        assert (batch.src[:, 0] - 100).tolist() == indices.tolist()
        assert (batch.tgt_in[:, 1] - 100).tolist() == indices.tolist()
        assert batch.src_lengths.tolist() == (split.src_lengths[indices] + 1).tolist()
