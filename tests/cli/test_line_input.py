"""Lines come as they are, in windows that never wait; files that go with them go line by line."""

from __future__ import annotations

import io
import os
from contextlib import nullcontext
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.cli.line_input import WINDOW, WINDOW_BYTES, LineInput, paired_lines
from mtkit.errors import CorpusError


def test_windows_hold_what_is_there_and_never_wait_for_more() -> None:
    reading, writing = os.pipe()
    source, feed = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
    windows = LineInput(source, "pipe").windows()
    feed.write(b"one\n")
    feed.flush()
    assert next(windows) == ["one"]
    feed.write(b"two\r\nthree\nfour")
    feed.close()
    assert [line for window in windows for line in window] == ["two", "three", "four"]


def test_windows_are_full_when_lines_come_fast() -> None:
    lines = [f"line {number}" for number in range(3 * WINDOW)]
    windows = list(LineInput(io.BytesIO("\n".join(lines).encode()), "file").windows())
    assert [line for window in windows for line in window] == lines
    assert all(len(window) <= WINDOW for window in windows)


def test_windows_before_a_bad_line_come_first() -> None:
    windows = LineInput(io.BytesIO(b"good\nb\xe4d\n"), "file").windows()
    assert next(windows) == ["good"]
    with pytest.raises(CorpusError, match="file, line 2: is not UTF-8"):
        next(windows)


def test_windows_of_long_lines_are_small() -> None:
    lines = ["x" * (WINDOW_BYTES // 3)] * 9
    windows = list(LineInput(io.BytesIO("\n".join(lines).encode()), "file").windows())
    assert [line for window in windows for line in window] == lines
    assert all(len(window) <= 3 for window in windows)


def test_lines_before_a_failing_read_come_first() -> None:
    class Failing(io.RawIOBase):
        def __init__(self) -> None:
            self.chunks = [b"one\ntwo\nthr"]

        def read(self, size: int = -1) -> bytes:
            if self.chunks:
                return self.chunks.pop()
            raise OSError(5, "Input/output error")

    windows = LineInput(cast(BinaryIO, Failing()), "disk").windows()
    assert next(windows) == ["one", "two"]
    with pytest.raises(CorpusError, match=r"disk: cannot be read on after line 2 .*Input/output error"):
        next(windows)


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=20), st.booleans())
def test_every_line_of_any_bytes_is_kept_where_they_may_be_replaced(lines: list[bytes], ended: bool) -> None:
    lines = [b"first", *lines, b"last"]
    source = LineInput(io.BytesIO(b"\n".join(lines) + b"\n" * ended), "bytes", "replace")
    found = [line for window in source.windows() for line in window]
    assert found == [line.removesuffix(b"\r").decode(errors="replace") for line in lines]
    assert source.replaced == sum(line.decode(errors="ignore") != line.decode(errors="replace") for line in lines)


def pairs_of(lines: bytes, others: bytes, message: str = "") -> list[tuple[str, str]]:
    """The lines that have a partner; `message` is that of the error after them."""
    pairs: list[tuple[str, str]] = []
    with pytest.raises(CorpusError, match=message) if message else nullcontext():
        for window, found in paired_lines(
            LineInput(io.BytesIO(lines), "input"), LineInput(io.BytesIO(others), "others")
        ):
            pairs += zip(window, found, strict=True)
    return pairs


def test_another_input_goes_along_window_by_window() -> None:
    count = 2 * WINDOW + 3
    lines, others = ([f"{name} {number}" for number in range(count)] for name in ("source", "target"))
    assert pairs_of("\n".join(lines).encode(), "\n".join(others).encode()) == list(zip(lines, others, strict=True))


@pytest.mark.parametrize(
    ("lines", "others", "message"),
    [
        (b"a\nb\nc\n", b"A\nB\n", "others ends after 2 lines and input goes on; give a line for each line"),
        (b"a\nb\n", b"A\nB\nC\n", "input ends after 2 lines and others goes on; give a line for each line"),
        (b"a\nb\nc\n", b"A\nB\n\xe4\n", "others, line 3: is not UTF-8"),
        (b"a\nb\n\xe4\n", b"A\nB\nC\n", "input, line 3: is not UTF-8"),
    ],
)
def test_what_goes_wrong_is_named_after_the_lines_that_have_a_partner(
    lines: bytes, others: bytes, message: str
) -> None:
    assert pairs_of(lines, others, message) == [("a", "A"), ("b", "B")]
