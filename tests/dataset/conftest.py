import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mtkit.settings import CorpusSettings, PreprocessSettings

Pairs = list[tuple[str, str]]


def _make_pairs(count: int, seed: int = 1) -> Pairs:
    rng = random.Random(seed)
    stems = ["".join(rng.choices("abdeghiklmnoprstu", k=rng.randint(2, 7))) for _ in range(120)]

    def sentence(number: int, end: str) -> str:
        return " ".join([f"{number}:{seed}", *rng.choices(stems, k=rng.randint(3, 9)), end])

    return [(sentence(number, "."), sentence(number, "!")) for number in range(count)]


@pytest.fixture
def make_pairs() -> Callable[..., Pairs]:
    """Invent `count` sentence pairs from a `seed`: all different, each with its number on both sides."""
    return _make_pairs


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Iterable[tuple[str, str]]], str]:
    """Write pairs as NAME.en and NAME.fr; return their prefix."""

    def write(name: str, pairs: Iterable[tuple[str, str]]) -> str:
        for lang, side in zip(("en", "fr"), zip(*pairs, strict=True), strict=True):
            (tmp_path / f"{name}.{lang}").write_bytes("".join(f"{line}\n" for line in side).encode())
        return str(tmp_path / name)

    return write


@pytest.fixture
def settings(tmp_path: Path, write: Callable[..., str]) -> Callable[..., PreprocessSettings]:
    """Make settings for a small corpus: 300 training and 40 validation pairs; keywords change the corpus settings."""
    train, valid = write("train", _make_pairs(300)), write("valid", _make_pairs(40, seed=2))

    def make(*, out: str = "out", force: bool = False, seed: int = 1, **corpus: object) -> PreprocessSettings:
        given: dict[str, Any] = {"langs": "en-fr", "train": (train,), "valid": (valid,), "vocab_size": 400} | corpus
        return PreprocessSettings(corpus=CorpusSettings(**given), out=str(tmp_path / out), force=force, seed=seed)

    return make
