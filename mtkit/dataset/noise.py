"""What training changes of a batch, each time it is read anew: how its text is cut into pieces, and pieces left out.

All of it is a pure function of (seed, epoch, position of the batch in the epoch), so a resumed training sees what an
uninterrupted one sees. Batches stay planned on the lengths of the plain ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtkit.arrays import Ids
from mtkit.dataset.batches import Batch, assemble
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.text.vocabulary import EOS, UNK, Vocabulary


@dataclass(frozen=True)
class Noise:
    """Subword sampling and word dropout for the training batches of a corpus."""

    corpus: PreparedCorpus
    subword_sampling: float
    """Share of the sentences, on each side, that are cut into pieces at random (Kudo 2018; Provilkov et al. 2020)."""
    word_dropout: float
    """Share of the pieces that the network reads as unk, on both sides (Gal and Ghahramani 2016, Sennrich and Zhang
    2019). What it is to say stays whole."""
    seed: int

    def load(self, indices: Ids, epoch: int, position: int) -> Batch:
        """Read the pairs of a planned batch."""
        generator = np.random.default_rng([self.seed, epoch, position])
        split = self.corpus.train
        src, tgt = split.gather(indices)
        if self.subword_sampling:
            src = self._sample(self.corpus.src_vocabulary, src, split.src_texts(indices), generator)
            tgt = self._sample(self.corpus.tgt_vocabulary, tgt, split.tgt_texts(indices), generator)
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
        """Return the sentences with a random share of them cut anew."""
        result = list(plain)
        chosen = np.flatnonzero(generator.random(len(texts)) < self.subword_sampling).tolist()
        cut = vocabulary.sample_batch(
            [texts[row] for row in chosen], self.corpus.manifest.corpus.vocab_type, seed=int(generator.integers(2**31))
        )
        for row, ids in zip(chosen, cut, strict=True):
            result[row] = np.array(ids, np.int32)
        return result
