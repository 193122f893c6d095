"""Laws of the shipped corpus: splits, duplicates, French spelling, and agreement with its generator."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
MINIMUM = {"train": 10_000, "valid": 500, "test": 500}
SPLITS = tuple(MINIMUM)

Corpus = dict[str, tuple[list[str], list[str]]]
"""The English and the French lines of each split."""

VOWEL = "aeiouyàâäéèêëîïôöùûüœ"
# Words before which nothing elides: h aspiré, and the numbers and "oui" that behave like it.
ASPIRATED = r"(?:haricot|hibou|haut|huit|onze|oui\b)"
ELIDING = rf"(?:[{VOWEL}]|h)"


def read(name: str) -> list[str]:
    text = (DATA / name).read_bytes().decode("utf-8")
    assert text.endswith("\n")
    assert "\r" not in text
    return text[:-1].split("\n")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return {split: (read(f"{split}.en"), read(f"{split}.fr")) for split in SPLITS}


@pytest.fixture(scope="module")
def french(corpus: Corpus) -> list[str]:
    return [line for split in SPLITS for line in corpus[split][1]]


@pytest.fixture(scope="module")
def everything(corpus: Corpus) -> list[str]:
    return [line for split in SPLITS for side in corpus[split] for line in side]


def offenders(lines: list[str], pattern: str) -> list[str]:
    """The lines in which a pattern is found, whatever the case."""
    law = re.compile(pattern, re.IGNORECASE)
    return [line for line in lines if law.search(line)]


@pytest.mark.parametrize("split", SPLITS)
def test_sides_are_parallel_and_large_enough(corpus: Corpus, split: str) -> None:
    english, french_side = corpus[split]
    assert len(english) == len(french_side) >= MINIMUM[split]


def test_training_files_stay_small() -> None:
    assert sum((DATA / f"train.{side}").stat().st_size for side in ("en", "fr")) <= 1_500_000


@pytest.mark.parametrize("side", [0, 1], ids=["english", "french"])
def test_no_sentence_occurs_twice(corpus: Corpus, side: int) -> None:
    lines = [line.lower() for split in SPLITS for line in corpus[split][side]]
    assert len(lines) == len(set(lines))


def test_demonstration_sentence_is_held_out(everything: list[str]) -> None:
    assert "The old doctor reads a long letter." not in everything
    assert "Le vieux médecin lit une longue lettre." not in everything


def test_everyday_pairs_are_all_in_training(corpus: Corpus) -> None:
    rows = (DATA / "everyday.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = {tuple(row.split("\t")) for row in rows}
    assert len(pairs) >= 300
    assert pairs <= set(zip(*corpus["train"], strict=True))


def test_committed_files_are_what_the_generator_writes() -> None:
    command = [sys.executable, str(DATA / "generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr


def test_text_is_normalized(everything: list[str]) -> None:
    assert [line for line in everything if unicodedata.normalize("NFC", line) != line] == []
    assert offenders(everything, r"  |^ | $|\t|[’‘“”\u00a0\u202f]") == []


def test_every_sentence_ends_with_a_mark(everything: list[str]) -> None:
    assert [line for line in everything if line[-1] not in ".?!"] == []


def test_every_sentence_begins_with_a_capital(everything: list[str]) -> None:
    assert [line for line in everything if not (line[0].isupper() and line[0].isalpha())] == []


def test_sides_agree_on_questions_of_the_generated_kind(corpus: Corpus) -> None:
    rows = (DATA / "everyday.tsv").read_text(encoding="utf-8").splitlines()[1:]
    free = {row.split("\t")[0] for row in rows}
    for english, french_side in corpus.values():
        pairs = [(en, fr) for en, fr in zip(english, french_side, strict=True) if en not in free]
        assert [pair for pair in pairs if (pair[0][-1] == "?") != (pair[1][-1] == "?")] == []


def test_lengths_are_moderate(corpus: Corpus) -> None:
    lengths = [len(line.split()) for split in SPLITS for line in corpus[split][0]]
    assert max(lengths) <= 20
    assert 6 <= sum(lengths) / len(lengths) <= 10


def test_french_spaces_before_high_marks(french: list[str]) -> None:
    assert offenders(french, r"[^ ][?!;:]") == []
    assert offenders(french, r" [.,]|,\S") == []


def test_english_has_no_space_before_marks(corpus: Corpus) -> None:
    english = [line for split in SPLITS for line in corpus[split][0]]
    assert offenders(english, r" [.,?!]") == []


@pytest.mark.parametrize("word", ["je", "me", "te", "se", "ne", "de", "que", "le", "la", "jusque", "lorsque"])
def test_elision(french: list[str], word: str) -> None:
    # "-le" and "-la" after an imperative never elide.
    assert offenders(french, rf"(?<![-\w]){word} (?!{ASPIRATED}){ELIDING}") == []


@pytest.mark.parametrize("pattern", [r"\bsi ils?\b", r"\bce est\b", r"\bce était\b", r"\bparce que (?:il|elle|on)"])
def test_elision_of_particular_words(french: list[str], pattern: str) -> None:
    assert offenders(french, pattern) == []


def test_no_elision_before_a_consonant(french: list[str]) -> None:
    assert offenders(french, rf"\b(?:[jmtsndlc]|qu)'(?!{ELIDING}|y\b)") == []
    assert offenders(french, rf"\b(?:[ldnjmts]|qu)'{ASPIRATED}") == []


@pytest.mark.parametrize("pattern", [r"\bde le ", r"\bde les ", r"\bà le ", r"\bà les ", r"\bdes les ", r"\baux les "])
def test_contraction(french: list[str], pattern: str) -> None:
    # A pronoun would not contract ("avant de le lire"); the corpus has none after de or à.
    assert offenders(french, pattern) == []


@pytest.mark.parametrize(
    "pattern",
    [
        rf"\b(?:ma|ta|sa) (?!{ASPIRATED})[{VOWEL}h]",
        rf"\bce (?!{ASPIRATED})[{VOWEL}h]",
        r"\b(?:un|le|ce|mon|ton|son) (?:vieux|beau|nouveau) (?:ami|arbre|avocat|homme|hôtel|hôpital)\b",
        r"\b(?:une|la|cette|ma|ta|sa) (?:vieux|beau|nouveau|blanc|long|petit|grand|bon) ",
        r"\b(?:un|le|ce|mon|ton|son) (?:vieille|belle|nouvelle|blanche|longue|petite|grande|bonne) ",
        r"\b(?:il y a|il y avait|lu|vu|acheté|mangé) des (?:vieux|vieilles|beaux|belles|petits|petites|grands|bons) ",
        r"\b(?:les|des|mes|tes|ses|nos|vos|leurs|ces) (?:livre|chien|maison|pomme|lettre|médecin|enfant)\b",
    ],
)
def test_agreement_of_determiners_and_adjectives(french: list[str], pattern: str) -> None:
    assert offenders(french, pattern) == []


def test_negation_is_followed_by_de(french: list[str]) -> None:
    # After a negated verb other than être an indefinite article turns into de.
    assert offenders(french, r"\b(?:n'a|n'ai|n'as|n'ont|n'avons|n'avait) (?:pas|plus|jamais) (?:un|une|des|du) ") == []


def test_no_word_is_doubled(everything: list[str]) -> None:
    assert offenders(everything, r"\b(\w+) \1\b(?!-)(?<!nous nous)(?<!vous vous)") == []


def test_held_out_words_are_known(corpus: Corpus) -> None:
    known = [set(re.findall(r"\w+", " ".join(side).lower())) for side in corpus["train"]]
    for split in ("valid", "test"):
        for side, words in zip(corpus[split], known, strict=True):
            assert set(re.findall(r"\w+", " ".join(side).lower())) <= words
