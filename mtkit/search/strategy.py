"""The one way into the searches: which of them the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtkit.search.beam import beam_search
from mtkit.search.greedy import greedy_search
from mtkit.search.hypothesis import Hypothesis, best_first
from mtkit.search.ranking import Ranking
from mtkit.search.rules import Rules
from mtkit.search.sampling import SamplingStepper
from mtkit.search.stepper import Ids, S, Stepper
from mtkit.settings import SearchSettings


def search(
    stepper: Stepper[S],
    src: Ids,
    src_lengths: Ids,
    settings: SearchSettings,
    *,
    bos: int,
    eos: int,
    n_best: int = 1,
    prefixes: Sequence[Sequence[int]] | None = None,
    attention: bool = False,
    seed: int = 1,
) -> list[list[Hypothesis]]:
    """Translate N sentences, each as if it were alone.

    Args:
        stepper: the model.
        src: (N, S) ids, each sentence ending in eos, padded with 0.
        src_lengths: (N,) tokens, eos included.
        settings: how to search, or to sample.
        bos: id that every target starts from.
        eos: id that ends a target; never its first token, so no translation is empty.
        n_best: most hypotheses of a sentence, at most the beam's size; or the draws, where they are sampled.
        prefixes: N times the pieces that a target begins with; any of them may be empty.
        attention: whether hypotheses bring their attention weights.
        seed: of the draws.

    Returns:
        For each sentence its hypotheses, best first: at least one, at most `n_best`, and distinct but for draws.
    """
    if settings.sample:
        # Each draw is a sentence of its own.
        src, src_lengths = np.repeat(src, n_best, axis=0), np.repeat(src_lengths, n_best)
        prefixes = prefixes and [prefix for prefix in prefixes for _ in range(n_best)]
    rules = Rules.of(settings, src_lengths, eos=eos, prefixes=prefixes)
    ranking = Ranking(settings, src_lengths, keep_attention=attention)
    if settings.sample:
        sampling = SamplingStepper(stepper, settings, draws=n_best, seed=seed)
        drawn = [one for [one] in greedy_search(sampling, src, src_lengths, rules, ranking, bos=bos)]
        return [sorted(drawn[row : row + n_best], key=best_first) for row in range(0, len(drawn), n_best)]
    if settings.beam_size == 1:
        return greedy_search(stepper, src, src_lengths, rules, ranking, bos=bos)
    return beam_search(stepper, src, src_lengths, rules, ranking, bos=bos, beam_size=settings.beam_size, n_best=n_best)
