"""Sentences of ids as one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mtkit.arrays import Ids
from mtkit.text.vocabulary import PAD


def pad(
    sentences: Sequence[npt.ArrayLike], *, before: Sequence[int] = (), after: Sequence[int] = (), multiple: int = 1
) -> Ids:
    """Make one table of sentences, padded on the right to a common width that is a multiple of `multiple`.

    pad([[5, 6], [7]], after=[EOS]) gives [[5, 6, EOS], [7, EOS, PAD]].
    """
    rows = [np.concatenate((before, ids, after)) for ids in sentences]
    width = -(-max(map(len, rows)) // multiple) * multiple
    table = np.full((len(rows), width), PAD, dtype=np.int64)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return table
