"""`mtkit preprocess` from the command line: its report, and every kind of bad input."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtkit.dataset.prepared import PreparedCorpus

from .conftest import Command, Outcome


def test_it_prepares_what_train_can_open_and_says_what_it_kept(
    mtkit: Command, parallel_text: Path, tmp_path: Path
) -> None:
    text, out = parallel_text, tmp_path / "prepared"
    outcome = mtkit(
        "preprocess", "--langs", "en-fr", "--train", text / "train", "--valid", text / "valid", "--out", out
    )
    assert outcome.code == 0, outcome.err
    assert "400 of 400 pairs kept" in outcome.err
    corpus = PreparedCorpus.open(out)
    assert (len(corpus.train), len(corpus.valid)) == (400, 50)


def test_quiet_says_nothing(mtkit: Command, parallel_text: Path, tmp_path: Path) -> None:
    outcome = mtkit(
        "preprocess", "--langs", "en-fr", "--train", parallel_text / "train", "--valid", parallel_text / "valid",
        "--out", tmp_path / "prepared", "--quiet",
    )  # fmt: skip
    assert (outcome.code, outcome.out, outcome.err) == (0, b"", "")


@pytest.mark.parametrize(
    ("files", "train", "expected"),
    [
        ({}, "nothing", "nothing.en"),
        ({"short.en": b"a\nb\nc\n", "short.fr": b"a\nb\n"}, "short", "short.fr"),
        ({"latin.en": b"one\ntwo caf\xe9\n", "latin.fr": b"un\ndeux\n"}, "latin", "latin.en, line 2"),
        ({"empty.en": b"", "empty.fr": b""}, "empty", "empty"),
        ({"blank.en": b"\n\n", "blank.fr": b"\n\n"}, "blank", "blank"),
        ({"one.tsv": b"only one column\n"}, "one.tsv", "one.tsv, line 1"),
        ({"memory.tmx": b"<tmx/>"}, "memory.tmx", "memory.tmx"),
        ({"side.en": b"a\n", "side.fr": b"a\n"}, "side.en", "side.en"),
    ],
    ids=["missing", "unequal", "not UTF-8", "empty", "blank", "one column", "wrong extension", "one side given"],
)
def test_bad_text_is_one_line_and_code_2_and_writes_nothing(
    mtkit: Command, tmp_path: Path, files: dict[str, bytes], train: str, expected: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    outcome = mtkit("preprocess", "--langs", "en-fr", "--train", tmp_path / train, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 2
    assert expected in outcome.message
    assert not (tmp_path / "out").exists()


def test_a_vocabulary_larger_than_the_text_allows_names_the_largest(
    mtkit: Command, parallel_text: Path, tmp_path: Path
) -> None:
    def prepare(size: int) -> Outcome:
        return mtkit(
            "preprocess", "--langs", "en-fr", "--train", parallel_text / "train", "--valid", parallel_text / "valid",
            "--out", tmp_path / "out", "--vocab-size", size, "--quiet",
        )  # fmt: skip

    outcome = prepare(30_000)
    assert outcome.code == 2
    (largest,) = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d", outcome.message)} - {30_000}
    assert prepare(largest).code == 0


def test_it_writes_over_a_prepared_corpus_only_with_force(mtkit: Command, parallel_text: Path, tmp_path: Path) -> None:
    command = (
        "preprocess", "--langs", "en-fr", "--train", parallel_text / "train", "--valid", parallel_text / "valid",
        "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert mtkit(*command).code == 0
    refused = mtkit(*command)
    assert refused.code == 2
    assert "--force" in refused.message
    assert mtkit(*command, "--force").code == 0


def test_force_never_removes_another_kind_of_folder(mtkit: Command, parallel_text: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("dear")
    outcome = mtkit(
        "preprocess", "--langs", "en-fr", "--train", parallel_text / "train", "--out", tmp_path / "letters", "--force"
    )
    assert outcome.code == 2
    assert (tmp_path / "letters" / "love.txt").read_text() == "dear"
