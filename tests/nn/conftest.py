"""Every shape of network that the tests of this folder run through."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
import torch

from mtkit.settings import AttentionType, Cell, NetworkSettings

DEPTHS = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)]

NETWORKS = {
    f"{cell}-{encoder_layers}{'bi' if bidirectional else 'uni'}-{decoder_layers}-{attention}": NetworkSettings(
        cell=cell,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        bidirectional=bidirectional,
        attention=attention,
        attention_heads=1 if attention == "none" or encoder_layers == 1 else 2,
        lexical=encoder_layers != decoder_layers,
        embedding_size=5,
        hidden_size=6,
        tied_embeddings="target",
        dropout=0.0,
    )
    for cell, (encoder_layers, decoder_layers), bidirectional, attention in product(
        get_args(Cell), DEPTHS, (False, True), get_args(AttentionType)
    )
}


@pytest.fixture(params=NETWORKS.values(), ids=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> NetworkSettings:
    """Every cell x depth of either side x direction x attention."""
    settings: NetworkSettings = request.param
    return settings


@pytest.fixture(autouse=True)
def seed() -> None:
    """Make the weights and inputs of a test the same in every run."""
    torch.manual_seed(1)
