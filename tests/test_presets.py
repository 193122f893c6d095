"""What a preset promises: long, and only where MTKIT_CORPORA is set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mtkit import PreprocessSettings, TrainSettings, Translator, prepare, train
from mtkit.configuration import resolve
from mtkit.text.lines import read_lines
from mtkit.text.normalisation import Normaliser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("MTKIT_CORPORA" not in os.environ, reason="MTKIT_CORPORA names no folder of corpora"),
]
PAIRS = 1000


@pytest.mark.parametrize("cell", ["gru", "gru-original"])
def test_the_textbook_learns_its_phrases_by_heart(cell: str, tmp_path: Path) -> None:
    """Of the first 1,000 sources of tatoeba-en-fr, each with its first translation."""
    pairs: dict[str, str] = {}
    for line in read_lines(Path(os.environ["MTKIT_CORPORA"]) / "tatoeba-en-fr" / "en-fr.tsv"):
        src, tgt, _ = line.split("\t")
        if len(pairs) < PAIRS:
            pairs.setdefault(src, Normaliser().target(tgt))
    text = tmp_path / "phrases.tsv"
    text.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in pairs.items()), encoding="utf-8")
    flags: dict[str, Any] = {
        "preset": "tiny",
        "cell": cell,
        "langs": "en-fr",
        "train": [str(text)],
        "valid": [str(text)],
    }
    flags |= {"vocab_type": "word", "device": "cpu", "threads": 1, "out": str(tmp_path / "model")}
    settings = resolve(TrainSettings, command="train", flags=flags).settings
    corpus = prepare(PreprocessSettings(corpus=settings.corpus, out=str(tmp_path / "prepared")))
    translator = Translator.load(train(settings, corpus).folder, device="cpu", threads=1)
    phrases = ["Go.", "I lost.", "Be calm.", "I'm home."]
    expected = ["Va !", "J'ai perdu.", "Sois calme !", "Je suis chez moi."]
    assert [translation.text for translation in translator.translate(phrases)] == expected
    right = [found.text == pairs[src] for src, found in zip(pairs, translator.translate(list(pairs)), strict=True)]
    assert sum(right) >= 0.99 * PAIRS
