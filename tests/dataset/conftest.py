import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from mtkit.settings import CorpusSettings, PreprocessSettings

Pairs = list[tuple[str, str]]


def make_pairs(count: int, seed: int = 1) -> Pairs:
    """Invent sentence pairs, all different on both sides, each with its number on both sides."""
    chance = random.Random(seed)
    stems = ["".join(chance.choices("abdeghiklmnoprstu", k=chance.randint(2, 7))) for _ in range(120)]

    def sentence(number: int, end: str) -> str:
        return " ".join([f"{number}:{seed}", *chance.choices(stems, k=chance.randint(3, 9))]) + end

    return [(sentence(number, " ."), sentence(number, " !")) for number in range(count)]


def write_pairs(prefix: Path, pairs: Iterable[tuple[str, str]]) -> str:
    """Write pairs as PREFIX.en and PREFIX.fr; return PREFIX."""
    rows = list(pairs)
    for lang, side in (("en", 0), ("fr", 1)):
        Path(f"{prefix}.{lang}").write_bytes("".join(f"{row[side]}\n" for row in rows).encode())
    return str(prefix)


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., PreprocessSettings]:
    """Make settings for a small corpus: 300 training and 40 validation pairs; keywords change the corpus settings."""
    train = write_pairs(tmp_path / "train", make_pairs(300))
    valid = write_pairs(tmp_path / "valid", make_pairs(40, seed=2))

    def make(*, out: str = "out", force: bool = False, seed: int = 1, **corpus: object) -> PreprocessSettings:
        given = {"langs": "en-fr", "train": (train,), "valid": (valid,), "vocab_size": 400} | corpus
        return PreprocessSettings(corpus=CorpusSettings(**given), out=str(tmp_path / out), force=force, seed=seed)

    return make
