"""What the attention says of a translation: its weights, and links between pieces or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtkit.arrays import Reals
from mtkit.text.vocabulary import Vocabulary

Link = tuple[int, int]
"""A source and a target position, both counted from 0."""


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """The weights (T, S) with which T target pieces looked at S source pieces; both end in eos, unless cut off."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: Reals


def links(weights: Reals, src_units: Sequence[int], tgt_units: Sequence[int]) -> set[Link]:
    """Link what each target piece belongs to with what the source piece that it looked at most belongs to.

    A piece that looked at eos most looked at nothing in particular, and is not linked.

    Args:
        weights: (T, S) attention, which may go on with the rows and columns of eos and padding.
        src_units: the number of each source piece, or that of its word; -1 where it has none.
        tgt_units: the same of each target piece.
    """
    most = weights[: len(tgt_units), : len(src_units) + 1].argmax(axis=1)
    src_of_each = [*src_units, -1]
    return {(src_of_each[s], t) for t, s in zip(tgt_units, most.tolist(), strict=True) if min(src_of_each[s], t) >= 0}


def words_of_pieces(vocabulary: Vocabulary, ids: Sequence[int]) -> list[int]:
    """Return for each piece the number of the word it belongs to, where words are what spaces part in the text.

    words_of_pieces(vocabulary, [▁the, ▁c, at, .]) is [0, 1, 1, 1]. Where the text has no words, all are -1.
    """
    # The text so far ends in the piece's word. It is decoded, since bytes can spell anything, spaces included.
    ends = (end or place for place, end in enumerate(vocabulary.character_ends(ids)))
    words = [len(vocabulary.decode(ids[:end]).split()) - 1 for end in ends]
    return [min(max(0, word), words[-1]) for word in words]


def first_words(text: str, parts: Sequence[str]) -> list[int]:
    """Return the number of the word in which each part of a text begins: a new one, unless the cut went through it.

    first_words("a bc de", ["a b", "c de"]) is [0, 1].
    """
    numbers, word, position = [], 0, 0
    for part in parts:
        start = text.index(part, position)
        if 0 < start == position:
            word -= 1
        numbers.append(word)
        word += len(part.split())
        position = start + len(part)
    return numbers
