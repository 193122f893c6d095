"""Greedy search takes the best token, a batch of sentences at a time."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import MakeSearcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)


def copy(source: Sentence, prefix: Sentence) -> np.ndarray:
    """The probabilities of a model that copies its source."""
    probabilities = np.array([0, 0, 0, 0.025, 0.025, 0.025, 0.025])
    probabilities[source[len(prefix)]] += 0.9
    return probabilities


def test_each_sentence_gets_its_best_tokens_and_leaves_when_it_ends(searcher: MakeSearcher) -> None:
    search = searcher(copy, max_length=20)
    sources = [
        (A, EOS),  # A </s> .    .
        (A, B, C, EOS),  # A B    C    </s>
        (C, B, EOS),  # C B    </s> .
    ]
    found = search.greedy(sources)
    assert [hypothesis.ids for [hypothesis] in found] == [(A,), (A, B, C), (C, B)]
    assert [hypothesis.score for [hypothesis] in found] == pytest.approx([np.log(0.925)] * 3)
    assert search.stepper.rows == [3, 3, 2, 1]


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_equals_its_sentences_one_by_one(searcher: MakeSearcher, sources: list[Sentence], seed: int) -> None:
    search = searcher(seed=seed)
    assert search.greedy(sources) == [search.greedy([source])[0] for source in sources]


@pytest.mark.parametrize("seed", range(5))
def test_a_log_probability_equals_that_of_forced_decoding(
    searcher: MakeSearcher, sources: list[Sentence], seed: int
) -> None:
    search = searcher(seed=seed, max_length=20)
    found = [hypothesis for [hypothesis] in search.greedy(sources)]
    assert not any(hypothesis.truncated for hypothesis in found)
    forced = search.score(sources, [(*hypothesis.ids, EOS) for hypothesis in found])
    assert [hypothesis.log_prob for hypothesis in found] == forced.tolist()


def test_a_model_that_never_ends_is_cut_off_at_each_sentence_s_own_limit(searcher: MakeSearcher) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.1, 0.6, 0.2, 0.1]), max_length=4)
    found = search.greedy([(A, EOS), (A, B, EOS)])  # limits 4 + 2 and 4 + 0, as `searcher` has them
    assert [(hypothesis.ids, hypothesis.truncated) for [hypothesis] in found] == [((A,) * 6, True), ((A,) * 4, True)]


def test_no_translation_is_empty(searcher: MakeSearcher, sources: list[Sentence]) -> None:
    search = searcher(lambda source, prefix: np.array([0, 0, 0, 0.97, 0.01, 0.01, 0.01]))
    assert [hypothesis.ids for [hypothesis] in search.greedy(sources)] == [(A,)] * len(sources)
