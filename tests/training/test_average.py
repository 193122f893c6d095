"""The moving average of the weights, against its definition."""

from __future__ import annotations

import pytest
import torch

from mtkit.nn import Seq2Seq
from mtkit.nn.weights import distinct_weights
from mtkit.settings import NetworkSettings
from mtkit.training.average import MovingAverage

MADE = torch.tensor(True)


@pytest.fixture
def network() -> Seq2Seq:
    torch.manual_seed(1)
    return Seq2Seq(NetworkSettings(embedding_size=4, hidden_size=4, tied_embeddings="all"), 7, 7)


def move(network: Seq2Seq, by: float) -> None:
    for weight in distinct_weights(network).values():
        weight += by


def test_it_decays_geometrically_and_forgets_the_first_weights_sooner(network: Seq2Seq) -> None:
    average = MovingAverage(network, decay=0.5)
    expected = {name: weight.clone() for name, weight in distinct_weights(network).items()}
    for update, decay in [(1, 1 / 11), (2, 2 / 12), (10, 0.5), (1000, 0.5)]:
        move(network, by=0.1)
        average.update(network, update, MADE)
        for name, weight in distinct_weights(network).items():
            expected[name] = decay * expected[name] + (1 - decay) * weight
            torch.testing.assert_close(average.tensors[name], expected[name])


def test_an_update_that_was_skipped_leaves_it_as_it_is(network: Seq2Seq) -> None:
    average = MovingAverage(network, decay=0.9)
    before = {name: tensor.clone() for name, tensor in average.tensors.items()}
    move(network, by=0.3)
    average.update(network, 1000, ~MADE)
    assert all(torch.equal(tensor, before[name]) for name, tensor in average.tensors.items())


def test_it_stands_in_for_the_weights_and_gives_them_back_to_the_last_bit(network: Seq2Seq) -> None:
    average = MovingAverage(network, decay=0.9)
    move(network, by=0.3)
    average.update(network, 1000, MADE)
    weights = {name: weight.clone() for name, weight in distinct_weights(network).items()}
    averages = {name: tensor.clone() for name, tensor in average.tensors.items()}
    with average.in_place(network):
        assert all(torch.equal(weight, averages[name]) for name, weight in distinct_weights(network).items())
        assert network.output.weight is network.src_embedding.weight, "tied weights stay tied"
    assert all(torch.equal(weight, weights[name]) for name, weight in distinct_weights(network).items())
    assert all(torch.equal(tensor, averages[name]) for name, tensor in average.tensors.items())
