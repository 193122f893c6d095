"""Drawing the sentences and splitting them into training, validation and test sets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from .clauses import Grammar
from .lexicon import Lexicon, Pair, read_rows
from .recipes import RECIPES
from .sampler import Sampler

SEED = 20240229
TRAIN_SIZE, HELD_OUT_SIZE = 10_000, 600

# Held out so that a demonstration of the trained model with it is an honest one.
RESERVED = Pair("The old doctor reads a long letter.", "Le vieux médecin lit une longue lettre.")

# A held-out sentence only has words that at least this many training sentences show.
MIN_COUNT = 3

MAX_WORDS = 20


def words(pair: Pair) -> set[str]:
    """The distinct words and marks of a pair, lower-cased and told apart by language."""
    return {
        f"{side}:{word}"
        for side, text in (("en", pair.en), ("fr", pair.fr))
        for word in re.findall(r"[\w']+|[^\w\s]", text.lower())
    }


def everyday_pairs(folder: Path) -> list[Pair]:
    """The hand-written everyday phrases."""
    return [Pair(row["english"], row["french"]) for row in read_rows(folder / "everyday.tsv")]


def draw(sampler: Sampler) -> Iterator[Pair]:
    """An endless stream of generated sentences."""
    while True:
        yield sampler.weighted(RECIPES)(sampler)


def distinct(pairs: Iterable[Pair], taken: Iterable[Pair], wanted: int) -> list[Pair]:
    """The first `wanted` pairs that repeat no English and no French sentence, whatever the case."""
    known = [*taken, RESERVED]
    seen_en = {pair.en.lower() for pair in known}
    seen_fr = {pair.fr.lower() for pair in known}
    found: list[Pair] = []
    for pair in pairs:
        if len(found) == wanted:
            break
        en, fr = pair.en.lower(), pair.fr.lower()
        if en in seen_en or fr in seen_fr or len(pair.en.split()) > MAX_WORDS:
            continue
        seen_en.add(en)
        seen_fr.add(fr)
        found.append(pair)
    return found


def hold_out(pairs: list[Pair]) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Split generated pairs into training, validation and test sets."""
    counts = Counter(word for pair in pairs for word in words(pair))
    held: list[Pair] = []
    kept: list[Pair] = []
    for pair in pairs:
        if len(held) < 2 * HELD_OUT_SIZE and all(counts[word] > MIN_COUNT for word in words(pair)):
            held.append(pair)
            counts.subtract(words(pair))
        else:
            kept.append(pair)
    return kept, held[:HELD_OUT_SIZE], held[HELD_OUT_SIZE:]


def build_corpus(folder: Path) -> dict[str, str]:
    """The contents of the six corpus files by name."""
    rng = Random(SEED)
    lexicon = Lexicon(folder / "lexicon")
    sampler = Sampler(lexicon, Grammar(lexicon), rng)
    everyday = everyday_pairs(folder)
    wanted = TRAIN_SIZE - len(everyday) + 2 * HELD_OUT_SIZE
    train, valid, test = hold_out(distinct(draw(sampler), everyday, wanted))
    train += everyday
    rng.shuffle(train)
    files = {}
    for name, pairs in (("train", train), ("valid", valid), ("test", test)):
        files[f"{name}.en"] = "".join(f"{pair.en}\n" for pair in pairs)
        files[f"{name}.fr"] = "".join(f"{pair.fr}\n" for pair in pairs)
    return files
