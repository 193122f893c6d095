"""Forced decoding: what a model thinks of targets that are given."""

from __future__ import annotations

import numpy as np

from mtkit.arrays import Ids, Reals
from mtkit.search.stepper import S, Stepper


def score_targets(stepper: Stepper[S], src: Ids, src_lengths: Ids, tgt: Ids, tgt_lengths: Ids, *, bos: int) -> Reals:
    """Return the log-probability (natural, summed over tokens, eos included) of one target for each of N sources.

    The perplexity of a corpus is `exp(-sum of log-probabilities / sum of tgt_lengths)`.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        tgt: (N, T) ids, in the same form.
        tgt_lengths: (N,) tokens, eos included, at least 1.
        bos: id that every target starts from.
    """
    log_probs = np.zeros(len(tgt))
    active = np.arange(len(tgt))
    tokens = np.full(len(tgt), bos)
    state = stepper.start(src, src_lengths)
    for length in range(1, tgt_lengths.max() + 1):
        required = tgt[active, length - 1]
        candidates, state = stepper.step(tokens, state, 1, required=required)
        assert candidates.required is not None  # a stepper returns what was required
        log_probs[active] += candidates.required
        going = np.flatnonzero(length < tgt_lengths[active])
        if not going.size:
            break
        active, tokens, state = active[going], required[going], state.select(going)
    return log_probs
