"""Scores of translations against references, each with the signature that makes it comparable."""

from mtkit.evaluation.evaluator import evaluate
from mtkit.evaluation.scores import Scores, corpus_bleu, perplexity_of, score

__all__ = ["Scores", "corpus_bleu", "evaluate", "perplexity_of", "score"]
