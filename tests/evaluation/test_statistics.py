"""Blocks of lines add up to what sacreBLEU makes of the whole, bit for bit, and hold no more memory than one block.

This file says whether a version of sacreBLEU still works the way mtkit/evaluation/statistics.py takes for granted.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

from mtkit.evaluation.statistics import RunningBleu, RunningChrf

ALPHABETS = ["abcde", "αβγ.,", "一二三四五", "กขฃคฅ", "a1.,-'é 我"]


def sentences(count: int, rng: random.Random) -> list[str]:
    """Return lines of 0 to 12 words, few enough that two often share a run of four."""
    words = ["".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(1, 4))) for _ in range(12)]
    return [" ".join(rng.choices(words, k=rng.randint(0, 12))) for _ in range(count)]


def split(lines: Sequence[str], sizes: Sequence[int]) -> list[list[str]]:
    stream = iter(lines)
    return [[next(stream) for _ in range(size)] for size in sizes]


@pytest.mark.parametrize("tokenize", ["13a", "zh", "char", "intl", "none"])
@pytest.mark.parametrize("references", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_blocks_add_up_to_sacrebleu_on_the_whole(tokenize: str, references: int, seed: int) -> None:
    rng = random.Random(f"{tokenize} {references} {seed}")
    sizes = [1, 7, 1, 30, 11]
    hypotheses, *sides = (sentences(sum(sizes), random.Random(rng.random())) for _ in range(references + 1))
    sides = [
        [rng.choice([line, hypothesis]) for line, hypothesis in zip(side, hypotheses, strict=True)] for side in sides
    ]
    bleu, chrf = RunningBleu(tokenize), RunningChrf()
    for block, *of_sides in zip(split(hypotheses, sizes), *(split(side, sizes) for side in sides), strict=True):
        bleu.add(block, of_sides)
        chrf.add(block, of_sides)
    whole_bleu, whole_chrf = BLEU(tokenize=tokenize, force=True), CHRF()
    assert bleu.score == whole_bleu.corpus_score(hypotheses, sides).score
    assert chrf.score == whole_chrf.corpus_score(hypotheses, sides).score
    assert 0 < bleu.score < 100
    assert bleu.signature == str(whole_bleu.get_signature())
    assert chrf.signature == str(whole_chrf.get_signature())


def test_a_number_of_references_that_varies_from_block_to_block_is_in_the_signature() -> None:
    hypotheses = ["a b c d e", "f g h i"]
    sides: list[list[str | None]] = [["a b c d", "f g h i"], ["a b d e", None]]
    bleu, chrf = RunningBleu("13a"), RunningChrf()
    for number in range(2):
        block = [side[number : number + 1] for side in sides]
        bleu.add(hypotheses[number : number + 1], block)
        chrf.add(hypotheses[number : number + 1], block)
    whole_bleu, whole_chrf = BLEU(), CHRF()
    assert bleu.score == whole_bleu.corpus_score(hypotheses, sides).score  # type: ignore[arg-type]
    assert chrf.score == whole_chrf.corpus_score(hypotheses, sides).score  # type: ignore[arg-type]
    assert "nrefs:var|" in bleu.signature
    assert bleu.signature == str(whole_bleu.get_signature())
    assert chrf.signature == str(whole_chrf.get_signature())


def test_memory_does_not_grow_with_the_number_of_blocks() -> None:
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghij", k=5)) for _ in range(1000)]

    def peak(blocks: int) -> int:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        bleu, chrf = RunningBleu("13a"), RunningChrf()
        for _ in range(blocks):
            lines = [" ".join(rng.choices(words, k=20)) for _ in range(40)]
            bleu.add(lines, [lines])
            chrf.add(lines, [lines])
        return tracemalloc.get_traced_memory()[1] - before

    peak(1)  # what is imported and compiled once
    tracemalloc.start()
    try:
        once, often = peak(2), peak(12)
    finally:
        tracemalloc.stop()
    assert once > 1_000_000
    assert often < 1.2 * once


def test_words_are_those_of_the_tokenizer() -> None:
    assert RunningBleu("13a").words(" It's 3.5 m. ") == len(["It's", "3.5", "m", "."])
    assert RunningBleu("char").words("ab c") == 3
    assert RunningBleu("zh").words("") == 0


@pytest.mark.parametrize("tokenize", ["13a", "zh", "char", "intl"])
def test_no_line_stays_in_a_tokenizer_s_cache(tokenize: str) -> None:
    bleu = RunningBleu(tokenize)
    bleu.words("a line of the references")
    bleu.add(["a line"], [["a line of the references"]])
    cached = [getattr(kind.__call__, "cache_info", None) for kind in BaseTokenizer.__subclasses__()]
    assert [info().currsize for info in cached if info] == [0] * len([info for info in cached if info])
    assert any(cached)
