"""Translation: raw text in, raw text out, lines kept."""

from mtkit.translation.translator import Translation, Translator

__all__ = ["Translation", "Translator"]
