"""Draws follow the model's probabilities, and depend on nothing but the seed and the sentence."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.search.sampling import draw
from mtkit.settings import SearchSettings

from .conftest import MakeSearcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)

SOME = np.array([0, 0, 0, 0.1, 0.4, 0.2, 0.3])


def shares(probabilities: np.ndarray, **options: Any) -> np.ndarray:
    """How much of [0, 1) each id is drawn by, measured in thousandths."""
    chances = (np.arange(1000) + 0.5) / 1000
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.tile(probabilities, (1000, 1)))
    return np.bincount(draw(log_probs, chances, SearchSettings(**options)), minlength=len(probabilities)) / 1000


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, SOME),
        ({"temperature": 0.5}, SOME**2 / (SOME**2).sum()),
        ({"temperature": 2}, SOME**0.5 / (SOME**0.5).sum()),
        ({"temperature": 1e-320}, [0, 0, 0, 0, 1, 0, 0]),
        ({"top_k": 1}, [0, 0, 0, 0, 1, 0, 0]),
        ({"top_k": 2}, [0, 0, 0, 0, 4 / 7, 0, 3 / 7]),
        ({"top_k": 100}, SOME),
        ({"top_p": 0.05}, [0, 0, 0, 0, 1, 0, 0]),
        ({"top_p": 0.69}, [0, 0, 0, 0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.71}, [0, 0, 0, 0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_k": 3, "top_p": 0.45}, [0, 0, 0, 0, 4 / 7, 0, 3 / 7]),  # 4/9 is less, 4/9 + 3/9 is not
        ({"temperature": 0.5, "top_p": 0.5}, [0, 0, 0, 0, 1, 0, 0]),  # 16/30 is enough
    ],
    ids=str,
)
def test_each_id_is_drawn_by_its_share(options: dict[str, Any], expected: np.ndarray | list[float]) -> None:
    np.testing.assert_allclose(shares(SOME, **options), expected, atol=0.0011)


def test_ties_leave_top_k_in_order() -> None:
    np.testing.assert_allclose(shares(np.array([0.25] * 4), top_k=2), [0.5, 0.5, 0, 0])


@given(
    weights=st.lists(st.sampled_from([0.0, 1e-9, 0.1, 1.0, 3.0]), min_size=1, max_size=8).filter(any),
    chance=st.one_of(st.floats(0, 1, exclude_max=True), st.just(1 - 2**-53)),
    top_k=st.integers(0, 9),
    top_p=st.floats(0.01, 1),
    temperature=st.sampled_from([0.01, 0.7, 1.0, 5.0]),
)
def test_what_cannot_be_is_never_drawn(
    weights: list[float], chance: float, top_k: int, top_p: float, temperature: float
) -> None:
    settings = SearchSettings(top_k=top_k, top_p=top_p, temperature=temperature)
    with np.errstate(divide="ignore"):
        [drawn] = draw(np.log([weights]), np.array([chance]), settings)
    assert weights[drawn] > 0


def test_frequencies_of_whole_translations_are_the_model_s(searcher: MakeSearcher) -> None:
    """A chi-square test against the table's probabilities, at the level of 0.1 %."""
    draws, source = 4000, (A, B, EOS)
    search = searcher(seed=3, sample=True)
    [hypotheses] = search.search([source], n_best=draws)
    counts = Counter(hypothesis.ids for hypothesis in hypotheses)
    # eos leaves before the first token is drawn, and what is left is not normalised again.
    possible = 1 - search.stepper.table(source, ())[EOS]
    expected = {one.ids: draws * math.exp(one.log_prob) / possible for one in hypotheses}
    common = {ids: count for ids, count in expected.items() if count >= 10}
    assert len(common) > 20
    rest = draws - sum(common.values())
    statistic = sum((counts[ids] - count) ** 2 / count for ids, count in common.items())
    statistic += (draws - sum(counts[ids] for ids in common) - rest) ** 2 / rest
    spread = 2 / (9 * len(common))  # the quantile of Wilson and Hilferty (1931), for len(common) degrees of freedom
    assert statistic < len(common) * (1 - spread + 3.09 * math.sqrt(spread)) ** 3


def test_top_k_of_1_is_greedy_search(searcher: MakeSearcher, sources: list[Sentence]) -> None:
    greedy = searcher(seed=2, beam_size=1).search(sources)
    for hypotheses, [best] in zip(searcher(seed=2, sample=True, top_k=1).search(sources, 3), greedy, strict=True):
        assert hypotheses == [best] * 3


@pytest.mark.parametrize("options", [{}, {"temperature": 2.0}, {"top_k": 2, "temperature": 0.5}], ids=str)
def test_log_probabilities_are_the_model_s_own(
    searcher: MakeSearcher, sources: list[Sentence], options: dict[str, Any]
) -> None:
    search = searcher(seed=4, sample=True, **options)
    for source, hypotheses in zip(sources, search.search(sources, n_best=4), strict=True):
        assert [one.score for one in hypotheses] == sorted((one.score for one in hypotheses), reverse=True)
        assert not any(one.truncated for one in hypotheses)
        forced = search.score([source] * 4, [(*one.ids, EOS) for one in hypotheses])
        assert [one.log_prob for one in hypotheses] == forced.tolist()


def test_draws_depend_on_the_seed_and_the_sentence_and_their_number_alone(
    searcher: MakeSearcher, sources: list[Sentence]
) -> None:
    search = searcher(seed=5, sample=True)
    few, many = search.search(sources, n_best=2), search.search(sources[::-1], n_best=6)[::-1]
    for two, six in zip(few, many, strict=True):
        assert all(one in six for one in two)
        assert len({one.ids for one in six}) > 1
    assert search.search(sources, n_best=2) == few
    assert search.search(sources, n_best=2, seed=2) != few


def test_a_source_is_read_once_for_all_its_draws(searcher: MakeSearcher) -> None:
    search = searcher(seed=1, sample=True)
    search.search([(A, EOS), (B, C, EOS)], n_best=5)
    assert search.stepper.started == [2]
    assert search.stepper.rows[0] == 10
