"""Parallel text: read, cleaned and counted, and what of it is held out."""

from mtkit.corpus.cleaning import clean
from mtkit.corpus.filters import Filter
from mtkit.corpus.parallel_text import ParallelText
from mtkit.corpus.report import CleaningReport
from mtkit.corpus.selection import CleanText, FileEntry, Survey

__all__ = ["CleanText", "CleaningReport", "FileEntry", "Filter", "ParallelText", "Survey", "clean"]
