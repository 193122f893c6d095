"""Scores of translations against references, each with the signature that makes it comparable."""

from mtkit.evaluation.scores import Scores, perplexity_of, score

__all__ = ["Scores", "perplexity_of", "score"]
