"""Translation: raw text in, raw text out, lines kept."""

from mtkit.translation.alignment import AttentionWeights
from mtkit.translation.batching_translator import BatchingTranslator
from mtkit.translation.translation import Alternative, PairScore, Translation
from mtkit.translation.translator import Translator

__all__ = ["Alternative", "AttentionWeights", "BatchingTranslator", "PairScore", "Translation", "Translator"]
