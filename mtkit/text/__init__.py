"""Text, before tensors: lines, languages, vocabularies."""

from mtkit.text.languages import split_langs
from mtkit.text.lines import read_lines
from mtkit.text.normalisation import Normaliser
from mtkit.text.vocabulary import Vocabulary

__all__ = ["Normaliser", "Vocabulary", "read_lines", "split_langs"]
