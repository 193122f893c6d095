"""Text, before tensors: parallel text in, cleaning, vocabularies."""

from mtkit.text.cleaning import CleaningReport, clean
from mtkit.text.corpus import ParallelText, read_lines, split_langs
from mtkit.text.vocabulary import Vocabulary, normalise_source, normalise_target

__all__ = [
    "CleaningReport",
    "ParallelText",
    "Vocabulary",
    "clean",
    "normalise_source",
    "normalise_target",
    "read_lines",
    "split_langs",
]
