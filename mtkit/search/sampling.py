"""Sampling: every token is drawn by its probability.

It is greedy search over a stepper whose best candidate is a drawn one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic

import numpy as np

from mtkit.arrays import Ids, Reals
from mtkit.search.stepper import Candidates, Distribution, S, Stepper
from mtkit.settings import SearchSettings


@dataclass(frozen=True)
class SamplingState(Generic[S]):
    """The model's state, and what each hypothesis draws from; a generator remembers how often it was asked."""

    model: S
    generators: list[np.random.Generator]

    def select(self, rows: Ids) -> SamplingState[S]:
        """Reorder or drop hypotheses; one that is repeated would share its generator."""
        return SamplingState(self.model.select(rows), [self.generators[row] for row in rows.tolist()])

    def join(self, other: SamplingState[S]) -> SamplingState[S]:
        """Put the hypotheses of another state behind these."""
        return SamplingState(self.model.join(other.model), self.generators + other.generators)


class SamplingStepper(Generic[S]):
    """Offers one candidate a step, drawn; its log-probability is the model's own, before `temperature` and the rest.

    The temperature comes first, then `top_k`, then `top_p` of what that leaves (as in Holtzman et al. 2020, whose
    nucleus is top_p). Draws depend on the seed, the source and the number of the draw alone, whatever the batch.
    """

    def __init__(self, stepper: Stepper[S], settings: SearchSettings, *, draws: int, seed: int) -> None:
        self.stepper = stepper
        self.settings = settings
        self.draws = draws
        self.seed = seed

    def start(self, src: Ids, src_lengths: Ids) -> SamplingState[S]:
        """Read sources (N, S) and start `draws` hypotheses for each, which stand together; see `Stepper`."""
        sources = [row[:length].tolist() for row, length in zip(src, src_lengths.tolist(), strict=True)]
        generators = [
            np.random.default_rng((self.seed, draw, *source)) for source in sources for draw in range(self.draws)
        ]
        state = self.stepper.start(src, src_lengths)
        return SamplingState(state.select(np.repeat(np.arange(len(src)), self.draws)), generators)

    def step(
        self,
        last_tokens: Ids,
        state: SamplingState[S],
        k: int,
        *,
        required: Ids | None = None,
        banned: tuple[Ids, Ids] | None = None,
        attention: bool = False,
    ) -> tuple[Candidates, SamplingState[S]]:
        """Draw a token for each hypothesis; see `Stepper`. There is one candidate, whatever `k` says."""
        distribution, state = self.distribution(last_tokens, state, required=required, attention=attention)
        log_probs = distribution.log_probs.astype(np.float64)
        if banned is not None:
            log_probs[banned] = -np.inf
        chances = np.array([generator.random() for generator in state.generators])
        ids = draw(log_probs, chances, self.settings)[:, None]
        drawn = np.take_along_axis(log_probs, ids, axis=1)
        return Candidates(ids, drawn, distribution.required, distribution.attention), state

    def distribution(
        self, last_tokens: Ids, state: SamplingState[S], *, required: Ids | None = None, attention: bool = False
    ) -> tuple[Distribution, SamplingState[S]]:
        """Return the model's own distribution; see `Stepper`."""
        distribution, model = self.stepper.distribution(
            last_tokens, state.model, required=required, attention=attention
        )
        return distribution, replace(state, model=model)


def draw(log_probs: Reals, chances: Reals, settings: SearchSettings) -> Ids:
    """Return one id for each row (R,) of log-probabilities (R, V), chosen by a number in [0, 1) a row (R,).

    The number says how far to go through the probabilities of what may be drawn, laid end to end. Any id comes back
    for a row that is -inf throughout.
    """
    order = None
    if settings.top_k or settings.top_p < 1:  # best first; sorting a vocabulary takes longer than all the rest
        order = np.argsort(-log_probs, axis=1, kind="stable")[:, : settings.top_k or None]
        log_probs = np.take_along_axis(log_probs, order, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp((log_probs - log_probs.max(axis=1, keepdims=True)) / settings.temperature)
    ends = weights.cumsum(axis=1)
    total = ends[:, -1]
    if settings.top_p < 1:
        nucleus = ends - weights < settings.top_p * total[:, None]
        total = np.where(nucleus, ends, 0).max(axis=1)
    columns = (ends <= (chances * total)[:, None]).sum(axis=1)
    return columns if order is None else np.take_along_axis(order, columns[:, None], axis=1)[:, 0]
