"""Lines of text files: where they end, and what is wrong with a file in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.errors import CorpusError
from mtkit.text.lines import read_lines

NOT_LINE_ENDS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r", "\x00"]

line_text = st.text(st.characters(codec="utf-8", exclude_characters="\n"))


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
