"""Parallel text: the forms in which it is given, and what is wrong with it in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.corpus import ParallelText
from mtkit.corpus.formats import Format
from mtkit.corpus.parallel_text import FORMATS
from mtkit.errors import CorpusError

# no digits: columns of numbers alone are refused
tsv_characters = st.characters(codec="utf-8", exclude_characters="\n\t\r\ufeff", exclude_categories=("Nd", "Cs"))


def pair_files(folder: Path, src: str, tgt: str) -> str:
    (folder / "c.en").write_bytes(src.encode())
    (folder / "c.fr").write_bytes(tgt.encode())
    return str(folder / "c")


def read(spec: str) -> list[tuple[str, str]]:
    return list(ParallelText.parse(spec, "en", "fr"))


def test_every_format_is_asked() -> None:
    assert set(FORMATS) == set(Format.__subclasses__())


class TestForms:
    def test_prefix(self, tmp_path: Path) -> None:
        text = ParallelText.parse(pair_files(tmp_path, "a\nb\n", "x\ny"), "en", "fr")
        assert text.files == (tmp_path / "c.en", tmp_path / "c.fr")
        assert list(text) == list(text) == [("a", "x"), ("b", "y")]

    def test_prefix_of_gzip_files_may_be_mixed(self, tmp_path: Path) -> None:
        (tmp_path / "c.en.gz").write_bytes(gzip.compress(b"a\n"))
        (tmp_path / "c.fr").write_bytes(b"x\n")
        assert read(str(tmp_path / "c")) == [("a", "x")]

    def test_two_files_of_any_name(self, tmp_path: Path) -> None:
        (tmp_path / "one.txt").write_bytes(b"a\n")
        (tmp_path / "two").write_bytes(gzip.compress(b"x\n"))
        assert read(f"{tmp_path}/one.txt:{tmp_path}/two") == [("a", "x")]

    @pytest.mark.parametrize("name", ["c.tsv", "c.tsv.gz"])
    def test_tsv_ignores_further_columns(self, tmp_path: Path, name: str) -> None:
        content = b"a\tx\tby someone\t2\nb\ty\n\tz\n"
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        assert read(str(tmp_path / name)) == [("a", "x"), ("b", "y"), ("", "z")]

    @given(
        pairs=st.lists(
            st.tuples(
                *[
                    st.text(
                        st.characters(codec="utf-8", exclude_characters="\n\t\r\ufeff", exclude_categories=("Nd", "Cs"))
                    )
                ]
                * 2
            ),
            max_size=20,
        )
    )
    def test_two_files_and_tsv_agree(
        self, tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
    ) -> None:
        folder = tmp_path_factory.mktemp("forms")
        prefix = pair_files(folder, "".join(f"{s}\n" for s, _ in pairs), "".join(f"{t}\n" for _, t in pairs))
        (folder / "c.tsv").write_bytes("".join(f"{s}\t{t}\n" for s, t in pairs).encode())
        assert read(prefix) == read(f"{prefix}.tsv") == pairs


class TestErrors:
    def test_missing_prefix_names_what_was_looked_for_and_the_forms(self, tmp_path: Path) -> None:
        prefix = tmp_path / "c"
        with pytest.raises(CorpusError) as caught:
            read(str(prefix))
        message = str(caught.value)
        assert f"no file {prefix}.en or {prefix}.en.gz" in message
        forms = "PREFIX for PREFIX.en + PREFIX.fr, SRC:TGT for two files of any name, or FILE.tsv, each also as .gz"
        assert message.endswith(f"; give {forms}")

    def test_missing_second_side(self, tmp_path: Path) -> None:
        (tmp_path / "c.en").touch()
        with pytest.raises(CorpusError, match=r"no file .*c\.fr or .*c\.fr\.gz"):
            read(str(tmp_path / "c"))

    @pytest.mark.parametrize("spec", ["no.en:no.fr", "no.tsv", "no.tsv.gz"])
    def test_missing_named_file(self, spec: str) -> None:
        with pytest.raises(CorpusError, match=r"no file no\.(en|tsv|tsv\.gz);"):
            read(spec)

    @pytest.mark.parametrize("spec", ["a:b:c", "a:", ":b"])
    def test_colons(self, spec: str) -> None:
        with pytest.raises(CorpusError, match="two file names with one colon"):
            read(spec)

    @pytest.mark.parametrize("spec", ["corpus.tmx", "corpus.tmx.gz", "corpus.7z"])
    def test_other_kinds(self, spec: str) -> None:
        with pytest.raises(CorpusError, match=r"files of this kind are not read; give PREFIX"):
            read(spec)

    def test_one_side_in_place_of_the_prefix(self, tmp_path: Path) -> None:
        prefix = pair_files(tmp_path, "a\n", "x\n")
        with pytest.raises(CorpusError, match=r"c\.en: is one file, and a corpus has two sides; give PREFIX"):
            read(f"{prefix}.en")

    @pytest.mark.parametrize(("src", "tgt"), [(3, 1), (1, 3), (0, 2)])
    def test_unequal_sides_name_both_files_and_counts(self, tmp_path: Path, src: int, tgt: int) -> None:
        prefix = pair_files(tmp_path, "a\n" * src, "x\n" * tgt)
        with pytest.raises(CorpusError, match=rf"c\.en has {src} lines and .*c\.fr has {tgt};"):
            read(prefix)

    def test_tsv_line_of_one_column(self, tmp_path: Path) -> None:
        path = tmp_path / "c.tsv"
        path.write_bytes(b"a\tx\nb\n")
        with pytest.raises(CorpusError, match=r"c\.tsv, line 2: one column"):
            read(str(path))
