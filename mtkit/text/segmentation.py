"""Text segmented into pieces at random, by a seed alone.

SentencePiece samples too, but in its version 0.2.3 equal seeds give equal segmentations within one process only, and a
resumed training is another one. No piece reaches beyond a word, so each word is segmented by itself.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from random import Random

from mtkit.text.normalisation import SPACE

UNKNOWN_PENALTY = 10.0
"""What SentencePiece takes from the least score of all pieces for a character that is not one."""

CACHED_BYTES = 64 << 20
"""What a segmenter may hold of words it has seen. In scripts without spaces a word is a sentence: 100,000 of those took
1.2 GB."""

Ids = Sequence[int]
Segmenter = Callable[[str, Random], list[int]]
"""Draws the ids of a word."""
Ends = tuple[list[int], list[Ids], list[float]]
"""Of the pieces that end at a position: where they begin, their ids, and their weights, added up."""


def sample(texts: Sequence[str], segmenter: Segmenter, seed: int) -> list[list[int]]:
    """Return the ids of each normalised text, word by word."""
    rng = Random(seed)
    return [[id_ for word in text.split() for id_ in segmenter(SPACE + word, rng)] for text in texts]


class UnigramSegmenter:
    """Draws from all segmentations of a word, each by its probability to the power of `alpha` (Kudo 2018).

    Forward filtering: the segmentations of the first i characters weigh f(i), the sum over pieces from h to i of
    f(h) p(piece)^alpha. Backward sampling: from the end, a piece from h to i is drawn with probability
    f(h) p(piece)^alpha / f(i).
    """

    def __init__(self, pieces: Mapping[str, tuple[int, float]], spell: Callable[[str], Ids], alpha: float) -> None:
        """Take id and score, a log-probability, of each piece, and what spells a character that is not one."""
        self._pieces: dict[str, tuple[Ids, float]] = {
            piece: ((id_,), alpha * score) for piece, (id_, score) in pieces.items()
        }
        self._unknown = alpha * (min(score for _, score in pieces.values()) - UNKNOWN_PENALTY)
        self._longest = max(map(len, pieces))
        self._spell = spell
        self._words: dict[str, list[Ends]] = {}
        self._cached = 0  # bytes

    def __call__(self, word: str, rng: Random) -> list[int]:
        """Draw the ids of a word."""
        ends = self._words.get(word)
        if ends is None:
            ends = self._filter(word)
            self._cached += size_of(word, ends)
            if self._cached > CACHED_BYTES:
                self._words.clear()
                self._cached = size_of(word, ends)
            self._words[word] = ends
        drawn_ids: list[Ids] = []
        at = len(word)
        while at:
            starts, pieces, upto = ends[at]
            drawn = bisect(upto, rng.random() * upto[-1], hi=len(upto) - 1)
            drawn_ids.append(pieces[drawn])
            at = starts[drawn]
        return [id_ for ids in reversed(drawn_ids) for id_ in ids]

    def _filter(self, word: str) -> list[Ends]:
        forward, ends = [0.0], list[Ends]([([], [], [])])
        for end in range(1, len(word) + 1):
            starts, pieces, weights = list[int](), list[Ids](), list[float]()
            for start in range(max(0, end - self._longest), end):
                known = self._pieces.get(word[start:end])
                if known is None:
                    if start < end - 1:
                        continue
                    known = (self._spell(word[start]), self._unknown)
                starts.append(start)
                pieces.append(known[0])
                weights.append(forward[start] + known[1])
            most = max(weights)
            total, upto = 0.0, list[float]()
            for weight in weights:
                total += math.exp(weight - most)
                upto.append(total)
            forward.append(most + math.log(total))
            ends.append((starts, pieces, upto))
        return ends


def size_of(word: str, ends: Sequence[Ends]) -> int:
    """Return about how many bytes a word and what is known of it take."""
    positions = sum(240 + 56 * len(starts) for starts, _, _ in ends)  # a tuple of three lists; an entry in each
    return 200 + 4 * len(word) + positions


class MergeSegmenter:
    """Merges pairs of neighbours as byte-pair encoding does, best score first, but leaves out a share of the merges.

    (BPE-dropout, Provilkov et al. 2020.) A pair that was left out comes again only next to a new neighbour.
    """

    def __init__(self, pieces: Mapping[str, tuple[int, float]], spell: Callable[[str], Ids], dropout: float) -> None:
        """Take id and score of each piece, and what spells a character that is not one."""
        self._pieces = pieces
        self._spell = spell
        self._dropout = dropout

    def __call__(self, word: str, rng: Random) -> list[int]:
        """Draw the ids of a word."""
        symbols: list[str] = list(word)
        before, after = list(range(-1, len(word) - 1)), list(range(1, len(word) + 1))
        merges: list[tuple[float, int, int, str]] = []

        def consider(left: int, right: int) -> None:
            if left >= 0 and right < len(word):
                piece = self._pieces.get(merged := symbols[left] + symbols[right])
                if piece is not None:
                    heapq.heappush(merges, (-piece[1], left, right, merged))

        for left in range(len(word) - 1):
            consider(left, left + 1)
        while merges:
            _, left, right, merged = heapq.heappop(merges)
            stale = not symbols[left] or not symbols[right] or symbols[left] + symbols[right] != merged
            if stale or rng.random() < self._dropout:
                continue
            symbols[left], symbols[right] = merged, ""
            after[left] = after[right]
            if after[right] < len(word):
                before[after[right]] = left
            consider(before[left], left)
            consider(left, after[left])
        return [id_ for symbol in symbols if symbol for id_ in self._ids(symbol)]

    def _ids(self, symbol: str) -> Ids:
        known = self._pieces.get(symbol)
        return (known[0],) if known else self._spell(symbol)
