"""The one way into the searches: which of them the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

from mtkit.arrays import Ids
from mtkit.search.beam import beam_search
from mtkit.search.greedy import greedy_search
from mtkit.search.hypothesis import Hypothesis, best_first
from mtkit.search.ranking import Ranking
from mtkit.search.rules import Rules
from mtkit.search.sampling import SamplingStepper
from mtkit.search.stepper import S, Stepper
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
    together: int | None = None,
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
        together: most sentences under way at a time; the next ones begin as others end. None: all.

    Returns:
        For each sentence its hypotheses, best first: at least one, at most `n_best`, and distinct but for draws.
    """
    rules = Rules.of(settings, src_lengths, eos=eos, prefixes=prefixes)
    ranking = Ranking(settings, src_lengths, keep_attention=attention)
    task = src, src_lengths, rules, ranking
    if settings.sample:
        sampling = SamplingStepper(stepper, settings, draws=n_best, seed=seed)
        drawn = greedy_search(sampling, *task, bos=bos, together=together, each=n_best)
        return [sorted(hypotheses, key=best_first) for hypotheses in drawn]
    if settings.beam_size == 1:
        return greedy_search(stepper, *task, bos=bos, together=together)
    return beam_search(stepper, *task, bos=bos, together=together, beam_size=settings.beam_size, n_best=n_best)
