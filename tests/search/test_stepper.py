"""What the search asks of a stepper's states, on the table that the tests of this folder are made with."""

from __future__ import annotations

import numpy as np

from mtkit.search import numbered

from .conftest import MakeSearcher

PAD, UNK, BOS, EOS, A, B, C = range(7)


def test_hypotheses_are_numbered_by_their_sentences_and_within_them() -> None:
    first_rows, numbers, ranks = numbered(np.array([7, 7, 4, 9, 9, 9]))
    assert first_rows.tolist() == [0, 2, 3]
    assert numbers.tolist() == [0, 0, 1, 2, 2, 2]
    assert ranks.tolist() == [0, 1, 0, 0, 1, 2]


def test_a_joined_state_goes_on_as_both_would_and_what_was_joined_stays_whole(searcher: MakeSearcher) -> None:
    stepper = searcher(seed=1).stepper
    _, old = stepper.step(
        np.array([BOS, BOS]), stepper.start(np.array([[A, B, EOS], [C, EOS, PAD]]), np.array([3, 2])), 1
    )
    old, old_tokens = old.select(np.array([1, 0, 0])), np.array([C, A, B])
    new, new_tokens = stepper.start(np.array([[B, B, EOS]]), np.array([3])), np.array([BOS])
    expected = [stepper.step(old_tokens, old, 3)[0], stepper.step(new_tokens, new, 3)[0]]
    found, _ = stepper.step(np.concatenate((old_tokens, new_tokens)), old.join(new), 3)
    np.testing.assert_array_equal(found.log_probs, np.concatenate([one.log_probs for one in expected]))
    again, _ = stepper.step(new_tokens, new, 3)
    np.testing.assert_array_equal(again.log_probs, expected[1].log_probs)
