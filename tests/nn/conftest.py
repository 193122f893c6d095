"""What every test of this folder runs with."""

from __future__ import annotations

import pytest
import torch

from mtkit.settings import NetworkSettings

from .shapes import NETWORKS, name


@pytest.fixture(params=NETWORKS, ids=name)
def network(request: pytest.FixtureRequest) -> NetworkSettings:
    """Every shape of `shapes.py`."""
    settings: NetworkSettings = request.param
    return settings


@pytest.fixture(autouse=True)
def seed() -> None:
    """Make the weights and inputs of a test the same in every run."""
    torch.manual_seed(1)
