"""Validation against the plainest way to compute the same."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from mtkit.dataset import PreparedCorpus
from mtkit.evaluation import LeadingMetric, corpus_bleu
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.runtime.torch_stepper import load_torch_stepper
from mtkit.text.vocabulary import BOS, EOS
from mtkit.training.validation import Validation, Validator


@pytest.fixture
def network(model_folder: Path) -> Seq2Seq:
    return load_torch_stepper(ModelFolder.open(model_folder), torch.device("cpu"), "float32").network


@pytest.fixture
def worse_network(network: Seq2Seq) -> Seq2Seq:
    """A network that makes mistakes."""
    torch.manual_seed(1)
    for weight in network.parameters():
        weight.data += 0.6 * weight.data.std() * torch.randn_like(weight)
    return network


def metric(corpus: PreparedCorpus) -> LeadingMetric:
    return LeadingMetric(corpus.tgt_lang, corpus.valid.tgt_texts(range(len(corpus.valid))))


def loss_by_hand(network: Seq2Seq, corpus: PreparedCorpus) -> float:
    """Mean negative log-likelihood of a target token, one pair at a time."""
    total, tokens = 0.0, 0
    for index in range(len(corpus.valid)):
        (src,), (tgt,) = corpus.valid.gather([index])
        ids = torch.tensor([[*src.tolist(), EOS]])
        readout = network(ids, torch.tensor([ids.shape[1]]), torch.tensor([[BOS, *tgt.tolist()]]))
        log_probs = network.logits(readout)[0].log_softmax(dim=1)
        total -= float(log_probs[range(len(tgt) + 1), [*tgt.tolist(), EOS]].sum())
        tokens += len(tgt) + 1
    return total / tokens


def translate_by_hand(network: Seq2Seq, src: list[int]) -> list[int]:
    """The best next token until eos, the whole target anew each time."""
    ids, tgt = torch.tensor([[*src, EOS]]), [BOS]
    while len(tgt) <= 2 * ids.shape[1] + 20:
        readout = network(ids, torch.tensor([ids.shape[1]]), torch.tensor([tgt]))
        scores = network.logits(readout[0, -1])
        scores[: EOS + (len(tgt) == 1)] = -math.inf
        tgt.append(int(scores.argmax()))
        if tgt[-1] == EOS:
            break
    return tgt[1:]


def test_loss_and_bleu_are_those_of_each_pair_alone(
    worse_network: Seq2Seq, prepared: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Validator, "sentences_together", 7)  # several batches, and a rest
    result = Validator(prepared, worse_network, batch_tokens=200, autocast=None, metric=metric(prepared))()
    with torch.inference_mode():
        worse_network.eval()
        assert result.loss == pytest.approx(loss_by_hand(worse_network, prepared), rel=1e-5)
        translations = [
            prepared.tgt_vocabulary.decode(
                translate_by_hand(worse_network, prepared.valid.gather([index])[0][0].tolist())
            )
            for index in range(len(prepared.valid))
        ]
    references = prepared.valid.tgt_texts(range(len(prepared.valid)))
    assert result.value == pytest.approx(corpus_bleu(translations, references, "fr"))
    assert 1 < result.value < 99, "only mistakes show that translations and references meet"


def test_samples_are_three_pairs_of_middling_length_with_their_translations(
    worse_network: Seq2Seq, prepared: PreparedCorpus
) -> None:
    validate = Validator(prepared, worse_network, batch_tokens=200, autocast=None, metric=metric(prepared))
    samples, split = validate().samples, prepared.valid
    assert len(set(validate.sample_indices)) == 3
    lengths = sorted(split.src_lengths)
    with torch.inference_mode():
        worse_network.eval()
        for sample, index in zip(samples, validate.sample_indices, strict=True):
            assert lengths[len(lengths) // 3] <= split.src_lengths[index] <= lengths[2 * len(lengths) // 3]
            assert (sample.source, sample.reference) == (*split.src_texts([index]), *split.tgt_texts([index]))
            ids = translate_by_hand(worse_network, split.gather([index])[0][0].tolist())
            assert sample.translation == prepared.tgt_vocabulary.decode(ids)


def test_validating_changes_nothing(network: Seq2Seq, prepared: PreparedCorpus) -> None:
    """Neither weights nor chance nor the mode that training goes on in; so it gives the same again."""
    network.train()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    chance = torch.get_rng_state()
    validate = Validator(prepared, network, batch_tokens=600, autocast=None, metric=metric(prepared))
    assert validate() == validate()
    assert network.training
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())


def test_training_mode_comes_back_even_after_an_error(
    network: Seq2Seq, prepared: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = Validator(prepared, network, batch_tokens=600, autocast=None, metric=metric(prepared))
    monkeypatch.setattr("mtkit.training.validation.search", None)
    with pytest.raises(TypeError):
        validate()
    assert network.training


def test_perplexity_is_the_exponential_of_the_loss() -> None:
    assert Validation(loss=2.0, value=0).perplexity == pytest.approx(math.e**2)
    assert Validation(loss=1e6, value=0).perplexity == math.inf
