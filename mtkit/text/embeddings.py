"""Pre-trained embeddings in word2vec's text format: their count and width, then a word and its vector a line.

It is what fastText writes too, and GloVe without the first line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mtkit.errors import CorpusError, SettingsError
from mtkit.text.lines import is_pipe, read_lines
from mtkit.text.normalisation import SPACE


def embedding_size(path: Path) -> int:
    """Return the width of the vectors in a file, from its first lines alone.

    Raises:
        CorpusError: the file cannot be read, or not again for the vectors themselves.
        SettingsError: it is not one of this kind.
    """
    if is_pipe(path):
        raise CorpusError(
            f"{path}: is a pipe, which cannot be read again, and embeddings are read several times; write what it "
            "gives to a file, and give that"
        )
    return _header(next(read_lines(path), ""), path)[0]


def read_embeddings(path: Path, pieces: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return a table (pieces, width) of the vectors of these pieces, and which of them the file has.

    A word of the file stands for the piece that begins a word, `▁word`, where the file has no such piece itself.

    Raises:
        CorpusError: the file cannot be read.
        SettingsError: a line of it is not a word with a vector; the message names it.
    """
    lines = read_lines(path)
    first = next(lines, "")
    width, has_header = _header(first, path)
    rows = {piece: row for row, piece in enumerate(pieces)}
    table = np.zeros((len(pieces), width), np.float32)
    rank = np.zeros(len(pieces), np.int8)  # 2 where the piece itself was found, 1 where the word it begins
    for number, line in enumerate(lines if has_header else chain([first], lines), start=1 + has_header):
        word, _, rest = line.rstrip().partition(" ")
        for piece, better in ((word, 2), (SPACE + word, 1)):
            row = rows.get(piece)
            if row is not None and rank[row] < better:
                table[row], rank[row] = _vector(rest, width, path, number), better
    return table, rank > 0


def _header(first: str, path: Path) -> tuple[int, bool]:
    """Return the width of the vectors by the first line, and whether it is a header."""
    parts = first.split()
    if len(parts) == 2 and all(part.isdecimal() for part in parts):
        return int(parts[1]), True
    if len(parts) < 2:
        raise SettingsError(f"{path}: line 1 is not a word with a vector; give embeddings in word2vec's text format")
    _vector(" ".join(parts[1:]), len(parts) - 1, path, 1)
    return len(parts) - 1, False


def _vector(text: str, width: int, path: Path, number: int) -> npt.NDArray[np.float32]:
    try:
        vector = np.array(text.split(), np.float32)
    except ValueError:
        vector = np.zeros(0, np.float32)
    if len(vector) != width or not np.isfinite(vector).all():
        raise SettingsError(f"{path}: line {number:,} is not a word with {width} finite numbers")
    return vector
