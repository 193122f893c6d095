"""What training changes of a batch each time it reads it: segmentation, characters in bytes, pieces left out.

All of it is a pure function of (seed, epoch, position of the batch in the epoch), so a resumed training sees what an
uninterrupted one sees. Batches stay planned on the lengths of the plain ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt

from mtkit.arrays import Ids
from mtkit.dataset.batches import Batch, assemble
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.text.byte_spelling import marked
from mtkit.text.segmentation import CACHED_BYTES
from mtkit.text.vocabulary import EOS, UNK, Vocabulary

SPELLING_BATCHES = 1 / 16
"""Share of the batches that have all the characters in bytes: they make a batch longer, which few should be."""
SPELLING_LENGTHENS = 12
"""Pieces by which they make a batch longer: two strangers of four bytes each, and other segments around them."""


@dataclass(frozen=True)
class Noise:
    """Subword sampling, word dropout and byte spelling for the training batches of a corpus."""

    corpus: PreparedCorpus
    subword_sampling: float
    """Share of the sentences, on each side, that are segmented at random (Kudo 2018; Provilkov et al. 2020)."""
    word_dropout: float
    """Share of the pieces that the network reads as unk, on both sides (Gal and Ghahramani 2016, Sennrich and Zhang
    2019). What it is to predict stays whole."""
    seed: int
    byte_spelling: float = 0.0
    """Share of the source's characters that both sides have in bytes, strangers among them."""

    @property
    def cached_bytes(self) -> int:
        """What subword sampling may keep of words it has segmented, in all."""
        if not self.subword_sampling or self.corpus.manifest.corpus.vocab_type != "unigram":
            return 0
        return CACHED_BYTES * (1 if self.corpus.joint else 2)

    def load(self, indices: Ids, epoch: int, position: int) -> Batch:
        """Read the pairs of a planned batch."""
        generator = np.random.default_rng([self.seed, epoch, position])
        split = self.corpus.train
        src, tgt = split.gather(indices)
        if self.subword_sampling:
            src = self._sample(self.corpus.src_vocabulary, src, split.src_texts(indices), generator)
            tgt = self._sample(self.corpus.tgt_vocabulary, tgt, split.tgt_texts(indices), generator)
        if self.byte_spelling:
            self._spell(src, tgt, indices, generator)
        batch = assemble(src, tgt)
        if self.word_dropout:
            for table in (batch.src, batch.tgt_in):
                table[(generator.random(table.shape) < self.word_dropout) & (table > EOS)] = UNK
        return batch

    def _sample(
        self,
        vocabulary: Vocabulary,
        plain: Sequence[npt.NDArray[np.int32]],
        texts: Sequence[str],
        generator: np.random.Generator,
    ) -> list[npt.NDArray[np.int32]]:
        """Return the sentences with a random share of them segmented at random."""
        result = list(plain)
        chosen = np.flatnonzero(generator.random(len(texts)) < self.subword_sampling).tolist()
        sampled = vocabulary.sample_batch(
            [texts[row] for row in chosen], self.corpus.manifest.corpus.vocab_type, seed=int(generator.integers(2**31))
        )
        for row, ids in zip(chosen, sampled, strict=True):
            result[row] = np.array(ids, np.int32)
        return result

    def _spell(
        self,
        src: list[npt.NDArray[np.int32]],
        tgt: list[npt.NDArray[np.int32]],
        indices: Ids,
        generator: np.random.Generator,
    ) -> None:
        """Put, now and then, pairs with characters in bytes into the place of some."""
        batches = max(SPELLING_BATCHES, self.byte_spelling)
        if generator.random() >= batches:
            return
        share = self.byte_spelling / batches
        texts = self.corpus.train.src_texts(indices)
        lengths = np.array(list(map(len, texts)))
        most = np.maximum(1, np.round(2 * share * lengths))  # one sentence of very many would widen all
        counts = np.minimum(generator.binomial(lengths, share), most).astype(int)
        rows = np.flatnonzero(counts)
        rng = Random(int(generator.integers(2**31)))
        for row, target in zip(rows.tolist(), self.corpus.train.tgt_texts(indices[rows]), strict=True):
            source_marked, target_marked = marked(texts[row], target, int(counts[row]), rng)
            src[row] = np.array(self.corpus.src_vocabulary.encode_marked(source_marked), np.int32)
            tgt[row] = np.array(self.corpus.tgt_vocabulary.encode_marked(target_marked), np.int32)
