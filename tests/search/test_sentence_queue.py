"""Sentences take turns, and nothing that is found shows it."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import MakeSearcher, Sentence

PAD, UNK, BOS, EOS, A, B, C = range(7)


def copy(source: Sentence, prefix: Sentence) -> np.ndarray:
    """The probabilities of a model that copies its source."""
    probabilities = np.array([0, 0, 0, 0.025, 0.025, 0.025, 0.025])
    probabilities[(*source, *[EOS] * 20)[len(prefix)]] += 0.9
    return probabilities


def copies(*lengths: int) -> list[Sentence]:
    """Sources that take so many steps."""
    return [(*[A] * (length - 1), EOS) for length in lengths]


def test_the_next_sentences_start_as_soon_as_enough_have_ended(searcher: MakeSearcher) -> None:
    search = searcher(copy, max_length=20, together=3)
    found = search.greedy(copies(2, 4, 3, 5, 2, 2))
    assert [len(hypothesis.ids) for [hypothesis] in found] == [1, 3, 2, 4, 1, 1]
    # sentence 0 ends at step 2, 2 at 3, 1 at 4, 4 at 5, 3 at 7 and 5 at 6
    assert search.stepper.rows == [3, 3, 3, 3, 3, 2, 1]


def test_places_are_filled_a_third_at_a_time(searcher: MakeSearcher) -> None:
    search = searcher(copy, max_length=30, together=6)
    search.greedy(copies(2, 3, 4, 5, 6, 7, 8, 8, 8))
    # one ends at step 2 and one at 3, and then two begin; the last one need not wait for a second place
    assert search.stepper.rows == [6, 6, 5, 6, 6, 5, 4, 3, 3, 3, 3, 1]


def test_the_encoder_reads_whole_batches_however_few_begin(searcher: MakeSearcher) -> None:
    search = searcher(copy, max_length=30, together=3)
    search.greedy(copies(2, 4, 3, 5, 2, 2, 2, 2))
    assert search.stepper.started == [3, 3, 2]


@pytest.mark.parametrize("together", [1, 2, 3, 8])
@pytest.mark.parametrize("beam_size", [1, 3])
def test_no_more_sentences_than_allowed_are_under_way(searcher: MakeSearcher, beam_size: int, together: int) -> None:
    lengths = [2, 9, 3, 3, 14, 2, 5, 4, 7, 2, 6, 3]
    search = searcher(copy, max_length=20, together=together, beam_size=beam_size)
    search.beam(copies(*lengths), beam_size)
    assert max(search.stepper.rows) <= together * beam_size
    assert sum(search.stepper.started) == len(lengths)


def test_steps_are_nearly_as_few_as_the_rows_allow(searcher: MakeSearcher) -> None:
    lengths = [2 + 7 * number % 13 for number in range(60)]
    search = searcher(copy, max_length=20, together=6)
    search.greedy(copies(*lengths))
    batches = sum(max(lengths[first : first + 6]) for first in range(0, 60, 6))  # each waits for its longest sentence
    assert sum(lengths) / 6 <= len(search.stepper.rows) < 0.85 * batches


def test_all_start_at_once_unless_told_otherwise(searcher: MakeSearcher, sources: list[Sentence]) -> None:
    search = searcher(seed=1)
    search.beam(sources, 2)
    assert search.stepper.started == [len(sources)]


def test_draws_of_a_sentence_stay_together(searcher: MakeSearcher, sources: list[Sentence]) -> None:
    search = searcher(seed=1, sample=True, together=2)
    search.search(sources, n_best=3)
    assert search.stepper.rows[0] == 6
    assert max(search.stepper.rows) <= 6
