"""A model as a table, and the batches and searches that the tests of this folder share."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Protocol

import numpy as np
import pytest

from mtkit.search import Candidates, Distribution, Hypothesis, score_targets, search
from mtkit.search.beam import beam_search
from mtkit.search.greedy import greedy_search
from mtkit.search.ranking import Ranking
from mtkit.search.rules import FREE, Rules
from mtkit.settings import SearchSettings

PAD, UNK, BOS, EOS, A, B, C = range(7)
"""The ids of the tests: three words follow the four special ones."""

Sentence = tuple[int, ...]
Table = Callable[[Sentence, Sentence], np.ndarray]
"""From a source (with eos) and a target prefix (without bos) to the probabilities of all ids, (7,)."""
Attend = Callable[[Sentence, Sentence], np.ndarray]
"""From a source and a target prefix to attention weights over the source."""


@dataclass
class TableState:
    """The source and the target prefix of each hypothesis, and the width of the batch they came in."""

    sources: list[Sentence]
    prefixes: list[Sentence]
    width: int

    def select(self, rows: np.ndarray) -> TableState:
        assert len(rows), "a state is never left without rows"
        return TableState([self.sources[row] for row in rows], [self.prefixes[row] for row in rows], self.width)

    def join(self, other: TableState) -> TableState:
        assert self.width == other.width, "what is joined is equally wide"
        return TableState(self.sources + other.sources, self.prefixes + other.prefixes, self.width)


@dataclass
class TableStepper:
    """A model whose probabilities are looked up; it remembers how many rows each step had, and each start."""

    table: Table
    rows: list[int] = field(default_factory=list)
    started: list[int] = field(default_factory=list)

    def start(self, src: np.ndarray, src_lengths: np.ndarray) -> TableState:
        self.started.append(len(src))
        sources = [tuple(row[:length].tolist()) for row, length in zip(src, src_lengths, strict=True)]
        assert all(source[-1] == EOS for source in sources)
        assert not any(row[length:].any() for row, length in zip(src, src_lengths, strict=True))
        return TableState(sources, [()] * len(src), src.shape[1])

    def step(
        self,
        last_tokens: np.ndarray,
        state: TableState,
        k: int,
        *,
        required: Any = None,
        banned: Any = None,
        attention: bool = False,
    ) -> tuple[Candidates, TableState]:
        found, state = self.distribution(last_tokens, state, required=required, attention=attention)
        log_probs = found.log_probs
        if banned is not None:
            log_probs[banned] = -np.inf
        ids = np.argsort(-log_probs, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(log_probs, ids, axis=1)
        return Candidates(ids, best, found.required, found.attention), state

    def distribution(
        self, last_tokens: np.ndarray, state: TableState, *, required: Any = None, attention: bool = False
    ) -> tuple[Distribution, TableState]:
        self.rows.append(len(last_tokens))
        prefixes = [
            (*prefix, int(token)) if token != BOS else ()
            for prefix, token in zip(state.prefixes, last_tokens, strict=True)
        ]
        with np.errstate(divide="ignore"):
            log_probs = np.log([self.table(*row) for row in zip(state.sources, prefixes, strict=True)])
        wanted = None if required is None else log_probs[np.arange(len(prefixes)), required]
        log_probs[:, [PAD, UNK, BOS]] = -np.inf
        weights = None
        if attention:
            weights = np.zeros((len(prefixes), state.width))
            for row, source, prefix in zip(weights, state.sources, prefixes, strict=True):
                row[: len(source)] = attend(source, prefix)
        return Distribution(log_probs, wanted, weights), TableState(state.sources, prefixes, state.width)


def normalised(weights: np.ndarray) -> np.ndarray:
    """Weights that sum to 1, for reading only, so that whoever asks again may get the same array."""
    shares: np.ndarray = weights / weights.sum()
    shares.setflags(write=False)
    return shares


@lru_cache(100_000)
def attend(source: Sentence, prefix: Sentence) -> np.ndarray:
    """Attention weights over the source that depend on it and on the prefix, the same in every run."""
    draw = random.Random(repr((source, prefix)))
    return normalised(np.array([draw.random() ** 3 for _ in source]))


@lru_cache(100_000)
def probabilities(seed: int, sharpness: float, source: Sentence, prefix: Sentence) -> np.ndarray:
    """Probabilities that depend on the whole source and the whole prefix, the same in every run."""
    draw = random.Random(repr((seed, source, prefix)))
    return normalised(np.array([0.0, 0.0, 0.0] + [math.exp(sharpness * draw.gauss(0, 1)) for _ in (EOS, A, B, C)]))


def random_table(seed: int, sharpness: float = 1.0) -> Table:
    """The table of `probabilities`."""
    return partial(probabilities, seed, sharpness)


def batch(sentences: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Pad sentences that end in eos: `batch([[A, B, EOS], [C, EOS]])` is ([[A, B, EOS], [C, EOS, PAD]], [3, 2])."""
    lengths = np.array([len(sentence) for sentence in sentences])
    return np.array([[*row, *[PAD] * (lengths.max() - len(row))] for row in sentences]), lengths


@dataclass
class Searcher:
    """The searches of one table. All but `search` stop at short limits, so that everything can be enumerated."""

    stepper: TableStepper
    settings: SearchSettings
    max_length: int = 4
    prefixes: Sequence[Sentence] | None = None
    attention: bool = False
    together: int | None = None

    def beam(self, sources: Sequence[Sentence], beam_size: int, n_best: int | None = None) -> list[list[Hypothesis]]:
        options: dict[str, Any] = {"beam_size": beam_size, "n_best": n_best or beam_size, "together": self.together}
        return beam_search(self.stepper, *batch(sources), *self._plan(sources), bos=BOS, **options)

    def greedy(self, sources: Sequence[Sentence]) -> list[list[Hypothesis]]:
        return greedy_search(self.stepper, *batch(sources), *self._plan(sources), bos=BOS, together=self.together)

    def search(self, sources: Sequence[Sentence], n_best: int = 1, seed: int = 1) -> list[list[Hypothesis]]:
        options: dict[str, Any] = {"prefixes": self.prefixes, "attention": self.attention, "seed": seed}
        options["together"] = self.together
        return search(self.stepper, *batch(sources), self.settings, bos=BOS, eos=EOS, n_best=n_best, **options)

    def score(self, sources: Sequence[Sentence], targets: Sequence[Sentence]) -> np.ndarray:
        return score_targets(self.stepper, *batch(sources), *batch(targets), bos=BOS)

    def limit(self, source: Sentence) -> int:
        """Each sentence has a limit of its own, so that a batch mixes them."""
        return self.max_length + len(source) % 3

    def _plan(self, sources: Sequence[Sentence]) -> tuple[Rules, Ranking]:
        _, lengths = batch(sources)
        rules = Rules.of(self.settings, lengths, eos=EOS, prefixes=self.prefixes)
        limits = np.array([self.limit(source) for source in sources])
        limits = np.maximum(limits, (rules.prefixes != FREE).sum(axis=1) + 1)
        return replace(rules, max_lengths=limits), Ranking(self.settings, lengths, self.attention)


class MakeSearcher(Protocol):
    """See the fixture `searcher`."""

    def __call__(
        self, table: Table | None = None, *, seed: int = 0, sharpness: float = 1.0, **options: Any
    ) -> Searcher: ...


@pytest.fixture(scope="session")
def searcher() -> MakeSearcher:
    """Make a `Searcher` of a table, or of a random one: `searcher(seed=3, beam_size=2)`.

    Options are its own, or those of the search settings.
    """

    def make(table: Table | None = None, *, seed: int = 0, sharpness: float = 1.0, **options: Any) -> Searcher:
        names = ("max_length", "prefixes", "attention", "together")
        own = {name: options.pop(name) for name in names if name in options}
        return Searcher(TableStepper(table or random_table(seed, sharpness)), SearchSettings(**options), **own)

    return make


@pytest.fixture(scope="session")
def attention_of() -> Attend:
    """The attention weights of every table, from a source and a prefix."""
    return attend


@pytest.fixture(scope="session")
def sources() -> list[Sentence]:
    """Sources of different lengths; in a batch:

    A  B  C  </s>  .   .
    C  </s>  .   .   .   .
    B  B  A  C  A  </s>
    </s>  .   .   .   .   .
    A  C  </s>  .   .   .
    """
    return [(A, B, C, EOS), (C, EOS), (B, B, A, C, A, EOS), (EOS,), (A, C, EOS)]
