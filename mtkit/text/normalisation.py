"""What becomes of text before it is segmented: the source is made more uniform than the target, which is to be written.

Rules are numbered. A prepared corpus and a model keep the rule that they were made with, so that what a network reads
never differs from what it has learnt from:

    1   NFKC on the source and NFC on the target, on one line, with single spaces
    2   the same, and without characters that cannot be seen and carry no meaning
    3   the same, and on the source, variants of characters that training text has for those that it lacks
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

SPACE = "\u2581"
"""SentencePiece's mark for a space: each word begins with one."""

NEWEST_RULE = 3

_NOT_TEXT = re.compile(rf"[\x00-\x1f\x7f-\x9f{SPACE}]")

# The soft hyphen, the zero-width space, the word joiner, the byte-order mark, and what sets the direction of writing.
# The zero-width joiner and non-joiner (U+200C, U+200D) distinguish words of Persian and of Indic scripts, and emoji.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_ACUTE = "\u00b4"
"""Where it stands for an apostrophe, NFKC would make it a space and a combining accent."""


@dataclass(frozen=True)
class Normaliser:
    """The rule that text is normalised by, on both sides, wherever it is read."""

    rule: int = NEWEST_RULE
    variants: Mapping[str, str] = field(default_factory=dict)
    """What the network reads in the place of characters that it has not learnt; see `mtkit.text.variants`."""

    def source(self, text: str) -> str:
        """Return text as the network reads it.

        >>> Normaliser().source(" ½   ﬁsh ")
        '1⁄2 fish'
        """
        if self.rule > 1 and not text.isascii():
            text = _INVISIBLE.sub("", text)
            if self.rule > 2:
                text = text.replace(_ACUTE, "'")
        text = one_line(unicodedata.normalize("NFKC", text))
        return self.known(text) if self.variants else text

    def known(self, source: str) -> str:
        """Return a normalised source with variants in the place of what the network has not learnt."""
        if not self.variants or not self._unknown.search(source):
            return source
        # an accent that follows may go together with what it now follows
        return unicodedata.normalize("NFKC", self._unknown.sub(lambda found: self.variants[found[0]], source))

    @cached_property
    def _unknown(self) -> re.Pattern[str]:
        return re.compile(f"[{re.escape(''.join(self.variants))}]")

    def target(self, text: str) -> str:
        """Return text as the network learns to write it.

        >>> Normaliser().target(" ½   ﬁsh ")
        '½ ﬁsh'
        """
        if self.rule > 1 and not text.isascii():
            text = _INVISIBLE.sub("", text)
        return one_line(unicodedata.normalize("NFC", text))


def one_line(text: str) -> str:
    """Return text on one line, with single spaces, and without control characters."""
    return " ".join(_NOT_TEXT.sub(" ", text).split())  # split takes U+2028, U+2029 and the wide spaces as well
