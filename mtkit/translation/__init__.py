"""Translation: raw text in, raw text out, lines kept."""

from mtkit.translation.alignment import Attention
from mtkit.translation.translation import Alternative, PairScore, Translation
from mtkit.translation.translator import Translator

__all__ = ["Alternative", "Attention", "PairScore", "Translation", "Translator"]
