"""Sentence pairs as they are to be learnt: normalised, and without those that a filter drops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mtkit.corpus.filters import Filter
from mtkit.corpus.report import CleaningReport
from mtkit.text.normalisation import Normaliser


def clean(
    pairs: Iterable[tuple[str, str]], normaliser: Normaliser, filters: Sequence[Filter[str]], report: CleaningReport
) -> Iterator[tuple[str, str]]:
    """Yield the pairs worth keeping, normalised, and count all of them in `report`. Duplicates stay.

    Args:
        pairs: raw (source, target) pairs.
        normaliser: what makes them uniform.
        filters: asked in this order; the first that drops a pair counts it.
        report: counts to add to.
    """
    source, target = normaliser.source, normaliser.target  # looked up once: this runs for every pair of a corpus
    questions = [(filter_.drops, filter_.name) for filter_ in filters]
    for raw_src, raw_tgt in pairs:
        src, tgt = source(raw_src), target(raw_tgt)
        report.total += 1
        for drops, name in questions:
            if drops(src, tgt):
                report.drop(name)
                break
        else:
            yield src, tgt
