"""Pieces that are equally likely come in one order everywhere: the lowest id first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mtkit.runtime.ensemble import Ensemble, best_ids
from mtkit.runtime.torch_stepper import TorchStepper, best_first
from mtkit.search import Stepper, search
from mtkit.settings import NetworkSettings, SearchSettings
from mtkit.text.vocabulary import BOS, EOS

from .conftest import PIECES, Exported

Make = Callable[..., Exported]
Sources = tuple[np.ndarray, np.ndarray]

SETTINGS = NetworkSettings(embedding_size=12, hidden_size=20, tied_embeddings="none", attention="dot")
LEVELS = st.sampled_from([-0.0, -0.25, -0.5, -1.0, -7.0, -np.inf]).map(np.float32)


def tables(dtype: type) -> st.SearchStrategy[np.ndarray]:
    """A few rows of few distinct numbers."""
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 40))
    return arrays(dtype, shapes, elements=LEVELS)


def in_order(table: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-table, axis=1, kind="stable")[:, :k]


@given(tables(np.float32), st.integers(1, 40))
def test_torch_takes_equal_ones_by_their_id(table: np.ndarray, k: int) -> None:
    best, ids = best_first(torch.from_numpy(table), min(k, table.shape[1]))
    np.testing.assert_array_equal(ids, in_order(table, k))
    np.testing.assert_array_equal(best, np.take_along_axis(table, in_order(table, k), axis=1))


@given(tables(np.float64), st.integers(1, 40))
def test_an_ensemble_takes_equal_ones_by_their_id(table: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(best_ids(table, k), in_order(table, k))


def test_many_columns_change_nothing() -> None:
    table = np.random.default_rng(1).choice(np.array([-1, -2, -3], np.float32), size=(50, 8000))
    for k in (1, 2, 5, 12):
        np.testing.assert_array_equal(best_first(torch.from_numpy(table), k)[1], in_order(table, k))
        np.testing.assert_array_equal(best_ids(table, k), in_order(table, k))


@pytest.fixture
def tied(exported: Make) -> Exported:
    """A network of whose pieces each is as likely as a few others, in all blocks of the output layer."""
    model = exported(SETTINGS)
    twin = np.random.default_rng(1).integers(4, 14, PIECES)
    with torch.no_grad():
        model.network.output.weight.copy_(model.network.output.weight[twin])
        model.network.output.bias.copy_(model.network.output.bias[twin])
        model.network.output.bias[140] += 20  # the best one is alone, and in the last block
    model.save()
    return model


def steppers(model: Exported) -> dict[str, Stepper]:  # type: ignore[type-arg]
    found: dict[str, Stepper] = {name: model.stepper(name) for name in ("float32", "int8-7bit")}  # type: ignore[type-arg]
    found["torch"] = TorchStepper(model.network)
    found["ensemble"] = Ensemble([found["float32"], found["float32"]])
    return found


@pytest.mark.parametrize("k", [1, 2, 5, 30, 100])
def test_every_stepper_gives_the_best_of_its_distribution_in_one_order(
    tied: Exported, sources: Sources, k: int
) -> None:
    tokens = np.full(len(sources[0]), BOS)
    for name, stepper in steppers(tied).items():
        distribution, _ = stepper.distribution(tokens, stepper.start(*sources))
        candidates, _ = stepper.step(tokens, stepper.start(*sources), k)
        expected = in_order(distribution.log_probs, k)
        np.testing.assert_array_equal(candidates.ids, expected, name)


def test_greedy_search_a_beam_of_one_and_both_runtimes_agree(tied: Exported, sources: Sources) -> None:
    found = steppers(tied)
    for beam_size in (1, 4):
        settings = SearchSettings(beam_size=beam_size, max_length_ratio=0.5)
        ids = [
            [[one.ids for one in of_line] for of_line in search(found[name], *sources, settings, bos=BOS, eos=EOS)]
            for name in ("float32", "torch", "ensemble")
        ]
        assert ids[0] == ids[1] == ids[2]
