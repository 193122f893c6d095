"""Greedy search: always the best next token."""

from __future__ import annotations

import numpy as np

from mtkit.search.hypothesis import Hypothesis
from mtkit.search.live import Live
from mtkit.search.ranking import Ranking
from mtkit.search.rules import Rules
from mtkit.search.stepper import Ids, S, Stepper
from mtkit.search.waiting import Waiting


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
    waiting = Waiting(stepper, src, src_lengths, together, bos=bos, attention=attention, each=each)
    under_way: tuple[Live, S] | None = waiting.start()
    while under_way:
        live, state = under_way
        candidates, state = rules.step(stepper, live, state, 1)
        live = live.extend_all(candidates)
        ended = live.targets[:, -1] == rules.eos
        over = ended | (live.lengths == rules.max_lengths[live.sentences])
        if over.any():
            for sentence, hypothesis in ranking.hypotheses(live.select(over), ended[over]):
                found[sentence].append(hypothesis)
            going = np.flatnonzero(~over)
            under_way = waiting.go_on(live.select(going), state, going)
        else:
            under_way = live, state
    return found
