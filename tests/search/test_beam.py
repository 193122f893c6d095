"""Laws of beam search, on tables small enough to search them exhaustively."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Attend, MakeSearcher, Searcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)

EVERYTHING = 400
"""A beam that keeps all targets of up to 5 tokens: 3 + 9 + 27 + 81 that end and 243 that are cut off make 363."""

OPTIONS = [
    {},
    {"length_penalty": 0.0},
    {"length_penalty": 0.6},
    {"length_penalty": 1.5},
    {"length_norm": "wu", "length_penalty": 0.6},
    {"length_norm": "wu", "length_penalty": 0.0, "coverage_penalty": 0.2},
    {"length_norm": "wu", "length_penalty": 2.0, "coverage_penalty": 2.0},
    {"coverage_penalty": 0.2, "length_penalty": 0.6},
    {"min_length_ratio": 0.7},
    {"min_length_ratio": 10, "max_length_ratio": 10},
    {"no_repeat_ngram": 1, "min_length_ratio": 0.5},
    {"no_repeat_ngram": 1, "min_length_ratio": 10, "max_length_ratio": 10},
    {"no_repeat_ngram": 2, "coverage_penalty": 0.5},
    {"no_repeat_ngram": 3},
    {"prefixes": [(), (A,), (C, C), (B,), (A, B, C, C, A, A)]},
    {"prefixes": [(A, A), (), (C,), (), (B, B)], "no_repeat_ngram": 1, "length_norm": "wu", "min_length_ratio": 0.7},
]


def every_hypothesis(
    search: Searcher, attend: Attend, source: Sentence, prefix: Sentence
) -> list[tuple[bool, float, Sentence, float]]:
    """Enumerate what the settings allow: (truncated, -score, ids, log_prob) of each target, best first."""
    table, limit, settings = search.stepper.table, max(search.limit(source), len(prefix) + 1), search.settings
    least = max(1, math.ceil(settings.min_length_ratio * (len(source) - 1) - 1e-9))
    found = []

    def repeats(ids: Sentence) -> bool:
        n = settings.no_repeat_ngram
        return n > 0 and ids[-n:] in [ids[i : i + n] for i in range(len(ids) - n)]

    def end(ids: Sentence, log_prob: float, ended: bool) -> None:
        length = len(ids) + ended
        divisor = length if settings.length_norm == "average" else (5 + length) / 6
        seen = np.sum([attend(source, ids[:i]) for i in range(length)], axis=0)
        covered = sum(math.log(min(weight, 1)) for weight in seen[:-1].tolist())
        score = log_prob / divisor**settings.length_penalty + settings.coverage_penalty * covered
        found.append((not ended, -score, ids, log_prob))

    def go_on(ids: Sentence, log_prob: float) -> None:
        if len(ids) == limit:
            end(ids, log_prob, ended=False)
            return
        probabilities = table(source, ids)
        if len(ids) < len(prefix):
            pieces, may_end = [prefix[len(ids)]], False
        else:
            pieces = [piece for piece in (A, B, C) if not repeats((*ids, piece))]
            may_end = len(ids) >= least or not pieces
        if may_end:
            end(ids, log_prob + math.log(probabilities[EOS]), ended=True)
        for piece in pieces:
            go_on((*ids, piece), log_prob + math.log(probabilities[piece]))

    go_on((), 0.0)
    return sorted(found)


def test_a_beam_finds_what_greedy_search_misses(searcher: MakeSearcher) -> None:
    probabilities = {
        #         pad  unk  bos  eos   A    B    C
        (): np.array([0, 0, 0, 0.0, 0.5, 0.4, 0.1]),  # A looks best ...
        (A,): np.array([0, 0, 0, 0.3, 0.3, 0.2, 0.2]),  # ... but leads nowhere
        (B,): np.array([0, 0, 0, 0.9, 0.1, 0.0, 0.0]),
    }
    fallback = np.array([0, 0, 0, 0.25, 0.25, 0.25, 0.25])
    search = searcher(lambda source, prefix: probabilities.get(prefix, fallback))
    [[best, *others]] = search.beam([(A, EOS)], beam_size=2)
    assert best.ids == (B,)
    assert best.log_prob == pytest.approx(math.log(0.4 * 0.9))
    assert best.score == pytest.approx(best.log_prob / 2)  # two tokens: B and eos
    assert len(others) <= 1
    assert search.greedy([(A, EOS)])[0][0].ids == (A,)


@pytest.mark.parametrize("n_best", [1, 4, EVERYTHING])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("seed", "sharpness"), [(1, 1.0), (3, 3.0), (5, 6.0)])
def test_a_beam_as_wide_as_everything_is_exhaustive(
    searcher: MakeSearcher,
    attention_of: Attend,
    sources: list[Sentence],
    seed: int,
    sharpness: float,
    options: dict[str, Any],
    n_best: int,
) -> None:
    search = searcher(seed=seed, sharpness=sharpness, max_length=3, **options)
    prefixes = search.prefixes or [()] * len(sources)
    for source, prefix, hypotheses in zip(sources, prefixes, search.beam(sources, EVERYTHING, n_best), strict=True):
        truth = every_hypothesis(search, attention_of, source, prefix)[:n_best]
        ended = sum(not truncated for truncated, *_ in truth)
        assert [hypothesis.ids for hypothesis in hypotheses] == [ids for _, _, ids, _ in truth]
        assert [hypothesis.truncated for hypothesis in hypotheses] == [False] * ended + [True] * (len(truth) - ended)
        np.testing.assert_allclose(
            [hypothesis.score for hypothesis in hypotheses], [-score for _, score, _, _ in truth]
        )
        np.testing.assert_allclose([hypothesis.log_prob for hypothesis in hypotheses], [one[3] for one in truth])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_of_1_equals_greedy_search(
    searcher: MakeSearcher, sources: list[Sentence], seed: int, options: dict[str, Any]
) -> None:
    search = searcher(seed=seed, **options)
    assert search.beam(sources, 1) == search.greedy(sources)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_best", [1, 3, 5])
def test_there_are_n_best_that_ended_where_there_is_room_for_them(
    searcher: MakeSearcher, sources: list[Sentence], seed: int, n_best: int
) -> None:
    search = searcher(seed=seed, max_length=30)
    for hypotheses in search.beam(sources, 5, n_best):
        assert [hypothesis.truncated for hypothesis in hypotheses] == [False] * n_best


@pytest.mark.parametrize("prefix", [(A,), (C, B), (B, B, B)])
def test_a_prefix_is_one_row_until_it_ends(searcher: MakeSearcher, prefix: Sentence) -> None:
    search = searcher(seed=1, max_length=20, prefixes=[prefix])
    [hypotheses] = search.beam([(A, B, EOS)], 3)
    assert all(hypothesis.ids[: len(prefix)] == prefix for hypothesis in hypotheses)
    steps = len(prefix) + 1
    assert search.stepper.rows[:steps] == [1] * steps
    assert search.stepper.rows[steps] > 1


@given(seed=st.integers(0, 10**6), beam_size=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_hypotheses_are_distinct_and_sorted_and_those_that_ended_go_first(
    searcher: MakeSearcher, sources: list[Sentence], seed: int, beam_size: int
) -> None:
    for hypotheses in searcher(seed=seed).beam(sources, beam_size):
        assert 1 <= len(hypotheses) <= beam_size
        assert len({hypothesis.ids for hypothesis in hypotheses}) == len(hypotheses)
        keys = [(hypothesis.truncated, -hypothesis.score) for hypothesis in hypotheses]
        assert keys == sorted(keys)


@given(seed=st.integers(0, 10**6), beam_size=st.integers(1, 5), order=st.permutations(range(5)))
@settings(max_examples=25, deadline=None)
def test_a_batch_equals_its_sentences_one_by_one_in_any_order(
    searcher: MakeSearcher, sources: list[Sentence], seed: int, beam_size: int, order: list[int]
) -> None:
    search = searcher(seed=seed)
    alone = [search.beam([source], beam_size)[0] for source in sources]
    together = search.beam([sources[index] for index in order], beam_size)
    assert together == [alone[index] for index in order]


@pytest.mark.parametrize("seed", range(5))
def test_no_narrower_beam_beats_the_exhaustive_one(searcher: MakeSearcher, sources: list[Sentence], seed: int) -> None:
    search = searcher(seed=seed, max_length=3)
    widest = search.beam(sources, EVERYTHING)
    for beam_size in (1, 2, 3, 10):
        for (best, *_), (other, *_) in zip(widest, search.beam(sources, beam_size), strict=True):
            assert (best.truncated, -best.score) <= (other.truncated, -other.score)


@pytest.mark.parametrize("seed", range(5))
def test_a_log_probability_equals_that_of_forced_decoding(
    searcher: MakeSearcher, sources: list[Sentence], seed: int
) -> None:
    search = searcher(seed=seed)
    for source, hypotheses in zip(sources, search.beam(sources, 5), strict=True):
        ended = [hypothesis for hypothesis in hypotheses if not hypothesis.truncated]
        if ended:
            forced = search.score([source] * len(ended), [(*hypothesis.ids, EOS) for hypothesis in ended])
            assert [hypothesis.log_prob for hypothesis in ended] == forced.tolist()


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_model_that_never_ends_is_cut_off_at_the_limit_and_says_so(searcher: MakeSearcher, beam_size: int) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.0, 0.5, 0.3, 0.2]), max_length=7)
    [hypotheses] = search.beam([(A, B, EOS)], beam_size)
    assert hypotheses[0].ids == (A,) * 7
    assert hypotheses[0].score == pytest.approx(math.log(0.5))
    assert [(len(hypothesis.ids), hypothesis.truncated) for hypothesis in hypotheses] == [(7, True)] * beam_size


def test_a_loop_that_the_model_is_sure_of_does_not_beat_a_translation_that_ends(searcher: MakeSearcher) -> None:
    def table(source: Sentence, prefix: Sentence) -> np.ndarray:  # A A A ... has the better average
        return np.array([0, 0, 0, 0.6 if B in prefix else 0.0, 0.9, 0.1, 0.0]) / (1.6 if B in prefix else 1.0)

    [[best, *_]] = searcher(table, max_length=8).beam([(A, B, EOS)], 4)
    assert B in best.ids
    assert not best.truncated


@pytest.mark.parametrize("beam_size", [1, 2, 5])
def test_no_translation_is_empty(searcher: MakeSearcher, sources: list[Sentence], beam_size: int) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.97, 0.01, 0.01, 0.01]))
    assert all(hypothesis.ids for hypotheses in search.beam(sources, beam_size) for hypothesis in hypotheses)


def test_what_has_no_probability_is_never_found(searcher: MakeSearcher) -> None:
    def table(source: Sentence, prefix: Sentence) -> np.ndarray:  # A, then B, then the end: there is no other target
        probabilities = np.zeros(7)
        probabilities[(A, B, EOS)[len(prefix)]] = 1
        return probabilities

    [[only]] = searcher(table).beam([(A, B, EOS)], 5)
    assert (only.ids, only.log_prob) == ((A, B), 0.0)


def test_ties_go_to_the_earlier_hypothesis_then_to_the_earlier_candidate(searcher: MakeSearcher) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.0, 0.25, 0.25, 0.25]), max_length=2)
    [hypotheses] = search.beam([(A, B, EOS)], 4)
    # After one token A, B, C are alive, and all their continuations are equally likely.
    assert [hypothesis.ids for hypothesis in hypotheses] == [(A, A), (A, B), (A, C), (B, A)]


def test_what_ended_leaves_the_batch(searcher: MakeSearcher) -> None:
    def table(source: Sentence, prefix: Sentence) -> np.ndarray:  # copy the source
        probabilities = np.array([0, 0, 0, 0.01, 0.03, 0.03, 0.03])
        probabilities[source[len(prefix)]] += 0.9
        return probabilities

    search = searcher(table, max_length=20, length_penalty=0.0)
    found = search.beam([(A, EOS), (A, B, C, A, EOS)], 2, n_best=1)
    assert [hypotheses[0].ids for hypotheses in found] == [(A,), (A, B, C, A)]
    # One row a sentence at first, then two each. The first sentence is left once A has ended: nothing else can win.
    assert search.stepper.rows == [2, 4, 2, 2, 2]


def test_a_hypothesis_that_ended_keeps_its_place(searcher: MakeSearcher) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.4, 0.3, 0.2, 0.1]), max_length=50)
    [hypotheses] = search.beam([(A, B, EOS)], 3)
    assert len(hypotheses) == 3
    # A, B, C; then A</s> 0.12, AA 0.09, B</s> 0.08; then AA</s> 0.036: three places, three hypotheses.
    assert [hypothesis.ids for hypothesis in hypotheses] == [(A,), (A, A), (B,)]
    assert search.stepper.rows == [1, 3, 1]
