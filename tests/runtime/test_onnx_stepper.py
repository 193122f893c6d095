"""The graphs behind the search's protocol: no batch changes a row, bans and requests are kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mtkit.runtime.onnx_stepper import OnnxStepper
from mtkit.search import search
from mtkit.settings import NetworkSettings, SearchSettings
from mtkit.text.vocabulary import BOS, EOS

from .conftest import PIECES, Exported

Make = Callable[..., Exported]
Sources = tuple[np.ndarray, np.ndarray]

NETWORKS = [
    NetworkSettings(embedding_size=48, hidden_size=64, tied_embeddings="all", attention="general"),
    NetworkSettings(embedding_size=32, hidden_size=48, tied_embeddings="all", attention="dot", attention_heads=4),
    NetworkSettings(embedding_size=32, hidden_size=48, tied_embeddings="all", attention="additive", cell="lstm"),
    NetworkSettings(embedding_size=32, hidden_size=48, tied_embeddings="all", attention="none", encoder_layers=2),
    NetworkSettings(embedding_size=23, hidden_size=38, tied_embeddings="all", attention="dot", bidirectional=False),
]


@pytest.fixture(params=NETWORKS, ids=lambda network: f"{network.attention}-{network.hidden_size}")
def stepper(request: pytest.FixtureRequest, exported: Make) -> OnnxStepper:
    return exported(request.param).stepper("int8")


def greedy_walk(stepper: OnnxStepper, src: np.ndarray, lengths: np.ndarray, k: int) -> list[np.ndarray]:
    """Go the best way for a few steps; return every candidate and its log-probability, (N, k) each."""
    state, tokens, seen = stepper.start(src, lengths), np.full(len(src), BOS), []
    for _ in range(4):
        found, state = stepper.step(tokens, state, k)
        tokens = found.ids[:, 0]
        seen += [found.ids, found.log_probs]
    return seen


@pytest.mark.parametrize("k", [1, 5])
def test_no_neighbour_changes_a_bit(stepper: OnnxStepper, sources: Sources, k: int) -> None:
    src, lengths = sources
    together = greedy_walk(stepper, np.tile(src, (9, 1)), np.tile(lengths, 9), k)
    for rows in ([0], [1, 2], [6, 5, 4, 3, 2, 1, 0]):
        for alone, batch in zip(greedy_walk(stepper, src[rows], lengths[rows], k), together, strict=True):
            np.testing.assert_array_equal(alone, batch[rows])


def test_a_sentence_says_the_same_after_its_neighbours_have_left(stepper: OnnxStepper, sources: Sources) -> None:
    """Half of the sentences leave, so the sources are packed anew; five hypotheses of one sentence stay."""
    src, lengths = sources
    state = stepper.start(src, lengths)
    first, state = stepper.step(np.full(len(src), BOS), state, 5)
    rows = np.array([2] * 5)
    few, _ = stepper.step(first.ids[2], state.select(rows), 5)
    all_rows = np.repeat(np.arange(len(src)), 5)
    many, _ = stepper.step(first.ids.ravel(), state.select(all_rows), 5)
    np.testing.assert_array_equal(few.ids, many.ids[10:15])
    np.testing.assert_array_equal(few.log_probs, many.log_probs[10:15])


@pytest.mark.parametrize("left", [[0, 1, 2, 3, 4, 5, 6], [5, 4, 2, 2, 2], [6]], ids=str)
def test_sentences_that_join_change_no_bit_of_the_others_nor_others_of_theirs(
    stepper: OnnxStepper, sources: Sources, left: list[int]
) -> None:
    """Whether all are still under way, whose number must grow, or few, whose places are taken."""
    src, lengths = sources
    rows = np.array(left)
    first, state = stepper.step(np.full(len(src), BOS), stepper.start(src, lengths), 3)
    tokens = np.concatenate((first.ids[rows, 0], np.full(3, BOS)))
    old, new = state.select(rows), stepper.start(src[2:5], lengths[2:5])
    expected, expected_new = stepper.step(tokens[:-3], old, 3)[0], stepper.step(tokens[-3:], new, 3)[0]

    found, state = stepper.step(tokens, old.join(new), 3)
    np.testing.assert_array_equal(found.ids, np.concatenate((expected.ids, expected_new.ids)))
    np.testing.assert_array_equal(found.log_probs, np.concatenate((expected.log_probs, expected_new.log_probs)))
    again, _ = stepper.step(found.ids[-3:, 0], state.select(np.arange(len(rows), len(rows) + 3)), 3)
    _, alone = stepper.step(tokens[-3:], new, 3)
    np.testing.assert_array_equal(again.log_probs, stepper.step(found.ids[-3:, 0], alone, 3)[0].log_probs)


@pytest.mark.parametrize("settings", [SearchSettings(beam_size=1), SearchSettings(), SearchSettings(sample=True)])
def test_sentences_that_take_turns_are_translated_as_all_at_once(
    stepper: OnnxStepper, sources: Sources, settings: SearchSettings
) -> None:
    src, lengths = np.tile(sources[0], (3, 1)), np.tile(sources[1], 3)
    at_once = search(stepper, src, lengths, settings, bos=BOS, eos=EOS)
    for together in (1, 2, 5):
        assert search(stepper, src, lengths, settings, bos=BOS, eos=EOS, together=together) == at_once


def test_candidates_are_the_best_of_the_distribution(stepper: OnnxStepper, sources: Sources) -> None:
    tokens = np.full(len(sources[0]), BOS)
    everything, _ = stepper.distribution(tokens, stepper.start(*sources))
    assert everything.log_probs.shape == (len(tokens), PIECES)
    assert np.isneginf(everything.log_probs[:, :EOS]).all()
    for k in (1, 2, 5, 70, PIECES - EOS):
        found, _ = stepper.step(tokens, stepper.start(*sources), k)
        expected = np.argsort(-everything.log_probs, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(found.ids, expected)
        np.testing.assert_array_equal(found.log_probs, np.take_along_axis(everything.log_probs, expected, axis=1))


def test_a_k_beyond_the_vocabulary_gives_what_there_is(stepper: OnnxStepper, sources: Sources) -> None:
    found, _ = stepper.step(np.full(len(sources[0]), BOS), stepper.start(*sources), PIECES + 10)
    assert all(sorted(row[np.isfinite(scores)]) == list(range(EOS, PIECES))
               for row, scores in zip(found.ids, found.log_probs, strict=True))  # fmt: skip


def test_banned_pairs_leave_and_nothing_else_changes(stepper: OnnxStepper, sources: Sources) -> None:
    tokens = np.full(len(sources[0]), BOS)
    whole, _ = stepper.step(tokens, stepper.start(*sources), 10)
    banned = np.array([0, 0, 3]), np.array([whole.ids[0, 0], whole.ids[0, 2], whole.ids[3, 1]])
    found, _ = stepper.step(tokens, stepper.start(*sources), 4, banned=banned)
    assert found.ids.shape == (len(tokens), 4)
    for row in range(len(tokens)):
        left = [id_ for id_ in whole.ids[row] if (row, id_) not in set(zip(*banned, strict=True))]
        assert found.ids[row].tolist() == left[:4]


def test_what_is_required_is_returned_even_for_what_is_never_a_candidate(
    stepper: OnnxStepper, sources: Sources
) -> None:
    tokens = np.full(len(sources[0]), BOS)
    columns = []
    for piece in range(PIECES):
        found, _ = stepper.step(tokens, stepper.start(*sources), 1, required=np.full(len(tokens), piece))
        assert found.required is not None
        columns.append(found.required)
    np.testing.assert_allclose(np.exp(np.stack(columns, axis=1)).sum(axis=1), 1, rtol=1e-4)


def test_attention_looks_at_nothing_behind_the_sentence(stepper: OnnxStepper, sources: Sources) -> None:
    found, _ = stepper.step(np.full(len(sources[0]), BOS), stepper.start(*sources), 1, attention=True)
    assert found.attention is not None
    np.testing.assert_allclose(found.attention.sum(axis=1), 1, rtol=1e-5)
    for row, length in zip(found.attention, sources[1], strict=True):
        assert (row[length:] < 1e-30).all()


def test_a_state_that_was_joined_to_another_stays_whole(stepper: OnnxStepper, sources: Sources) -> None:
    src, lengths = sources
    tokens = np.full(len(src), BOS)
    one, other = stepper.start(src, lengths), stepper.start(src, lengths)
    expected, _ = stepper.step(tokens, stepper.start(src, lengths), 3)
    joined = one.select(np.array([0, 1])).join(other.select(np.array([2, 3])))
    stepper.step(tokens[:4], joined, 3)
    found, _ = stepper.step(tokens, other, 3)
    np.testing.assert_array_equal(found.log_probs, expected.log_probs)
