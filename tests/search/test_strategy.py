"""Laws that hold for every combination of settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtkit.settings import SearchSettings

from .conftest import Attend, MakeSearcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)

CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "beam_size": st.integers(1, 4),
    "length_penalty": st.sampled_from([0.0, 0.6, 1.0, 2.0]),
    "length_norm": st.sampled_from(["average", "wu"]),
    "coverage_penalty": st.sampled_from([0.0, 0.2, 1.0]),
    "min_length_ratio": st.sampled_from([0.0, 0.5, 1.2]),
    "max_length_ratio": st.sampled_from([0.1, 1.0]),
    "no_repeat_ngram": st.integers(0, 3),
    "sample": st.booleans(),
    "temperature": st.sampled_from([0.3, 1.0, 3.0]),
    "top_k": st.integers(0, 3),
    "top_p": st.sampled_from([0.5, 1.0]),
}


def agree(options: dict[str, Any]) -> bool:
    """Whether the settings let a target have any length at all."""
    return bool(options.get("min_length_ratio", 0) <= options.get("max_length_ratio", 2))


NOTHING: dict[str, Any] = {}
OPTIONS = st.fixed_dictionaries(NOTHING, optional=CHOICES).filter(agree)
PREFIXES = st.none() | st.lists(st.lists(st.sampled_from([A, B, C]), max_size=4).map(tuple), min_size=5, max_size=5)


@given(
    seed=st.integers(0, 10**6),
    options=OPTIONS,
    prefixes=PREFIXES,
    order=st.permutations(range(5)),
    n_best=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_a_batch_equals_its_sentences_one_by_one_in_any_order(
    searcher: MakeSearcher,
    sources: list[Sentence],
    seed: int,
    options: dict[str, Any],
    prefixes: list[Sentence] | None,
    order: list[int],
    n_best: int,
) -> None:
    search = searcher(seed=seed, attention=True, **options)
    n_best = n_best if search.settings.sample else min(n_best, search.settings.beam_size)
    alone = []
    for index, source in enumerate(sources):
        search.prefixes = prefixes and [prefixes[index]]
        alone += search.search([source], n_best)
    search.prefixes = prefixes and [prefixes[index] for index in order]
    together = search.search([sources[index] for index in order], n_best)
    assert together == [alone[index] for index in order]
    for hypotheses, index in zip(together, order, strict=True):
        for one, other in zip(hypotheses, alone[index], strict=True):
            np.testing.assert_array_equal(one.attention, other.attention)


@given(
    seed=st.integers(0, 10**6),
    options=OPTIONS,
    prefixes=PREFIXES,
    attention=st.booleans(),
    together=st.integers(1, 5),
    n_best=st.integers(1, 3),
)
@settings(max_examples=100, deadline=None)
def test_sentences_that_take_turns_are_translated_as_all_at_once(
    searcher: MakeSearcher,
    sources: list[Sentence],
    seed: int,
    options: dict[str, Any],
    prefixes: list[Sentence] | None,
    attention: bool,
    together: int,
    n_best: int,
) -> None:
    search = searcher(seed=seed, attention=attention, prefixes=prefixes, **options)
    n_best = n_best if search.settings.sample else min(n_best, search.settings.beam_size)
    at_once = search.search(sources, n_best)
    search.together = together
    in_turns = search.search(sources, n_best)
    assert in_turns == at_once
    for hypotheses, others in zip(in_turns, at_once, strict=True):
        for one, other in zip(hypotheses, others, strict=True):
            np.testing.assert_array_equal(one.attention, other.attention)


@given(seed=st.integers(0, 10**6), options=OPTIONS, prefixes=PREFIXES)
@settings(max_examples=60, deadline=None)
def test_what_is_found_is_sorted_and_as_the_model_scores_it(
    searcher: MakeSearcher,
    attention_of: Attend,
    sources: list[Sentence],
    seed: int,
    options: dict[str, Any],
    prefixes: list[Sentence] | None,
) -> None:
    search = searcher(seed=seed, attention=True, prefixes=prefixes, **options)
    n_best = 3 if search.settings.sample else search.settings.beam_size
    for source, hypotheses in zip(sources, search.search(sources, n_best), strict=True):
        assert 1 <= len(hypotheses) <= n_best
        assert search.settings.sample or len({one.ids for one in hypotheses}) == len(hypotheses)
        keys = [(one.truncated, -one.score) for one in hypotheses]
        assert keys == sorted(keys)
        ended = [one for one in hypotheses if not one.truncated]
        if ended:
            forced = search.score([source] * len(ended), [(*one.ids, EOS) for one in ended])
            assert [one.log_prob for one in ended] == forced.tolist()
        for one in hypotheses:
            assert one.attention is not None
            rows = [attention_of(source, one.ids[:i]) for i in range(len(one.ids) + (not one.truncated))]
            np.testing.assert_allclose(one.attention, np.array(rows))


def test_a_beam_of_1_is_greedy_search_and_the_default_is_a_beam(
    searcher: MakeSearcher, sources: list[Sentence]
) -> None:
    search = searcher(seed=1, beam_size=1)
    search.search(sources)
    assert max(search.stepper.rows) == len(sources)
    wide = searcher(seed=1)
    wide.search(sources)
    assert max(wide.stepper.rows) > len(sources)
    assert wide.settings == SearchSettings()


@pytest.mark.parametrize("options", [{"beam_size": 1}, {"beam_size": 4}, {"sample": True}], ids=str)
def test_hypotheses_come_without_attention_unless_it_is_asked_for(
    searcher: MakeSearcher, sources: list[Sentence], options: dict[str, Any]
) -> None:
    found = searcher(seed=1, coverage_penalty=0.3, **options).search(sources)
    assert all(hypothesis.attention is None for hypotheses in found for hypothesis in hypotheses)
