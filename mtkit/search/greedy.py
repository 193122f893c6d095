"""Greedy search: always the best next token."""

from __future__ import annotations

import numpy as np

from mtkit.arrays import Ids
from mtkit.search.active_hypotheses import ActiveHypotheses
from mtkit.search.hypothesis import Hypothesis
from mtkit.search.ranking import Ranking
from mtkit.search.rules import Rules
from mtkit.search.sentence_queue import SentenceQueue
from mtkit.search.stepper import S, Stepper


def greedy_search(
    stepper: Stepper[S],
    src: Ids,
    src_lengths: Ids,
    rules: Rules,
    ranking: Ranking,
    *,
    bos: int,
    together: int | None = None,
    each: int = 1,
) -> list[list[Hypothesis]]:
    """Translate N sentences, each by the best token at every step; it gives what a beam of 1 gives.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        rules: what the targets have to obey.
        ranking: how they are scored.
        bos: id that every target starts from.
        together: most sentences under way at a time; None: all.
        each: hypotheses that the stepper starts for a sentence; more than one where it draws them.

    Returns:
        For each sentence its hypotheses, in the order in which they ended.
    """
    found: list[list[Hypothesis]] = [[] for _ in src]
    attention = ranking.needs_attention
    queue = SentenceQueue(stepper, src, src_lengths, together, bos=bos, attention=attention, each=each)
    under_way: tuple[ActiveHypotheses, S] | None = queue.start()
    while under_way:
        active, state = under_way
        candidates, state = rules.step(stepper, active, state, 1)
        active = active.extend_all(candidates)
        ended = active.targets[:, -1] == rules.eos
        over = ended | (active.lengths == rules.max_lengths[active.sentences])
        if over.any():
            for sentence, hypothesis in ranking.hypotheses(active.select(over), ended[over]):
                found[sentence].append(hypothesis)
            going = np.flatnonzero(~over)
            under_way = queue.go_on(active.select(going), state, going)
        else:
            under_way = active, state
    return found
