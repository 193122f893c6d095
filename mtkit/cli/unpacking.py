"""Bytes as they come, unpacked where they are gzip; text passes as it is, and never waits for more than itself."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from mtkit.text.lines import GZIP_MAGIC, PACKED_MAGIC, packed_error

MOST_AT_ONCE = 1 << 16
"""Bytes that are unpacked at a time: a thousand may come of each that is read."""

_GZIP = 16 + zlib.MAX_WBITS
"""How zlib is told that it is gzip."""


def unpacked(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the content of a stream; `name` is what messages call it.

    Raises:
        CorpusError: it is compressed in a way that is not read.
        EOFError, zlib.error: it is damaged gzip; what comes before that has been yielded.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if not any(magic.startswith(head) for magic in (GZIP_MAGIC, *PACKED_MAGIC)):
            break  # known by now
    for magic, suffix in PACKED_MAGIC.items():
        if head.startswith(magic):
            raise packed_error(name, suffix)
    if head.startswith(GZIP_MAGIC):
        yield from _gunzipped(head, chunks)
    else:
        if head:
            yield head
        yield from chunks


def _gunzipped(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip made smaller: one file after another, with zeros between them or behind, as its format allows."""
    stream = zlib.decompressobj(_GZIP)
    begun = False
    data = head
    while data or (data := next(chunks, b"")):
        if not begun and not (data := data.lstrip(b"\0")):
            continue
        begun = True
        while content := stream.decompress(data, MOST_AT_ONCE):
            yield content
            data = stream.unconsumed_tail
        data = b""
        if stream.eof:
            data, stream, begun = stream.unused_data, zlib.decompressobj(_GZIP), False
    if begun:
        raise EOFError("it ends too early")
