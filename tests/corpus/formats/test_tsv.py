"""Tab-separated columns: which are read, and what shows that they are others."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtkit.corpus import ParallelText
from mtkit.errors import CorpusError, SettingsError

ROWS = "12\tI see a cat.\t77\tJe vois un chat.\n15\tYes.\t\tOui.\n"


def read(folder: Path, content: str, columns: str = "", langs: tuple[str, str] = ("en", "fr")) -> list[tuple[str, str]]:
    (folder / "c.tsv").write_text(content, encoding="utf-8")
    return list(ParallelText.parse(str(folder / "c.tsv"), *langs, columns))


def test_columns_are_chosen_by_number(tmp_path: Path) -> None:
    pairs = [("I see a cat.", "Je vois un chat."), ("Yes.", "Oui.")]
    assert read(tmp_path, ROWS, "2,4") == read(tmp_path, ROWS, " 2, 4 ") == pairs
    assert read(tmp_path, ROWS, "4,2") == [pair[::-1] for pair in pairs]


def test_a_row_with_too_few_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"c\.tsv, line 3: 2 columns; each line is at least 4 columns"):
        read(tmp_path, ROWS + "a\tb\n", "2,4")


@pytest.mark.parametrize("columns", ["2", "0,1", "2,2", "a,b", "1,2,3", "-1,2", "1;2"])
def test_columns_are_two_different_numbers_from_1_on(columns: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"`columns` '{columns}' is not two different columns"):
        read(tmp_path, ROWS, columns)


@pytest.mark.parametrize("cell", ["12", "-0.75", "1,024.5", "3.2e-05", "87%", "12:30"])
@pytest.mark.parametrize("title", ["", "id\ttext\n"])
def test_a_column_of_numbers_is_refused_with_its_first_row(cell: str, title: str, tmp_path: Path) -> None:
    rows = f"{title}{cell}\tA cat.\n\tA dog.\n{cell}\tA bird.\n"
    first = "id | text" if title else rf"{cell} \| A cat\.".replace("+", r"\+")
    with pytest.raises(CorpusError, match=r"column 1 has only numbers, and its first row is .*; give .* `columns=2,4`"):
        read(tmp_path, rows)
    with pytest.raises(CorpusError, match=first.replace(" | ", r" \| ") if title else first):
        read(tmp_path, rows)


def test_numbers_among_text_are_text(tmp_path: Path) -> None:
    assert len(read(tmp_path, "12\t12\n3 cats\t3 chats\n")) == 2


@pytest.mark.parametrize(
    "header", ["en\tfr", "EN-us\tfr_FR", "English\tFrench", "French\tEnglish", "source\ttarget", "src\tFrench"]
)
def test_a_row_of_titles_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"c\.tsv, line 1: is a row of titles \(.+ \| .+\), not a pair"):
        read(tmp_path, f"{header}\nA cat.\tUn chat.\n")


@pytest.mark.parametrize("row", ["English\tAnglais", "no\tnon", "no\tno", "is\tit"])
def test_a_pair_of_words_is_no_row_of_titles(row: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"{row}\n") == [tuple(row.split("\t"))]
