"""Greedy search: always the best next token."""

from __future__ import annotations

import numpy as np

from mtkit.search.hypothesis import Hypothesis
from mtkit.search.stepper import Ids, S, Stepper


def greedy_search(
    stepper: Stepper[S], src: Ids, src_lengths: Ids, *, bos: int, eos: int, max_lengths: Ids, length_penalty: float
) -> list[list[Hypothesis]]:
    """Translate N sentences, each by the best token at every step; it gives what a beam of 1 gives.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        bos: id that every target starts from.
        eos: id that ends a target; never its first token, so no translation is empty.
        max_lengths: (N,) most target tokens, eos included, at least 1.
        length_penalty: exponent of the length that scores are divided by.

    Returns:
        A list of one hypothesis for each sentence.
    """
    count = len(src)
    ids = np.zeros((count, max_lengths.max()), dtype=np.int64)
    log_probs, lengths, ended = np.zeros(count), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    live = np.arange(count)  # the sentences still translated; row i of the state belongs to live[i]
    tokens = np.full(count, bos)
    state = stepper.start(src, src_lengths)
    for length in range(1, ids.shape[1] + 1):
        no_eos = (live, np.full(count, eos)) if length == 1 else None
        candidates, state = stepper.step(tokens, state, 1, banned=no_eos)
        tokens = candidates.ids[:, 0]
        ids[live, length - 1] = tokens
        log_probs[live] += candidates.log_probs[:, 0]
        lengths[live] = length
        ended[live] = tokens == eos
        going = np.flatnonzero((tokens != eos) & (length < max_lengths[live]))
        if not going.size:
            break
        if going.size < live.size:
            live, tokens, state = live[going], tokens[going], state.select(going)
    return [
        [Hypothesis(tuple(row[: length - end]), log_prob / length**length_penalty, log_prob, not end)]
        for row, log_prob, length, end in zip(
            ids.tolist(), log_probs.tolist(), lengths.tolist(), ended.tolist(), strict=True
        )
    ]
