"""The shapes of network that the tests of this folder run through: every two values of two settings meet in one.

The product of all settings would be 1,728 networks. Faults come from one setting or from two that meet, and the
equations in `equations.py` are the same for all: so each two are tried together, in as few networks as a greedy choice
finds, and every test runs on each of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, get_args

from mtkit.settings import AttentionType, Cell, NetworkSettings

Shape = dict[str, Any]
"""Values by the names of their settings."""

VALUES: Mapping[str, Sequence[Any]] = {
    "attention": get_args(AttentionType),
    "cell": get_args(Cell),
    "encoder_layers": (1, 2, 3),
    "decoder_layers": (1, 2, 3),
    "bidirectional": (False, True),
    "attention_heads": (1, 2),
    "lexical": (False, True),
    "residual": (False, True),
}


def acts(shape: Shape) -> bool:
    """Whether each setting of a shape has something to act on, so that no pair is covered in name alone."""
    attends = shape["attention"] != "none" or (shape["attention_heads"] == 1 and not shape["lexical"])
    stacked = shape["encoder_layers"] > 1 or shape["decoder_layers"] > 1 or not shape["residual"]
    return attends and stacked


def pairs(shape: Shape) -> frozenset[tuple[tuple[str, Any], tuple[str, Any]]]:
    """Every two settings of a shape with their values."""
    return frozenset(combinations(shape.items(), 2))


def pairwise() -> Iterator[Shape]:
    """Choose shapes, each the one that adds most pairs to those before it, until none adds any."""
    shapes = [dict(zip(VALUES, values, strict=True)) for values in product(*VALUES.values())]
    offers = [(shape, pairs(shape)) for shape in shapes if acts(shape)]
    left = frozenset[Any]().union(*(offered for _, offered in offers))
    while left:
        shape, offered = max(offers, key=lambda offer: len(offer[1] & left))
        left -= offered
        yield shape


def name(network: NetworkSettings) -> str:
    """What a test's report calls a shape, as in `gru-2bi-1-dot2-lexical-residual`."""
    parts = [
        network.cell,
        f"{network.encoder_layers}{'bi' if network.bidirectional else 'uni'}",
        f"{network.decoder_layers}",
        network.attention + (str(network.attention_heads) if network.attention_heads > 1 else ""),
        *(flag for flag in ("lexical", "residual") if getattr(network, flag)),
    ]
    return "-".join(parts)


NETWORKS = [
    NetworkSettings(**shape, embedding_size=5, hidden_size=6, tied_embeddings="target", dropout=0.0)
    for shape in pairwise()
]
