"""Beam search over a batch of sentences, in NumPy over a few candidates a step.

Every sentence has `beam_size` places. At each step the best continuations of its active hypotheses compete for the
places that are left; one that ends in eos keeps its place for good, so the search narrows as hypotheses end (as in
Nematus and Marian), and no hypothesis can ever contribute more than `beam_size` candidates. A beam that is filled up
again steps 7% more rows for the same BLEU (Multi30k en-de, beam 5). Continuations of one step have the same length, so
there the sums of log-probabilities decide; hypotheses that end at different steps are compared by score. Equal sums are
decided by the order of the hypotheses, then of their candidates.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappushpop

import numpy as np

from mtkit.arrays import Ids, Reals
from mtkit.search.active_hypotheses import ActiveHypotheses
from mtkit.search.hypothesis import Hypothesis, best_first
from mtkit.search.ranking import Ranking
from mtkit.search.rules import Rules
from mtkit.search.sentence_queue import SentenceQueue
from mtkit.search.stepper import S, Stepper, numbered


def beam_search(
    stepper: Stepper[S],
    src: Ids,
    src_lengths: Ids,
    rules: Rules,
    ranking: Ranking,
    *,
    bos: int,
    beam_size: int,
    n_best: int,
    together: int | None = None,
) -> list[list[Hypothesis]]:
    """Translate N sentences, each as if it were alone.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        rules: what the targets have to obey.
        ranking: how they are scored.
        bos: id that every target starts from.
        beam_size: places of a sentence.
        n_best: hypotheses wanted of each sentence, at most `beam_size`.
        together: most sentences under way at a time; None: all.

    Returns:
        For each sentence its hypotheses, best first: one at least, `n_best` at most.
    """
    found = _Found(len(src), beam_size, n_best)
    longest = np.array([ranking.divisor(length) for length in rules.max_lengths.tolist()])  # (N,)
    queue = SentenceQueue(stepper, src, src_lengths, together, bos=bos, attention=ranking.needs_attention)
    under_way: tuple[ActiveHypotheses, S] | None = queue.start()
    while under_way:
        active, state = under_way  # the hypotheses of a sentence best first
        candidates, state = rules.step(stepper, active, state, beam_size)
        sums = active.log_probs[:, None] + candidates.log_probs
        rows, columns = _best(sums, active.sentences, found.places)
        active = active.extend(candidates, rows, columns)

        ended = active.targets[:, -1] == rules.eos
        over = ended | (active.lengths == rules.max_lengths[active.sentences])
        if over.any():
            found.add(ranking.hypotheses(active.select(over), ended[over]))

        # A log-probability only falls and coverage is never above 0, so `log_probs / longest` bounds every score that a
        # active hypothesis can still reach. One that cannot be among the n best any more leaves its place to the rest.
        bounds = active.log_probs / longest[active.sentences]
        going = np.flatnonzero(~over & (bounds > found.to_beat[active.sentences]))
        under_way = queue.go_on(active.select(going), state, rows[going])
    return [sorted(hypotheses, key=best_first)[:n_best] for hypotheses in found.hypotheses]


class _Found:
    """What N sentences have found so far, and what that leaves to their active hypotheses."""

    def __init__(self, count: int, beam_size: int, n_best: int) -> None:
        self.hypotheses: list[list[Hypothesis]] = [[] for _ in range(count)]
        self.places = np.full(count, beam_size)  # (N,) not held by a hypothesis that ended
        self.to_beat = np.full(count, -np.inf)  # (N,) the worst of the n best scores that ended, of fewer -inf
        self._n_best = [[-np.inf] * n_best for _ in range(count)]  # heaps

    def add(self, hypotheses: Iterable[tuple[int, Hypothesis]]) -> None:
        """Add hypotheses that go no further, each after its sentence."""
        for sentence, hypothesis in hypotheses:
            self.hypotheses[sentence].append(hypothesis)
            if not hypothesis.truncated:
                self.places[sentence] -= 1
                heappushpop(self._n_best[sentence], hypothesis.score)
                self.to_beat[sentence] = self._n_best[sentence][0]


def _best(sums: Reals, sentences: Ids, places: Ids) -> tuple[Ids, Ids]:
    """Return row and column of the best `places[sentence]` entries of each sentence, sentence by sentence, best first.

    One table with a row a sentence is sorted four times faster than the flat entries by two keys (`np.lexsort`).

    Args:
        sums: (R, k) log-probabilities; -inf is no candidate.
        sentences: (R,) the sentence of each row, never falling.
        places: (N,) entries wanted of each sentence.
    """
    width = sums.shape[1]
    # L sentences are left; each has its first row, and each row a number within its sentence.
    first_rows, numbers, ranks = numbered(sentences)
    places = places[sentences[first_rows]]  # (L,)
    # One table (L, most rows of a sentence, k), whose gaps, where a sentence has fewer rows, cost too much to be taken.
    table = np.full((len(first_rows), ranks.max() + 1, width), np.inf)
    table[numbers, ranks] = -sums
    # The cheapest entries of each sentence first. The sort is stable: equal sums stay in the order of rows, then of
    # candidates.
    costs = table.reshape(len(first_rows), -1)
    order = np.argsort(costs, axis=1, kind="stable")[:, : places.max()]
    # Every sentence takes as many as it has places, and no gap and nothing impossible, though places be left.
    keep = np.arange(order.shape[1]) < places[:, None]
    keep &= np.take_along_axis(costs, order, axis=1) < np.inf
    # An entry's number in its sentence is rank * k + column; the first row of the sentence leads back to the rows.
    ranks, columns = np.divmod(order, width)
    return (first_rows[:, None] + ranks)[keep], columns[keep]
