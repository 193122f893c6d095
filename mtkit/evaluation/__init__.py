"""Scores of translations against references, each with the signature that makes it comparable."""

from mtkit.evaluation.evaluator import evaluate
from mtkit.evaluation.leading import LABELS, Leading, MetricName, ModelScore, leading_for
from mtkit.evaluation.scores import LeadingMetric, Scores, corpus_bleu, corpus_chrf, perplexity_of, score

__all__ = [
    "LABELS",
    "Leading",
    "LeadingMetric",
    "MetricName",
    "ModelScore",
    "Scores",
    "corpus_bleu",
    "corpus_chrf",
    "evaluate",
    "leading_for",
    "perplexity_of",
    "score",
]
