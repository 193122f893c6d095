"""Prefixes, lengths and repeated n-grams, each against the plainest way to say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.search.rules import FREE, Rules, completions, prefix_table
from mtkit.settings import SearchSettings

from .conftest import MakeSearcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)


def rules_of(lengths: list[int], prefixes: list[list[int]] | None = None, **options: Any) -> Rules:
    return Rules.of(SearchSettings(**options), np.array(lengths), eos=EOS, prefixes=prefixes)


def test_limits_are_generous_for_short_sentences_and_grow_with_the_source() -> None:
    rules = rules_of([1, 10, 200])
    assert rules.max_lengths.tolist() == [22, 40, 420]
    assert rules.min_pieces.tolist() == [1, 1, 1]


def test_ratios_are_of_the_source_and_rounded_up() -> None:
    # Sources of 0, 3 and 10 pieces and eos; 1.1 * 10 is 11, though not in floating point.
    assert rules_of([1, 4, 11], min_length_ratio=1.1).min_pieces.tolist() == [1, 4, 11]
    assert rules_of([1, 4, 11], max_length_ratio=0.3).max_lengths.tolist() == [21, 22, 24]


def test_a_prefix_longer_than_the_limit_raises_it() -> None:
    assert rules_of([1, 1], prefixes=[[A] * 5, [A] * 50]).max_lengths.tolist() == [22, 51]


def test_prefixes_of_several_lengths_make_one_table() -> None:
    assert prefix_table([[A, B], [], [C]]).tolist() == [[A, B], [FREE, FREE], [C, FREE]]
    assert prefix_table([[], []]).shape == (2, 0)


@given(
    targets=st.lists(st.lists(st.sampled_from([A, B, C]), max_size=9), min_size=1, max_size=4),
    before=st.lists(st.sampled_from([PAD, BOS, A, B, C]), max_size=9),
    n=st.integers(1, 4),
)
def test_completions_are_the_pieces_after_earlier_copies_of_the_last_ones(
    targets: list[list[int]], before: list[int], n: int
) -> None:
    """Whatever stands before a target, be it the target's own pieces."""
    lengths = np.array([len(target) for target in targets])
    width = 1 + lengths.max() + len(before)
    table = np.array([[*[PAD] * width, *before, *target][-width:] for target in targets])
    rows, ids = completions(table, lengths, n)
    for row, target in enumerate(targets):
        held = {tuple(target[i : i + n]) for i in range(len(target) - n + 1)}
        repeating = {
            piece for piece in (A, B, C) if len(target) >= n and (*target[len(target) - n + 1 :], piece) in held
        }
        assert set(ids[rows == row].tolist()) == repeating


@pytest.mark.parametrize("options", [{"beam_size": 1}, {"beam_size": 3}, {"sample": True}], ids=str)
class TestEverySearch:
    """What is promised holds whichever way a translation is found."""

    def test_a_prefix_is_kept_verbatim_whatever_the_other_rules_say(
        self, searcher: MakeSearcher, sources: list[Sentence], options: dict[str, Any]
    ) -> None:
        prefixes = [(A, A, A), (), (C,), (B,) * 30, (B, UNK)]  # unk is never a candidate, and may be given
        table = [0, 0.1, 0, 0.3, 0.2, 0.2, 0.2]
        search = searcher(lambda *_: np.array(table), prefixes=prefixes, no_repeat_ngram=1, **options)
        for prefix, hypotheses in zip(prefixes, search.search(sources, n_best=1), strict=True):
            for hypothesis in hypotheses:
                assert hypothesis.ids[: len(prefix)] == prefix
                assert hypothesis.log_prob == pytest.approx(
                    sum(np.log(table[piece]) for piece in hypothesis.ids)
                    + (0 if hypothesis.truncated else np.log(table[EOS]))
                )

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_no_ngram_comes_twice(
        self, searcher: MakeSearcher, sources: list[Sentence], options: dict[str, Any], n: int
    ) -> None:
        def table(source: Sentence, prefix: Sentence) -> np.ndarray:  # a model in a loop, that ends only sometimes
            return np.array([0, 0, 0, 0.05, 0.6, 0.3, 0.05])

        search = searcher(table, no_repeat_ngram=n, **options)
        for hypotheses in search.search(sources):
            for hypothesis in hypotheses:
                ngrams = [hypothesis.ids[i : i + n] for i in range(len(hypothesis.ids) - n + 1)]
                assert len(set(ngrams)) == len(ngrams)

    def test_where_no_piece_is_left_a_target_ends_however_short_it_is(
        self, searcher: MakeSearcher, options: dict[str, Any]
    ) -> None:
        search = searcher(seed=1, no_repeat_ngram=1, min_length_ratio=10, max_length_ratio=10, **options)
        [[hypothesis]] = search.search([(A, EOS)])
        assert sorted(hypothesis.ids) == [A, B, C]
        assert not hypothesis.truncated

    @pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 2.5])
    def test_no_target_is_shorter_than_the_least_length(
        self, searcher: MakeSearcher, sources: list[Sentence], options: dict[str, Any], ratio: float
    ) -> None:
        ratios: dict[str, Any] = {"min_length_ratio": ratio, "max_length_ratio": 2.5}
        search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.97, 0.01, 0.01, 0.01]), **ratios, **options)
        for source, [hypothesis] in zip(sources, search.search(sources), strict=True):
            assert len(hypothesis.ids) >= max(1, ratio * (len(source) - 1))
            assert not hypothesis.truncated

    @pytest.mark.parametrize("ratio", [0.5, 2.0, 3.3])
    def test_no_target_is_longer_than_the_greatest_length(
        self, searcher: MakeSearcher, sources: list[Sentence], options: dict[str, Any], ratio: float
    ) -> None:
        search = searcher(lambda *_: np.array([0, 0, 0, 0, 0.5, 0.3, 0.2]), max_length_ratio=ratio, **options)
        for source, [hypothesis] in zip(sources, search.search(sources), strict=True):
            assert hypothesis.truncated
            assert len(hypothesis.ids) == int(np.ceil(ratio * len(source))) + 20
