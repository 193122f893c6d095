"""An exponential moving average of the weights: what is validated and kept, while training goes on with the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from mtkit.nn import Seq2Seq
from mtkit.nn.weights import distinct_weights


class MovingAverage:
    """average <- decay * average + (1 - decay) * weights, after each update (Polyak and Juditsky 1992).

    So that the first updates do not linger, the decay of update n is at most n / (n + 10).
    """

    def __init__(self, network: Seq2Seq, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: weight.clone() for name, weight in distinct_weights(network).items()}
        """The average, by the weights' names."""

    def update(self, network: Seq2Seq, update: int, finite: Tensor) -> None:
        """Take in the weights after `update`, counted from 1; or not, where `finite` () is false on the device."""
        decay = min(self.decay, update / (update + 10))
        weights = list(distinct_weights(network).values())
        share = finite.to(weights[0].dtype) * (1 - decay)
        for average, weight in zip(self.tensors.values(), weights, strict=True):
            average.lerp_(weight, share)

    @contextmanager
    def in_place(self, network: Seq2Seq) -> Iterator[None]:
        """Put the average where the weights are, for as long as the context lasts."""
        self._swap(network)
        try:
            yield
        finally:
            self._swap(network)

    def _swap(self, network: Seq2Seq) -> None:
        for name, weight in distinct_weights(network).items():
            kept: Tensor = weight.clone()
            weight.copy_(self.tensors[name])
            self.tensors[name].copy_(kept)
