"""What SentencePiece's errors mean, which only their wording shows: all are RuntimeErrors without a code.

The words are those of SentencePiece 0.2.0 and 0.2.3.
"""

from __future__ import annotations

import re

_SMALLEST = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")
_NO_SENTENCE = "sentences_.empty()"


def smallest_size(error: RuntimeError) -> int | None:
    """Return the smallest vocabulary that holds all characters, where one was asked for that does not."""
    match = _SMALLEST.search(str(error))
    return int(match[1]) if match else None


def is_for_want_of_sentences(error: RuntimeError) -> bool:
    """Whether there was no sentence to train on."""
    return _NO_SENTENCE in str(error)
