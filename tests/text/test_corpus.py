import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.errors import CorpusError, SettingsError
from mtkit.text.corpus import ParallelText, read_lines, split_langs

NOT_LINE_ENDS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r", "\x00"]

line_text = st.text(st.characters(codec="utf-8", exclude_characters="\n"))


def pair_files(folder: Path, src: str, tgt: str) -> str:
    (folder / "c.en").write_bytes(src.encode())
    (folder / "c.fr").write_bytes(tgt.encode())
    return str(folder / "c")


def read(spec: str) -> list[tuple[str, str]]:
    return list(ParallelText.parse(spec, "en", "fr"))


def test_split_langs() -> None:
    assert split_langs("en-fr") == ("en", "fr")


@pytest.mark.parametrize("langs", ["", "en", "en-", "-fr", "en-fr-de", "en fr", "../en-fr"])
def test_split_langs_rejects(langs: str) -> None:
    with pytest.raises(SettingsError, match="as in --langs en-fr"):
        split_langs(langs)


class TestLines:
    @pytest.mark.parametrize("inside", NOT_LINE_ENDS)
    def test_ends_at_line_feeds_alone(self, tmp_path: Path, inside: str) -> None:
        path = tmp_path / "text"
        path.write_bytes(f"a{inside}b\nc{inside}\r\n".encode())
        assert list(read_lines(path)) == [f"a{inside}b", f"c{inside}"]

    def test_drops_one_carriage_return_before_a_line_feed(self, tmp_path: Path) -> None:
        path = tmp_path / "text"
        path.write_bytes(b"a\r\nb\r\r\n\r\nc")
        assert list(read_lines(path)) == ["a", "b\r", "", "c"]

    def test_drops_a_byte_order_mark_at_the_start_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "text"
        path.write_bytes("\ufeffa\n\ufeffb\n".encode())
        assert list(read_lines(path)) == ["a", "\ufeffb"]

    def test_empty_file_has_no_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "text"
        path.write_bytes(b"")
        assert list(read_lines(path)) == []

    @given(lines=st.lists(line_text.filter(lambda line: not line.endswith("\r") and not line.startswith("\ufeff"))))
    def test_written_lines_come_back_plain_and_gzip(
        self, tmp_path_factory: pytest.TempPathFactory, lines: list[str]
    ) -> None:
        path = tmp_path_factory.mktemp("lines") / "text"
        content = "".join(f"{line}\n" for line in lines).encode()
        for form in (content, gzip.compress(content)):
            path.write_bytes(form)
            assert list(read_lines(path)) == lines

    @pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", "é".encode("latin-1")])
    def test_invalid_utf8_names_file_and_line(self, tmp_path: Path, bad: bytes) -> None:
        path = tmp_path / "text"
        path.write_bytes(b"fine\nx" + bad + b"\nfine\n")
        with pytest.raises(CorpusError, match=rf"text, line 2: not UTF-8 \(its byte 2 is 0x{bad[0]:02x}\)"):
            list(read_lines(path))

    def test_truncated_gzip(self, tmp_path: Path) -> None:
        path = tmp_path / "text.gz"
        path.write_bytes(gzip.compress(b"a line\n" * 1000)[:-12])
        with pytest.raises(CorpusError, match=r"text\.gz: damaged gzip after line \d+"):
            list(read_lines(path))

    def test_garbled_gzip(self, tmp_path: Path) -> None:
        path = tmp_path / "text.gz"
        path.write_bytes(gzip.compress(b"a line\n")[:10] + b"\xff" * 20)
        with pytest.raises(CorpusError, match="damaged gzip after line 0"):
            list(read_lines(path))

    def test_unreadable_file(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="cannot be read"):
            list(read_lines(tmp_path))


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
            st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\n\t\r\ufeff"))] * 2), max_size=20
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
        assert "PREFIX for PREFIX.en + PREFIX.fr, SRC:TGT for two files of any name, or FILE.tsv" in message

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

    @pytest.mark.parametrize("spec", ["corpus.tmx", "corpus.tmx.gz", "corpus.zip", "train.xz"])
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
