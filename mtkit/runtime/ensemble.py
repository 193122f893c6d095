"""Several models that choose each token together, behind the search's `Stepper` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtkit.arrays import Ids, Reals
from mtkit.search import Candidates, Distribution, State, Stepper


@dataclass(frozen=True)
class EnsembleState:
    """The state of each member, of the same N hypotheses."""

    members: tuple[State, ...]

    def select(self, rows: Ids) -> EnsembleState:
        """Reorder, repeat or drop hypotheses."""
        return EnsembleState(tuple(member.select(rows) for member in self.members))

    def join(self, other: EnsembleState) -> EnsembleState:
        """Put the hypotheses of another state behind these."""
        pairs = zip(self.members, other.members, strict=True)
        return EnsembleState(tuple(member.join(its_other) for member, its_other in pairs))


class Ensemble:
    """A stepper whose probabilities are the mean of its members' (Sutskever et al. 2014).

    The members' vocabularies are the same, which whoever loads them has checked.
    """

    def __init__(self, members: Sequence[Stepper[Any]]) -> None:
        self.members = members

    def start(self, src: Ids, src_lengths: Ids) -> EnsembleState:
        """Let every member read the sources (N, S); see `search.Stepper`."""
        return EnsembleState(tuple(member.start(src, src_lengths) for member in self.members))

    def step(
        self,
        last_tokens: Ids,
        state: EnsembleState,
        k: int,
        *,
        required: Ids | None = None,
        banned: tuple[Ids, Ids] | None = None,
        attention: bool = False,
    ) -> tuple[Candidates, EnsembleState]:
        """Step every member once and return the k best next tokens of their mean; see `search.Stepper`."""
        mean, state = self.distribution(last_tokens, state, required=required, attention=attention)
        if banned is not None:
            mean.log_probs[banned] = -np.inf
        ids = best_ids(mean.log_probs, k)
        log_probs = np.take_along_axis(mean.log_probs, ids, axis=1)
        return Candidates(ids, log_probs, mean.required, mean.attention), state

    def distribution(
        self, last_tokens: Ids, state: EnsembleState, *, required: Ids | None = None, attention: bool = False
    ) -> tuple[Distribution, EnsembleState]:
        """Step every member once and return the mean of their probabilities; see `search.Stepper`."""
        distributions, states = zip(
            *(
                member.distribution(last_tokens, its_state, required=required, attention=attention)
                for member, its_state in zip(self.members, state.members, strict=True)
            ),
            strict=True,
        )
        mean = Distribution(
            log_mean_exp([one.log_probs for one in distributions]),
            None if required is None else log_mean_exp([one.required for one in distributions]),
            None if not attention else np.mean([one.attention for one in distributions], axis=0),
        )
        return mean, EnsembleState(states)


def log_mean_exp(log_probs: Sequence[Reals]) -> Reals:
    """Return the logarithm of the mean of probabilities that are given as logarithms, in float64.

    `exp` and `log` are many times faster than `logaddexp`; what they round to 0, below 1e-308, float32 would as well.
    """
    total = np.exp(log_probs[0], dtype=np.float64)
    for one in log_probs[1:]:
        total += np.exp(one, dtype=np.float64)
    total /= len(log_probs)
    with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf
        return np.log(total, out=total)


def best_ids(log_probs: Reals, k: int) -> Ids:
    """Return the columns (N, k) of the greatest of each row (N, V), best first, equal ones by their id."""
    costs = -log_probs
    if k >= log_probs.shape[1]:
        return np.argsort(costs, axis=1, kind="stable")
    # the k best in any order, then the next one; where it equals the last of them, which one is in is arbitrary
    found = np.argpartition(costs, (k - 1, k), axis=1)[:, : k + 1]
    ids = np.sort(found[:, :k], axis=1)
    last, next_ = np.take_along_axis(costs, found[:, k - 1 :], axis=1).T
    tied = np.flatnonzero(last == next_)
    if tied.size:
        ids[tied] = np.sort(np.argsort(costs[tied], axis=1, kind="stable")[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(costs, ids, axis=1), axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1)
