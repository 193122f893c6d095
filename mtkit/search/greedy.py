"""Greedy search: always the best next token."""

from __future__ import annotations

import numpy as np

from mtkit.search.hypothesis import Hypothesis
from mtkit.search.live import Live
from mtkit.search.ranking import Ranking
from mtkit.search.rules import Rules
from mtkit.search.stepper import Ids, S, Stepper


def greedy_search(
    stepper: Stepper[S], src: Ids, src_lengths: Ids, rules: Rules, ranking: Ranking, *, bos: int
) -> list[list[Hypothesis]]:
    """Translate N sentences, each by the best token at every step; it gives what a beam of 1 gives.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        rules: what the targets have to obey.
        ranking: how they are scored.
        bos: id that every target starts from.

    Returns:
        A list of one hypothesis for each sentence.
    """
    found: list[list[Hypothesis]] = [[] for _ in src]
    live = Live.start(src, bos, ranking.needs_attention)
    state = stepper.start(src, src_lengths)
    while True:
        candidates, state = rules.step(stepper, live, state, 1)
        rows = np.arange(len(live.sentences))
        live = live.extend(candidates, rows, np.zeros_like(rows))
        ended = live.targets[:, -1] == rules.eos
        over = ended | (live.length == rules.max_lengths[live.sentences])
        if not over.any():
            continue
        for sentence, hypothesis in ranking.hypotheses(live.select(over), ended[over]):
            found[sentence].append(hypothesis)
        if over.all():
            return found
        live, state = live.select(~over), state.select(np.flatnonzero(~over))
