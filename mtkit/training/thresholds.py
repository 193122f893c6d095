"""Thresholds that settings and recipes give in BLEU, where another score leads."""

from __future__ import annotations

import math

from mtkit.evaluation import MetricName, ModelScore


def chrf_equivalent(bleu: float) -> float:
    """Return the chrF2 that goes with a BLEU on ordinary text, about: 32 with 10, 55 with 30, 97 with 95.

    On validations of English-French models of `data/`, BLEU 4.5, 8.0, 11.2 and 14.6 went with chrF2 24, 30, 33 and 38,
    and BLEU 95.9 with 98.3.
    """
    return 10 * math.sqrt(bleu)


def threshold(metric: MetricName, bleu: float) -> float:
    """Return the threshold for a metric where it is `bleu` for BLEU, in steps of 0.1."""
    return bleu if metric == "bleu" else round(chrf_equivalent(bleu), 1)


def reaches(score: ModelScore, bleu: float) -> bool:
    """Whether a score is at least the threshold for its metric."""
    return score.reaches(bleu=bleu, chrf=threshold("chrf", bleu))
