"""Token batches, in an order that is a pure function of (seed, epoch).

Sentences of similar length share a batch, so that little of it is padding; which of them meet, and in which order
the batches come, is drawn again each epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mtkit.arrays import Ids
from mtkit.dataset.prepared import Split
from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, PAD


@dataclass(frozen=True)
class Batch:
    """B sentence pairs, padded on the right with `PAD`.

    For the pairs (a b, x) and (c, y z):

        src     = [[a, b, EOS], [c, EOS, PAD]]      src_lengths = [3, 2]
        tgt_in  = [[BOS, x, PAD], [BOS, y, z]]      what the decoder reads
        tgt_out = [[x, EOS, PAD], [y, z, EOS]]      what it predicts
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
        """Split into batches of at most `size` tokens on the longer side, each of one pair at the least."""
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
    """The batches of a split. A batch holds at most `batch_tokens` tokens on its longer side, padding included.

    Planning an epoch is one sort of 64-bit numbers, since a corpus may have many million pairs: 10 million take a
    second, where shuffling them and sorting their indices took 20.
    """

    def __init__(self, split: Split, batch_tokens: int, seed: int) -> None:
        self.split = split
        self.batch_tokens = batch_tokens
        self.seed = seed
        src, tgt = split.src_lengths, split.tgt_lengths
        longest = np.maximum(src, tgt).astype(np.int64)
        ranks = longest * longest + tgt + (tgt >= src) * src
        self._ranks = ranks.astype(np.min_scalar_type(ranks.max(initial=0)))
        """(pairs,): ascend with the longer side, then with the target, then with the source."""
        counts = np.bincount(longest)
        self._bounds = _cut(np.arange(len(counts)) + 1, counts, batch_tokens)  # with eos

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._bounds) - 1

    def epoch(self, epoch: int) -> list[Ids]:
        """Plan an epoch: the indices of each batch's pairs, in the order of training."""
        rng = np.random.default_rng([self.seed, epoch])
        pairs = len(self.split)
        # A key of 64 bits for each pair: | rank: rank_bits | random: all that is left | index: index_bits |
        # Sorted, keys go by length, and pairs of equal length in random order. The index makes all keys different, so
        # there is one sorted order whatever the sort does with ties, and it leads back to the pair without an argsort.
        index_bits, rank_bits = pairs.bit_length(), int(self._ranks.max()).bit_length()
        # 1. As many random bits as fit between the two others, moved up to make room for the index below them.
        keys = rng.integers(2 ** (64 - rank_bits - index_bits), size=pairs, dtype=np.uint64)
        keys <<= np.uint64(index_bits)
        # 2. The index in the lowest bits, the rank in the highest, where it decides first.
        keys |= np.arange(pairs, dtype=np.uint64)
        keys |= self._ranks.astype(np.uint64) << np.uint64(64 - rank_bits)
        # 3. One sort, in place; then all but the index is masked away, which leaves the pairs in their order.
        keys.sort()
        keys &= np.uint64(2**index_bits - 1)
        # 4. A new batch where one is full; the batches are shuffled, so that training does not go from short to long.
        plan = self._parts(keys.view(np.int64))
        return [plan[index] for index in rng.permutation(len(plan))]

    def in_order(self) -> list[Ids]:
        """Plan one pass without randomness, shortest first: for validation."""
        return self._parts(np.argsort(self._ranks, kind="stable"))

    def largest(self) -> Batch:
        """Read the batch that has the most tokens on both sides together, padding included."""
        src, tgt = self.split.src_lengths, self.split.tgt_lengths
        size = {len(indices) * int(src[indices].max() + tgt[indices].max() + 2): indices for indices in self.in_order()}
        return self.load(size[max(size)])

    def load(self, indices: Ids) -> Batch:
        """Read the pairs of a planned batch."""
        return assemble(*self.split.gather(indices))

    def _parts(self, order: Ids) -> list[Ids]:
        return [order[first:end] for first, end in pairwise(self._bounds)]


def _cut(lengths: Ids, counts: Ids, batch_tokens: int) -> list[int]:
    """Cut pairs of ascending length into batches as large as fit; a pair that fits in none is one by itself.

    Args:
        lengths: (L,), ascending.
        counts: (L,), pairs of each length.
        batch_tokens: the most tokens of a batch, which all count as the longest.

    Returns:
        Where each batch begins among the pairs, and where the last one ends.
    """
    bounds = [0]
    place = 0  # in `lengths`, of the longest pair that the batch may yet end with
    ends, longest = np.cumsum(counts).tolist(), lengths.tolist()
    while bounds[-1] < ends[-1]:
        first, end = bounds[-1], bounds[-1] + 1
        while place < len(ends):
            end = max(end, min(ends[place], first + batch_tokens // longest[place]))
            if end < ends[place]:
                break
            place += 1
        bounds.append(end)
    return bounds
