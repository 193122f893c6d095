"""Text, before tensors: lines, languages, vocabularies."""

from mtkit.text.languages import split_langs
from mtkit.text.lines import read_lines
from mtkit.text.vocabulary import Vocabulary, normalise_source, normalise_target

__all__ = ["Vocabulary", "normalise_source", "normalise_target", "read_lines", "split_langs"]
