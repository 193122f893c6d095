"""The formats that parallel text is read from: one class each, in a file of its own.

A new one is a subclass of `Format` in a new file, handed on here, and its name in `mtkit.corpus.parallel_text.FORMATS`.
"""

from mtkit.corpus.formats.format import Format, TextSpec
from mtkit.corpus.formats.line_files import LineFiles
from mtkit.corpus.formats.tsv import Tsv

__all__ = ["Format", "LineFiles", "TextSpec", "Tsv"]
