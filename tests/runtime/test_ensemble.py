"""Models that choose together, against the mean of what each of them says."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtkit.nn import Seq2Seq
from mtkit.runtime.ensemble import Ensemble, best_ids, log_mean_exp
from mtkit.runtime.torch_stepper import TorchStepper
from mtkit.search import score_targets, search
from mtkit.settings import NetworkSettings, SearchSettings
from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, NEVER, UNK

PIECES = 15
SENTENCES = [[4, 5, 6, 7], [8], [9, 10, 11, 12, 4, 5], [13, 14]]
SRC, LENGTHS = pad(SENTENCES, after=[EOS]), np.array([len(sentence) + 1 for sentence in SENTENCES])
FIRST = np.full(len(SRC), BOS)


def stepper_of(**network: Any) -> TorchStepper:
    settings = NetworkSettings(embedding_size=12, tied_embeddings="target", **network)
    seq2seq = Seq2Seq(settings, PIECES, PIECES).eval()
    seq2seq.output.weight.data.mul_(6)
    torch.nn.init.normal_(seq2seq.output.bias)
    seq2seq.output.bias.data[EOS] += 1
    return TorchStepper(seq2seq)


@pytest.fixture(scope="module")
def members() -> list[TorchStepper]:
    """Models of different shapes: only their vocabularies are the same."""
    torch.manual_seed(1)
    return [
        stepper_of(hidden_size=12, decoder_layers=2),
        stepper_of(hidden_size=16, cell="lstm", attention="additive"),
        stepper_of(hidden_size=8, attention="none", bidirectional=False),
    ]


def test_probabilities_and_attention_are_the_mean_of_the_members(members: list[TorchStepper]) -> None:
    ensemble = Ensemble(members)
    required = np.array([4, EOS, 7, UNK])
    state = ensemble.start(SRC, LENGTHS)
    states = [member.start(SRC, LENGTHS) for member in members]
    for tokens in (FIRST, np.array([4, 5, 6, 7])):  # the states go on as each member's own
        mean, state = ensemble.distribution(tokens, state, required=required, attention=True)
        each, later = zip(
            *(
                member.distribution(tokens, its_state, required=required, attention=True)
                for member, its_state in zip(members, states, strict=True)
            ),
            strict=True,
        )
        states = list(later)
        for name, number in (("log_probs", np.exp), ("required", np.exp), ("attention", lambda weights: weights)):
            expected = np.mean([number(getattr(one, name).astype(np.float64)) for one in each], axis=0)
            np.testing.assert_allclose(
                number(getattr(mean, name)), expected, rtol=1e-6 if name == "attention" else 1e-12
            )
        assert np.isneginf(mean.log_probs[:, NEVER]).all()
        assert mean.required is not None
        assert np.isfinite(mean.required).all(), "unk is no candidate, but it can be scored"


def test_candidates_are_the_best_of_the_mean_without_what_is_banned(members: list[TorchStepper]) -> None:
    ensemble = Ensemble(members)
    state = ensemble.start(SRC, LENGTHS)
    mean, _ = ensemble.distribution(FIRST, state)
    order = np.argsort(-mean.log_probs, axis=1, kind="stable")
    candidates, _ = ensemble.step(FIRST, state, 4)
    np.testing.assert_array_equal(candidates.ids, order[:, :4])
    np.testing.assert_array_equal(candidates.log_probs, np.take_along_axis(mean.log_probs, order[:, :4], axis=1))
    assert (candidates.required, candidates.attention) == (None, None)
    banned = (np.array([0, 2]), np.array([order[0, 0], order[2, 1]]))
    without, _ = ensemble.step(FIRST, state, 3, banned=banned, required=order[:, 0])
    np.testing.assert_array_equal(without.ids[0], order[0, [1, 2, 3]])
    np.testing.assert_array_equal(without.ids[1], order[1, :3])
    np.testing.assert_array_equal(without.ids[2], order[2, [0, 2, 3]])
    np.testing.assert_array_equal(without.required, mean.log_probs[np.arange(len(SRC)), order[:, 0]])


@pytest.mark.parametrize(
    "settings", [SearchSettings(beam_size=1), SearchSettings(), SearchSettings(sample=True)], ids=str
)
def test_a_model_with_itself_is_the_model(members: list[TorchStepper], settings: SearchSettings) -> None:
    options: dict[str, Any] = {"bos": BOS, "eos": EOS, "n_best": 1, "attention": True}
    for member in members:
        alone = search(member, SRC, LENGTHS, settings, **options)
        twice = search(Ensemble([member, member]), SRC, LENGTHS, settings, **options)
        for [one], [other] in zip(alone, twice, strict=True):
            assert one.ids == other.ids
            assert one.score == pytest.approx(other.score, rel=1e-6)
            assert one.attention is not None
            assert other.attention is not None
            np.testing.assert_allclose(one.attention, other.attention, rtol=1e-6)


@pytest.mark.parametrize(
    "settings", [SearchSettings(beam_size=1), SearchSettings(), SearchSettings(sample=True)], ids=str
)
def test_sentences_that_take_turns_are_translated_as_all_at_once(
    members: list[TorchStepper], settings: SearchSettings
) -> None:
    ensemble = Ensemble(members)
    options: dict[str, Any] = {"bos": BOS, "eos": EOS, "n_best": 1}
    at_once = search(ensemble, SRC, LENGTHS, settings, **options)
    for together in (1, 2, 3):
        in_turns = search(ensemble, SRC, LENGTHS, settings, together=together, **options)
        assert [[one.ids for one in hypotheses] for hypotheses in in_turns] == [[one.ids] for [one] in at_once]


def test_a_joined_state_goes_on_as_both_would_and_what_was_joined_stays_whole(members: list[TorchStepper]) -> None:
    ensemble = Ensemble(members)
    _, old = ensemble.step(FIRST, ensemble.start(SRC, LENGTHS), 1)
    old, old_tokens = old.select(np.array([3, 0, 0])), np.array([5, 6, 7])
    new, new_tokens = ensemble.start(SRC[1:3], LENGTHS[1:3]), FIRST[:2]
    expected = [ensemble.distribution(old_tokens, old)[0], ensemble.distribution(new_tokens, new)[0]]
    found, _ = ensemble.distribution(np.concatenate((old_tokens, new_tokens)), old.join(new))
    np.testing.assert_allclose(found.log_probs, np.concatenate([one.log_probs for one in expected]), rtol=1e-5)
    again, _ = ensemble.distribution(new_tokens, new)
    np.testing.assert_array_equal(again.log_probs, expected[1].log_probs)


def test_the_score_of_a_hypothesis_is_its_forced_decoding_score(members: list[TorchStepper]) -> None:
    ensemble = Ensemble(members)
    found = search(ensemble, SRC, LENGTHS, SearchSettings(), bos=BOS, eos=EOS, n_best=5)
    ended = [(row, one) for row, hypotheses in enumerate(found) for one in hypotheses if not one.truncated]
    assert len(ended) > len(SRC)
    rows, targets = [row for row, _ in ended], [one.ids for _, one in ended]
    tgt_lengths = np.array([len(target) + 1 for target in targets])
    forced = score_targets(ensemble, SRC[rows], LENGTHS[rows], pad(targets, after=[EOS]), tgt_lengths, bos=BOS)
    np.testing.assert_allclose(forced, [one.log_prob for _, one in ended], rtol=1e-5)


def test_the_mean_keeps_what_is_impossible_for_one_and_for_all() -> None:
    with np.errstate(divide="ignore"):
        mean = log_mean_exp(list(np.log(np.array([[[0.0, 0.5, 0.5]], [[0.0, 0.0, 1.0]]], dtype=np.float32))))
    np.testing.assert_allclose(np.exp(mean), [[0, 0.25, 0.75]])
    assert mean.dtype == np.float64


@given(st.lists(st.sampled_from([-np.inf, -3.0, -2.0, -1.0]), min_size=1, max_size=9), st.integers(1, 12))
def test_the_best_come_first_and_equal_ones_by_their_id(log_probs: list[float], k: int) -> None:
    found = best_ids(np.array([log_probs]), k)[0].tolist()
    values = sorted(log_probs, reverse=True)[:k]
    assert [log_probs[place] for place in found] == values
    assert all(a < b for a, b in pairwise(found) if log_probs[a] == log_probs[b])
