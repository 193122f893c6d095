"""On 1,000 real sentences the batch never changes the translation: long, and only where MTKIT_CORPORA is set."""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path

import pytest
import torch

from mtkit import PreprocessSettings, SearchSettings, TrainSettings, Translator, prepare, train
from mtkit.settings import CorpusSettings
from mtkit.text.lines import read_lines

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("MTKIT_CORPORA" not in os.environ, reason="MTKIT_CORPORA names no folder that holds multi30k/"),
]
SENTENCES = 1000


@pytest.fixture(scope="module")
def text() -> Path:
    return Path(os.environ["MTKIT_CORPORA"]) / "multi30k"


@pytest.fixture(scope="module")
def model(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default network after two passes over Multi30k: it knows some German, and is unsure of much."""
    folder = tmp_path_factory.mktemp("multi30k")
    corpus = CorpusSettings(langs="en-de", train=(f"{text}/train",), valid=(f"{text}/val",))
    prepared = prepare(PreprocessSettings(corpus=corpus, out=str(folder / "prepared")))
    return train(TrainSettings(preset="small", out=str(folder / "model"), updates=400, device="cpu"), prepared).folder


@pytest.mark.parametrize(("precision", "differences"), [("int8", 0), ("float32", 1)])
@pytest.mark.parametrize("beam_size", [1, 5])
def test_batch_size_order_and_neighbours_change_nothing(
    model: Path, text: Path, precision: str, differences: int, beam_size: int
) -> None:
    lines = [line for _, line in zip(range(SENTENCES), read_lines(text / "test_2016_flickr.en"), strict=False)]

    @cache
    def translator(batch_tokens: int) -> Translator:
        search = SearchSettings(beam_size=beam_size, batch_tokens=batch_tokens)
        return Translator.load(model, search=search, device="cpu", threads=1, precision=precision)  # type: ignore[arg-type]

    def translate(size: int, order: list[int], batch_tokens: int = 2048) -> list[str]:
        """Translate the lines in an order, so many at a time; return the translations in the order of the lines."""
        found: dict[int, str] = {}
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            texts = translator(batch_tokens).translate([lines[index] for index in chosen])
            found.update(zip(chosen, (translation.text for translation in texts), strict=True))
        return [found[index] for index in range(len(lines))]

    in_order, shuffled = list(range(len(lines))), random.Random(1).sample(range(len(lines)), len(lines))
    expected = translate(len(lines), in_order)
    assert len(set(expected)) > SENTENCES / 2
    for size in (1, 7, 64, 512):
        for order, batch_tokens in ((in_order, 2048), (shuffled, 300), (shuffled[::-1], 20_000)):
            found = translate(size, order, batch_tokens)
            different = [index for index in in_order if found[index] != expected[index]]
            assert len(different) <= differences, (size, [lines[index] for index in different])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("beam_size", [1, 5])
def test_cpu_and_gpu_agree_in_float32(model: Path, text: Path, beam_size: int) -> None:
    lines = [line for _, line in zip(range(SENTENCES), read_lines(text / "test_2016_flickr.en"), strict=False)]
    search = SearchSettings(beam_size=beam_size)
    found = [
        Translator.load(model, search=search, device=device, precision="float32").translate(lines)
        for device in ("cpu", "cuda")
    ]
    agreeing = sum(one.text == other.text for one, other in zip(*found, strict=True))
    assert agreeing >= 0.99 * SENTENCES
