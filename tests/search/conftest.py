"""A model as a table, and the batches and searches that the tests of this folder share."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from mtkit.search import Candidates, Hypothesis, beam_search, greedy_search, score_targets

PAD, UNK, BOS, EOS, A, B, C = range(7)
"""The ids of the tests: three words follow the four special ones."""

Sentence = tuple[int, ...]
Table = Callable[[Sentence, Sentence], np.ndarray]
"""From a source (with eos) and a target prefix (without bos) to the probabilities of all ids, (7,)."""


@dataclass
class TableState:
    """The source and the target prefix of each hypothesis."""

    sources: list[Sentence]
    prefixes: list[Sentence]

    def select(self, rows: np.ndarray) -> TableState:
        assert len(rows), "a state is never left without rows"
        return TableState([self.sources[row] for row in rows], [self.prefixes[row] for row in rows])


@dataclass
class TableStepper:
    """A model whose probabilities are looked up; it remembers how many rows each step had."""

    table: Table
    rows: list[int] = field(default_factory=list)

    def start(self, src: np.ndarray, src_lengths: np.ndarray) -> TableState:
        sources = [tuple(row[:length].tolist()) for row, length in zip(src, src_lengths, strict=True)]
        assert all(source[-1] == EOS for source in sources)
        assert not any(row[length:].any() for row, length in zip(src, src_lengths, strict=True))
        return TableState(sources, [()] * len(src))

    def step(
        self, last_tokens: np.ndarray, state: TableState, k: int, *, required: Any = None, banned: Any = None
    ) -> tuple[Candidates, TableState]:
        self.rows.append(len(last_tokens))
        prefixes = [
            (*prefix, int(token)) if token != BOS else ()
            for prefix, token in zip(state.prefixes, last_tokens, strict=True)
        ]
        with np.errstate(divide="ignore"):
            log_probs = np.log([self.table(*row) for row in zip(state.sources, prefixes, strict=True)])
        wanted = None if required is None else log_probs[np.arange(len(prefixes)), required]
        if banned is not None:
            log_probs[banned] = -np.inf
        ids = np.argsort(-log_probs, axis=1, kind="stable")[:, :k]
        candidates = Candidates(ids, np.take_along_axis(log_probs, ids, axis=1), wanted)
        return candidates, TableState(state.sources, prefixes)


def random_table(seed: int, sharpness: float = 1.0) -> Table:
    """Probabilities that depend on the whole source and the whole prefix, the same in every run."""

    def table(source: Sentence, prefix: Sentence) -> np.ndarray:
        draw = random.Random(repr((seed, source, prefix)))
        weights = np.array([0.0, 0.0, 0.0] + [np.exp(sharpness * draw.gauss(0, 1)) for _ in (EOS, A, B, C)])
        return weights / weights.sum()

    return table


def batch(sentences: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Pad sentences that end in eos: `batch([[A, B, EOS], [C, EOS]])` is ([[A, B, EOS], [C, EOS, PAD]], [3, 2])."""
    lengths = np.array([len(sentence) for sentence in sentences])
    return np.array([[*row, *[PAD] * (lengths.max() - len(row))] for row in sentences]), lengths


@dataclass
class Searcher:
    """The searches of one table, with the options that a test does not care about filled in."""

    stepper: TableStepper
    max_length: int = 4
    length_penalty: float = 1.0

    def beam(self, sources: Sequence[Sentence], beam_size: int) -> list[list[Hypothesis]]:
        return beam_search(self.stepper, *batch(sources), beam_size=beam_size, **self._options(sources))

    def greedy(self, sources: Sequence[Sentence]) -> list[list[Hypothesis]]:
        return greedy_search(self.stepper, *batch(sources), **self._options(sources))

    def score(self, sources: Sequence[Sentence], targets: Sequence[Sentence]) -> np.ndarray:
        return score_targets(self.stepper, *batch(sources), *batch(targets), bos=BOS)

    def _options(self, sources: Sequence[Sentence]) -> dict[str, Any]:
        # Each sentence has a limit of its own, so that a batch mixes them.
        limits = np.array([self.max_length + len(source) % 3 for source in sources])
        return {"bos": BOS, "eos": EOS, "max_lengths": limits, "length_penalty": self.length_penalty}


@pytest.fixture(scope="session")
def searcher() -> Callable[..., Searcher]:
    """Make a `Searcher` of a table, or of a random one: `searcher(seed=3)`."""

    def make(table: Table | None = None, *, seed: int = 0, sharpness: float = 1.0, **options: Any) -> Searcher:
        return Searcher(TableStepper(table or random_table(seed, sharpness)), **options)

    return make


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
