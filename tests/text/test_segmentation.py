"""Text segmented at random: by the distribution that was promised, and the same in every process."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mtkit.text import segmentation
from mtkit.text.normalisation import SPACE
from mtkit.text.segmentation import MergeSegmenter, UnigramSegmenter, sample, size_of
from mtkit.text.vocabulary import Vocabulary

PIECES = {SPACE: (1, -3.0), "a": (2, -2.0), "b": (3, -2.5), "ab": (4, -2.8), "ba": (5, -4.0), f"{SPACE}ab": (6, -3.5)}
TEXTS = ["abba abab", "bab 😀a", "", "a" * 3000, "zwölf ab"]


def spell(character: str) -> list[int]:
    return [100 + byte for byte in character.encode()]


def vocabulary(vocab_type: str) -> Vocabulary:
    rng = Random(1)
    words = ["".join(rng.choices("abdeghi", k=rng.randint(2, 9))) for _ in range(300)]
    lines = [" ".join(rng.choices(words, k=6)) for _ in range(300)]
    return Vocabulary.train(lines, size=400, vocab_type=vocab_type, exact=False)  # type: ignore[arg-type]


def all_segmentations(word: str) -> dict[tuple[int, ...], float]:
    """Every segmentation, and its score."""
    if not word:
        return {(): 0.0}
    return {
        (id_, *rest): score + more
        for piece, (id_, score) in PIECES.items()
        if word.startswith(piece)
        for rest, more in all_segmentations(word[len(piece) :]).items()
    }


def test_unigram_segmentations_come_by_their_probability_to_a_power() -> None:
    word, alpha, draws = SPACE + "abba", 0.5, 20_000
    segmenter = UnigramSegmenter(PIECES, spell, alpha)
    rng = Random(1)
    found = Counter(tuple(segmenter(word, rng)) for _ in range(draws))
    weights = {ids: math.exp(alpha * score) for ids, score in all_segmentations(word).items()}
    assert found.keys() == weights.keys()
    for ids, weight in weights.items():
        expected = weight / sum(weights.values())
        assert found[ids] / draws == pytest.approx(expected, abs=4 * math.sqrt(expected / draws))


def of(kind: str, strength: float) -> tuple[Vocabulary, UnigramSegmenter | MergeSegmenter]:
    """A vocabulary with a segmenter of another strength than its own."""
    found = vocabulary(kind)
    own: Any = found._segmenters[kind]  # type: ignore[index]
    again: UnigramSegmenter | MergeSegmenter = type(own)(
        {
            piece: (id_, found._processor.get_score(id_))
            for id_, piece in enumerate(found.pieces(range(len(found))))
            if id_ >= 260
        },
        own._spell,
        strength,
    )
    return found, again


@pytest.mark.parametrize(("kind", "strength"), [("unigram", 1e4), ("bpe", 0.0)])
def test_without_randomness_the_segmentations_are_those_of_sentencepiece(kind: str, strength: float) -> None:
    found, segmenter = of(kind, strength)
    rng = Random(2)
    texts = [" ".join("".join(rng.choices("abdeghi😀", k=rng.randint(1, 12))) for _ in range(5)) for _ in range(100)]
    assert sample(texts, segmenter, seed=1) == found.encode_batch(texts)


def test_bpe_without_any_merge_is_spelt() -> None:
    segmenter = MergeSegmenter(PIECES, spell, 1.0)
    assert segmenter(SPACE + "abz", Random(1)) == [1, 2, 3, 100 + ord("z")]


def test_a_share_of_bpes_merges_is_left_out() -> None:
    segmenter, rng = MergeSegmenter(PIECES, spell, 0.25), Random(1)
    whole = sum(segmenter("ab", rng) == [4] for _ in range(10_000))
    assert whole / 10_000 == pytest.approx(0.75, abs=0.02)


def test_the_words_that_are_kept_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(1)
    sentences = ["".join(rng.choices("ab", k=60)) for _ in range(100)]
    tracemalloc.start()
    segmenter = UnigramSegmenter(PIECES, spell, 0.25)
    sample(sentences, segmenter, seed=1)
    kept = sum(size_of(word, ends) for word, ends in segmenter._words.items())
    assert kept / tracemalloc.get_traced_memory()[0] == pytest.approx(1, abs=0.3)
    tracemalloc.stop()
    monkeypatch.setattr(segmentation, "CACHED_BYTES", kept // 10)
    bounded = UnigramSegmenter(PIECES, spell, 0.25)
    assert sample(sentences, bounded, seed=1) == sample(sentences, segmenter, seed=1)
    assert 0 < sum(size_of(word, ends) for word, ends in bounded._words.items()) <= kept // 10


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_the_seed_alone_decides_in_every_process(kind: str, tmp_path: Path) -> None:
    found = vocabulary(kind)
    found.save(tmp_path / "v.spm")
    program = (
        "import hashlib, sys; from pathlib import Path; from mtkit.text.vocabulary import Vocabulary;"
        f"ids = Vocabulary.load(Path(sys.argv[1])).sample_batch({TEXTS}, {kind!r}, seed=5);"
        "print(hashlib.sha256(str(ids).encode()).hexdigest())"
    )
    root = str(Path(__file__).parent.parent.parent)
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "v.spm"],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    ids = found.sample_batch(TEXTS, kind, seed=5)  # type: ignore[arg-type]
    assert run.stdout.strip() == hashlib.sha256(str(ids).encode()).hexdigest()
    assert [found.decode(row) for row in ids] == TEXTS
