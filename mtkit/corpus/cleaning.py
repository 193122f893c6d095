"""Sentence pairs as they are to be learnt: normalised, and without those that a filter drops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mtkit.corpus.filters import Filter
from mtkit.corpus.report import CleaningReport
from mtkit.text.vocabulary import normalise_source, normalise_target


def clean(
    pairs: Iterable[tuple[str, str]], filters: Sequence[Filter[str]], report: CleaningReport
) -> Iterator[tuple[str, str]]:
    """Yield the pairs worth keeping, normalised, and count all of them in `report`. Duplicates stay.

    Args:
        pairs: raw (source, target) pairs.
        filters: asked in this order; the first that drops a pair counts it.
        report: counts to add to.
    """
    for raw_src, raw_tgt in pairs:
        src, tgt = normalise_source(raw_src), normalise_target(raw_tgt)
        report.total += 1
        for filter_ in filters:
            if filter_.drops(src, tgt):
                report.drop(filter_.name)
                break
        else:
            yield src, tgt
