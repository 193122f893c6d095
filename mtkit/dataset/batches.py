"""Token batches, in an order that is a pure function of (seed, epoch).

Sentences of similar length share a batch, so that little of it is padding; which of them meet, and in which order
the batches come, is drawn anew each epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtkit.dataset.prepared import Split
from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, PAD

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """B sentence pairs, padded on the right with `PAD`.

    For the pairs (a b, x) and (c, y z):

        src     = [[a, b, EOS], [c, EOS, PAD]]      src_lengths = [3, 2]
        tgt_in  = [[BOS, x, PAD], [BOS, y, z]]      what the decoder reads
        tgt_out = [[x, EOS, PAD], [y, z, EOS]]      what it is to say
    """

    src: Ids
    src_lengths: Ids
    tgt_in: Ids
    tgt_out: Ids

    @property
    def tokens(self) -> int:
        """Target tokens to predict, eos included and padding not."""
        return int((self.tgt_out != PAD).sum())

    @property
    def size(self) -> int:
        """Tokens on the longer side, padding included: what `batch_tokens` bounds."""
        return len(self.src) * max(int(self.src.shape[1]), int(self.tgt_out.shape[1]))

    def split(self, size: int) -> list[Batch]:
        """Cut into batches of at most so many tokens on the longer side, of one pair at the least."""
        rows = max(1, size * len(self.src) // self.size)
        return [
            Batch(*(table[first : first + rows] for table in vars(self).values()))
            for first in range(0, len(self.src), rows)
        ]


def assemble(src: Sequence[npt.ArrayLike], tgt: Sequence[npt.ArrayLike]) -> Batch:
    """Make a batch of the ids of each source and target sentence."""
    src_in = pad(src, after=[EOS])
    return Batch(
        src=src_in,
        src_lengths=(src_in != PAD).sum(axis=1),
        tgt_in=pad(tgt, before=[BOS]),
        tgt_out=pad(tgt, after=[EOS]),
    )


class Batches:
    """The batches of a split. A batch holds at most `batch_tokens` tokens on its longer side, padding included."""

    def __init__(self, split: Split, batch_tokens: int, seed: int) -> None:
        self.split = split
        self.batch_tokens = batch_tokens
        self.seed = seed
        self._lengths = np.maximum(split.src_lengths, split.tgt_lengths) + 1  # with eos

    def epoch(self, epoch: int) -> list[Ids]:
        """Plan an epoch: the indices of each batch's pairs, in the order of training."""
        generator = np.random.default_rng([self.seed, epoch])
        shuffled = generator.permutation(len(self.split))
        keys = (self.split.src_lengths[shuffled], self.split.tgt_lengths[shuffled], self._lengths[shuffled])
        plan = self._cut(shuffled[np.lexsort(keys)])
        return [plan[index] for index in generator.permutation(len(plan))]

    def in_order(self) -> list[Ids]:
        """Plan one pass without chance, shortest first: for validation."""
        keys = (np.arange(len(self.split)), self.split.src_lengths, self.split.tgt_lengths, self._lengths)
        return self._cut(np.lexsort(keys))

    def largest(self) -> Batch:
        """Read the batch that has the most tokens on both sides together, padding included."""
        src, tgt = self.split.src_lengths, self.split.tgt_lengths
        size = {len(indices) * int(src[indices].max() + tgt[indices].max() + 2): indices for indices in self.in_order()}
        return self.load(size[max(size)])

    def load(self, indices: Ids) -> Batch:
        """Read the pairs of a planned batch."""
        return assemble(*self.split.gather(indices))

    def _cut(self, order: Ids) -> list[Ids]:
        """Cut indices of ascending length into batches as large as fit; a pair that fits in none is one by itself."""
        lengths = self._lengths[order]
        plan, first = [], 0
        while first < len(order):
            ahead = lengths[first : first + self.batch_tokens // int(lengths[first]) + 1]
            tokens = ahead * np.arange(1, len(ahead) + 1)  # of the batch that ends there: its last pair is the longest
            size = max(1, int(np.searchsorted(tokens, self.batch_tokens, side="right")))
            plan.append(order[first : first + size])
            first += size
        return plan
