"""The shapes that stand for all: every two values of two settings meet, and few networks do it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from mtkit.settings import NetworkSettings

from .shapes import NETWORKS, VALUES, name

WIDTHS_AND_RATES = {"embedding_size", "hidden_size", "tied_embeddings", "dropout"}
"""What the tests set themselves where it matters."""

WITHOUT_ATTENTION = [{("attention", "none"), ("attention_heads", 2)}, {("attention", "none"), ("lexical", True)}]
"""Pairs that no shape has: heads and a lexicon need an attention."""


def test_every_setting_of_a_network_varies() -> None:
    assert set(VALUES) | WIDTHS_AND_RATES == set(NetworkSettings.__struct_fields__)


@pytest.mark.parametrize(("first", "second"), list(combinations(VALUES, 2)))
def test_every_two_values_of_two_settings_meet(first: str, second: str) -> None:
    def met(one: Any, other: Any) -> bool:
        return any(getattr(network, first) == one and getattr(network, second) == other for network in NETWORKS)

    for one in VALUES[first]:
        for other in VALUES[second]:
            assert met(one, other) != ({(first, one), (second, other)} in WITHOUT_ATTENTION), (one, other)


def test_a_residual_has_layers_to_join_wherever_it_is_on() -> None:
    for network in NETWORKS:
        assert not network.residual or max(network.encoder_layers, network.decoder_layers) > 1


def test_shapes_are_few_and_have_names_of_their_own() -> None:
    largest, second = sorted(map(len, VALUES.values()))[:-3:-1]
    assert largest * second <= len(NETWORKS) <= 2 * largest * second
    assert len(set(map(name, NETWORKS))) == len(NETWORKS)
