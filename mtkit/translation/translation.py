"""A translated line, and the signs that something went wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import eq
from typing import NamedTuple

from mtkit.translation.alignment import AttentionWeights, Link

LOOP_RUN = 16
"""Pieces in the longest run whose repetition is looked for."""
LOOP_TIMES = 4
"""A run that comes this many times in a row, or more, is a loop."""


class Alternative(NamedTuple):
    """One of the n best translations of a line."""

    text: str
    score: float


class PairScore(NamedTuple):
    """What a model thinks of a given translation: its log-probability (nats) and its tokens, eos included."""

    log_prob: float
    tokens: int


@dataclass(frozen=True)
class Translation:
    """A translated line.

    Attributes:
        source: the line as it was given.
        text: its translation, one line without control characters; empty where there was nothing to translate.
        score: what the search ranks by: at the default length penalty the average log-probability of a token, in
            nats. The mean over the parts of a long line; 0.0 for an empty one.
        truncated: the search reached the greatest length before the sentence ended.
        loop: the translation repeats itself, and the source does not (see `is_loop`).
        copied: the translation is the source itself, in the same words, case and punctuation.
        parts: above 1 where a line was too long for one pass and was cut.
        untranslatable: the line holds characters, but none that can be translated.
        unknown: the line holds characters that the vocabulary has no piece for, and the network has hardly ever read.
        n_best: the best translations, best first; `text` is the first of them. Of a line in parts, the second joins
            the second of each part, and so on.
        alignment: links between source and target positions, where they were asked for, in order.
        attention: the weights of each part, where they were asked for.
    """

    source: str
    text: str
    score: float
    truncated: bool = False
    loop: bool = False
    copied: bool = False
    parts: int = 1
    untranslatable: bool = False
    unknown: bool = False
    n_best: tuple[Alternative, ...] = ()
    alignment: tuple[Link, ...] = ()
    attention: tuple[AttentionWeights, ...] = ()

    @property
    def flags(self) -> list[str]:
        """The names of what is unusual about this translation."""
        signs = {
            "truncated": self.truncated,
            "loop": self.loop,
            "copied": self.copied,
            "split": self.parts > 1,
            "untranslatable": self.untranslatable,
            "unknown": self.unknown,
        }
        return [name for name, shows in signs.items() if shows]


def is_loop(source: Sequence[int], target: Sequence[int]) -> bool:
    """Whether a run of target pieces comes `LOOP_TIMES` in a row or more, and twice as often as any of the source.

    "no no no no" is a loop if it translates "no", and none if it translates "non non non non".
    """
    if len(target) - len(set(target)) < LOOP_TIMES - 1:  # most translations: too few pieces come twice
        return False
    times = _most_in_a_row(target)
    return times >= LOOP_TIMES and times >= 2 * _most_in_a_row(source)


def _most_in_a_row(ids: Sequence[int]) -> int:
    """Return how often at most a run of up to `LOOP_RUN` pieces follows itself: 3 of [7, 5, 6, 5, 6, 5, 6]."""
    most = 1
    for run in range(1, min(LOOP_RUN, len(ids) // 2) + 1):
        # where a run is repeated n times in a row, each piece but the last run's equals the one a run later
        same = (len(list(group)) for equal, group in groupby(map(eq, ids, ids[run:])) if equal)
        most = max(most, 1 + max(same, default=0) // run)
    return most
