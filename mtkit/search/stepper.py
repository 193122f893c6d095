"""All that search knows of a model: it starts on source sentences and then goes one target token at a time.

A network on a GPU, a graph in ONNX Runtime, an ensemble or a table in a test become searchable by these three methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np

from mtkit.arrays import Ids, Reals


class State(Protocol):
    """What a model remembers of N hypotheses; its insides are its own business."""

    def select(self, rows: Ids) -> Self:
        """Return the state of hypotheses `rows` (M,): reordered, repeated or dropped. `M` is never zero.

        The hypotheses of a sentence stand together.
        """
        ...

    def join(self, other: Self) -> Self:
        """Return the state of the hypotheses of both, those of `other` last; the sources of both are equally wide.

        This state is spent by that: new sentences may take the memory of those that nobody translates any more. `other`
        stays whole, to be selected from, joined and stepped again.
        """
        ...


def numbered(sentences: Ids) -> tuple[Ids, Ids, Ids]:
    """Number the sentences of R hypotheses, and the hypotheses of each sentence, from 0.

    Those of a sentence stand together: [7, 7, 4] gives [0, 2], [0, 0, 1] and [0, 1, 0].

    Returns:
        The first row of each sentence (L,), the number of each row's sentence (R,) and its number within that (R,).
    """
    first = np.concatenate(([True], sentences[1:] != sentences[:-1]))
    first_rows, numbers = np.flatnonzero(first), first.cumsum() - 1
    return first_rows, numbers, np.arange(len(sentences)) - first_rows[numbers]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best next tokens of N hypotheses.

    `ids` (N, k) come best first, equal ones by their id; `log_probs` (N, k) are natural logarithms, normalised
    over the whole vocabulary. A vocabulary smaller than k gives fewer columns; places that are left over hold -inf.
    Tokens that are never part of a translation (padding, bos) are never candidates. `required` (N,) are the
    log-probabilities of the tokens that the caller named. `attention` (N, S) are the weights with which each hypothesis
    looked at the source, summing to 1.
    """

    ids: Ids
    log_probs: Reals
    required: Reals | None = None
    attention: Reals | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """The log-probabilities (N, V) of all next tokens of N hypotheses, by id; -inf for what is never a candidate.

    `required` and `attention` are as in `Candidates`.
    """

    log_probs: Reals
    required: Reals | None = None
    attention: Reals | None = None


S = TypeVar("S", bound=State)


class Stepper(Protocol[S]):
    """A model that can be searched. Up to rounding, no row of a batch is to change what another one gives."""

    def start(self, src: Ids, src_lengths: Ids) -> S:
        """Read N source sentences and return the state before their first target token.

        Args:
            src: (N, S) ids, each sentence ending in eos, padded with 0.
            src_lengths: (N,) tokens, eos included.
        """
        ...

    def step(
        self,
        last_tokens: Ids,
        state: S,
        k: int,
        *,
        required: Ids | None = None,
        banned: tuple[Ids, Ids] | None = None,
        attention: bool = False,
    ) -> tuple[Candidates, S]:
        """Take N hypotheses one token further.

        Args:
            last_tokens: (N,) the newest token of each hypothesis, bos at first.
            state: of the same N hypotheses, before that token was read.
            k: candidates wanted for each, at least 1.
            required: (N,) tokens whose log-probabilities are returned as well.
            banned: rows (M,) and ids (M,), pairs that leave before the k best are taken. What is left is not
                normalised again.
            attention: whether the attention weights are wanted.

        Returns:
            The candidates, and the state after `last_tokens`.
        """
        ...

    def distribution(
        self, last_tokens: Ids, state: S, *, required: Ids | None = None, attention: bool = False
    ) -> tuple[Distribution, S]:
        """Take N hypotheses one token further, for whoever needs every log-probability: sampling and ensembles.

        The arguments are those of `step`. `required` is for tokens that are given, not found: unk in a prefix has a
        log-probability, though it is never a candidate. Much slower than `step` where the network runs on another
        device, or the vocabulary is large.
        """
        ...
