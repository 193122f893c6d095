"""What comes is unpacked where it is gzip, in whatever portions it comes; all else passes as it is."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.cli.unpacking import MOST_AT_ONCE, unpacked
from mtkit.errors import CorpusError
from mtkit.text.lines import PACKED_BY

TEXT = b"".join(b"line %d\n" % number for number in range(50))


def portions(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Cut data at some places; no portion is empty, which would be its end."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[start:end] for start, end in pairwise(places))


@given(st.sampled_from([b"", b"T", b"BZh", b"PK"]), st.binary(max_size=40), st.lists(st.integers(0, 1000)))
def test_what_is_not_packed_passes(first: bytes, rest: bytes, cuts: list[int]) -> None:
    data = first + b"\n" + rest
    assert b"".join(unpacked(portions(data, cuts), "x")) == data


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=3), st.lists(st.integers(0, 1000)), st.integers(0, 3))
def test_gzip_is_unpacked_one_file_after_another(contents: list[bytes], cuts: list[int], zeros: int) -> None:
    data = b"".join(gzip.compress(content) + bytes(zeros) for content in contents)
    assert b"".join(unpacked(portions(data, cuts), "x")) == b"".join(contents)


def test_one_byte_at_a_time_is_enough() -> None:
    data = gzip.compress(TEXT)
    assert b"".join(unpacked((data[at : at + 1] for at in range(len(data))), "x")) == TEXT


def test_much_comes_in_portions_of_what_little_there_was() -> None:
    found = list(unpacked(iter([gzip.compress(bytes(10_000_000))]), "x"))
    assert max(map(len, found)) <= MOST_AT_ONCE
    assert sum(map(len, found)) == 10_000_000


def test_nothing_waits_for_what_comes_later() -> None:
    """Text that may become the beginning of something packed waits until it is known; what gzip has flushed comes."""
    packer = zlib.compressobj(wbits=31)
    sent = [packer.compress(b"one\n") + packer.flush(zlib.Z_SYNC_FLUSH), packer.compress(b"two\n") + packer.flush()]
    asked: list[bytes] = []

    def chunks() -> Iterator[bytes]:
        for chunk in sent:
            asked.append(chunk)
            yield chunk

    stream = unpacked(chunks(), "x")
    assert next(stream) == b"one\n"
    assert asked == sent[:1]
    assert next(stream) == b"two\n"
    assert next(unpacked(iter([b"B", b"Zh", b"ao\n"]), "x")) == b"BZhao\n"


@pytest.mark.parametrize("cut", [1, 4, 9, 20, -1, -7])
def test_gzip_that_ends_too_early_is_an_error_after_what_there_is(cut: int) -> None:
    found = []
    with pytest.raises((EOFError, zlib.error)):  # noqa: PT012 - what comes before it counts
        for part in unpacked(iter([gzip.compress(TEXT) + gzip.compress(TEXT)[:cut]]), "x"):
            found.append(part)  # noqa: PERF402
    assert b"".join(found)[: len(TEXT)] == TEXT


def test_gzip_with_a_flipped_bit_is_an_error() -> None:
    noise = random.Random(1).randbytes(2000)
    data = bytearray(gzip.compress(noise))
    data[1000] ^= 4
    with pytest.raises(zlib.error):
        list(unpacked(iter([bytes(data)]), "x"))


@pytest.mark.parametrize(
    ("data", "program"),
    [
        (bz2.compress(TEXT), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "zstd"),
        (b"PK\x03\x04" + bytes(20), "zip"),
    ],
    ids=PACKED_BY.values(),
)
def test_other_ways_to_pack_are_named(data: bytes, program: str) -> None:
    for cuts in ([], [1, 2, 3, 4, 5]):
        with pytest.raises(CorpusError, match=f"^news: is packed by {program}, which is not read; unpack it"):
            list(unpacked(portions(data, cuts), "news"))
