"""Files of embeddings: which vector a piece gets, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtkit.errors import CorpusError, SettingsError
from mtkit.text.embeddings import embedding_size, read_embeddings

PIECES = ["<unk>", "▁the", "cat", "▁cat", "s", "▁dog"]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("header", ["4 3\n", ""])
def test_each_piece_gets_its_own_vector_or_that_of_the_word_it_begins(header: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"{header}the 1 2 3\n▁cat 4 5 6\ncat 7 8 9\nbird 0 0 1\n")
    assert embedding_size(path) == 3
    table, found = read_embeddings(path, PIECES)
    assert found.tolist() == [False, True, True, True, False, False]
    assert table[found].tolist() == [[1, 2, 3], [7, 8, 9], [4, 5, 6]]
    assert not table[~found].any()


def test_a_vector_of_the_piece_itself_counts_more_than_one_of_a_word_and_the_first_more_than_later_ones(
    tmp_path: Path,
) -> None:
    table, _ = read_embeddings(write(tmp_path, "cat 1\n▁cat 2\n▁cat 3\ndog 4\ndog 5\n"), PIECES)
    assert table[:, 0].tolist() == [0, 0, 1, 2, 0, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 is not a word with a vector"),
        ("word\n", "line 1 is not a word with a vector"),
        ("word one two\n", "line 1 is not a word with 2 finite numbers"),
        ("2 3\nthe 1 2\n", "line 2 is not a word with 3 finite numbers"),
        ("2 3\nbird 1 2 3\nthe 1 2 nan\n", "line 3 is not a word with 3 finite numbers"),
        ("the 1 2\ncat 1 2 3\n", "line 2 is not a word with 2 finite numbers"),
    ],
)
def test_what_is_no_embeddings_is_one_line_that_names_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        read_embeddings(write(tmp_path, text), PIECES)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        embedding_size(tmp_path / "nowhere.txt")


def test_the_size_is_read_without_the_rest(tmp_path: Path) -> None:
    assert embedding_size(write(tmp_path, "1000000 300\n")) == 300
    assert np.shape(read_embeddings(write(tmp_path, "0 2\n"), PIECES)[0]) == (6, 2)
