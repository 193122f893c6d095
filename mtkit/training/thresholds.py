"""Thresholds that settings and recipes give in BLEU, where another score leads."""

from __future__ import annotations

import math

from mtkit.evaluation import MetricName, ModelScore


def chrf_equivalent(bleu: float) -> float:
    """Return the chrF2 that goes with a BLEU on ordinary text, about: 32 with 10, 55 with 30, 97 with 95.

    The square root of BLEU's share is within three points of what systems of 10 to 60 BLEU have on European news.
    """
    return 10 * math.sqrt(bleu)


def threshold(metric: MetricName, bleu: float) -> float:
    """Return the threshold for a metric where it is `bleu` for BLEU, in steps of 0.1."""
    return bleu if metric == "bleu" else round(chrf_equivalent(bleu), 1)


def reaches(score: ModelScore, bleu: float) -> bool:
    """Whether a score is at least the threshold for its metric."""
    return score.reaches(bleu=bleu, chrf=threshold("chrf", bleu))
