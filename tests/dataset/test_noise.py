"""What training changes of a batch, and what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from mtkit.dataset import Batch, Batches, PreparedCorpus
from mtkit.dataset.noise import SPELLING_LENGTHENS, Noise
from mtkit.text.vocabulary import BOS, EOS, PAD, UNK, Vocabulary

INDICES = np.arange(40)


def same(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_without_noise_a_batch_is_the_plain_one(prepared: PreparedCorpus) -> None:
    plain = Batches(prepared.train, 1000, seed=1).load(INDICES)
    assert same(Noise(prepared, 0.0, 0.0, seed=1).load(INDICES, 3, 5), plain)


@pytest.mark.parametrize(("sampling", "dropout"), [(0.5, 0.0), (0.0, 0.3), (1.0, 0.3)])
def test_it_is_a_pure_function_of_seed_epoch_and_position(
    prepared: PreparedCorpus, sampling: float, dropout: float
) -> None:
    noise = Noise(prepared, sampling, dropout, seed=1)
    first = noise.load(INDICES, 2, 7)
    for epoch, position, seed in [(3, 7, 1), (2, 8, 1), (2, 7, 2)]:
        assert not same(Noise(prepared, sampling, dropout, seed).load(INDICES, epoch, position), first)
    assert same(noise.load(INDICES, 2, 7), first), "whatever was read in between"


def test_sampled_segmentations_are_the_same_text(prepared: PreparedCorpus) -> None:
    batch = Noise(prepared, 1.0, 0.0, seed=1).load(INDICES, 0, 0)
    src, tgt = prepared.train.gather(INDICES)
    assert [prepared.src_vocabulary.decode(row) for row in batch.src.tolist()] == prepared.train.src_texts(INDICES)
    assert [prepared.tgt_vocabulary.decode(row) for row in batch.tgt_out.tolist()] == prepared.train.tgt_texts(INDICES)
    assert (batch.tgt_in[:, 1:] == np.where(batch.tgt_out == EOS, PAD, batch.tgt_out)[:, :-1]).all()
    assert batch.src_lengths.tolist() == [row.index(EOS) + 1 for row in batch.src.tolist()]
    assert sum(batch.src_lengths) > 1.05 * sum(len(ids) + 1 for ids in src)
    assert batch.tokens > 1.05 * sum(len(ids) + 1 for ids in tgt)


def test_only_the_given_share_is_sampled(prepared: PreparedCorpus) -> None:
    indices = np.arange(len(prepared.train))
    plain = Batches(prepared.train, 10**9, seed=1).load(indices)
    batch = Noise(prepared, 0.4, 0.0, seed=1).load(indices, 0, 0)
    all_new = Noise(prepared, 1.0, 0.0, seed=1).load(indices, 0, 0)

    def changed(other: Batch) -> float:
        return float(np.mean([one.tolist() != two.tolist()[: len(one)] for one, two in zip(plain.src, other.src)]))  # noqa: B905

    assert changed(batch) == pytest.approx(0.4 * changed(all_new), abs=0.06)


def test_pieces_left_out_are_read_as_unk_and_still_predicted(prepared: PreparedCorpus) -> None:
    indices = np.arange(200)
    plain = Batches(prepared.train, 10**9, seed=1).load(indices)
    batch = Noise(prepared, 0.0, 0.3, seed=1).load(indices, 0, 0)
    assert np.array_equal(batch.tgt_out, plain.tgt_out)
    for noisy, whole in ((batch.src, plain.src), (batch.tgt_in, plain.tgt_in)):
        left_out = noisy != whole
        assert (noisy[left_out] == UNK).all()
        assert not np.isin(whole[left_out], [PAD, BOS, EOS]).any()
        assert left_out.sum() / (whole > EOS).sum() == pytest.approx(0.3, abs=0.03)


def test_characters_in_bytes_come_in_some_batches_on_both_sides_alike(prepared: PreparedCorpus) -> None:
    indices = np.arange(400)
    plain = Noise(prepared, 0.0, 0.0, seed=1).load(indices, 0, 0)
    noise = Noise(prepared, 0.0, 0.0, seed=1, byte_spelling=0.002)
    spelt = [position for position in range(160) if not same(noise.load(indices, 0, position), plain)]
    assert 3 < len(spelt) < 20
    for position in spelt[:2]:
        batch = noise.load(indices, 0, position)
        assert same(batch, noise.load(indices, 0, position)), "a pure function of seed, epoch and position"
        assert not same(batch, noise.load(indices, 1, position))
        rows = [
            (spelt_in(prepared.src_vocabulary, src), spelt_in(prepared.tgt_vocabulary, tgt))
            for src, tgt in zip(batch.src.tolist(), batch.tgt_out.tolist(), strict=True)
        ]
        assert all(src == tgt for src, tgt in rows)
        assert {"."} < {character for src, _ in rows for character in src}
        assert 0.2 < np.mean([bool(src) for src, _ in rows]) < 0.8
        assert batch.src.shape[1] <= plain.src.shape[1] + SPELLING_LENGTHENS


def spelt_in(vocabulary: Vocabulary, ids: list[int]) -> str:
    """Return the characters that are spelt in bytes."""
    text = [id_ for id_ in ids if id_ > EOS]
    return vocabulary.decode([id_ for id_ in text if vocabulary.spells([id_])]).replace(" ", "")
