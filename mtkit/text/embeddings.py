"""Pre-trained embeddings in word2vec's text format: their count and width, then a word and its vector a line.

It is what fastText writes too, and GloVe without the first line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mtkit.errors import SettingsError
from mtkit.text.lines import read_lines
from mtkit.text.segmentation import SPACE


def embedding_size(path: Path) -> int:
    """Return the width of the vectors in a file, from its first lines alone.

    Raises:
        CorpusError: the file cannot be read.
        SettingsError: it is none of this kind.
    """
    return _header(path)[0]


def read_embeddings(path: Path, pieces: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return a table (pieces, width) of the vectors of these pieces, and which of them the file has.

    A word of the file stands for the piece that begins a word, `▁word`, where the file has no such piece itself.

    Raises:
        CorpusError: the file cannot be read.
        SettingsError: a line of it is no word with a vector; the message names it.
    """
    width, has_header = _header(path)
    rows = {piece: row for row, piece in enumerate(pieces)}
    table = np.zeros((len(pieces), width), np.float32)
    rank = np.zeros(len(pieces), np.int8)  # 2 where the piece itself was found, 1 where the word it begins
    for number, line in enumerate(read_lines(path), start=1):
        if number == 1 and has_header:
            continue
        word, _, rest = line.rstrip().partition(" ")
        for piece, better in ((word, 2), (SPACE + word, 1)):
            row = rows.get(piece)
            if row is not None and rank[row] < better:
                table[row], rank[row] = _vector(rest, width, path, number), better
    return table, rank > 0


def _header(path: Path) -> tuple[int, bool]:
    """Return the width of the vectors, and whether the first line tells it."""
    first = next(iter(read_lines(path)), "").split()
    if len(first) == 2 and all(part.isdecimal() for part in first):
        return int(first[1]), True
    if len(first) < 2:
        raise SettingsError(f"{path}: line 1 is no word with a vector; give embeddings in word2vec's text format")
    _vector(" ".join(first[1:]), len(first) - 1, path, 1)
    return len(first) - 1, False


def _vector(text: str, width: int, path: Path, number: int) -> npt.NDArray[np.float32]:
    try:
        vector = np.array(text.split(), np.float32)
    except ValueError:
        vector = np.zeros(0, np.float32)
    if len(vector) != width or not np.isfinite(vector).all():
        raise SettingsError(f"{path}: line {number:,} is no word with {width} finite numbers")
    return vector
