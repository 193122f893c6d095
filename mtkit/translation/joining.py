"""How the translations of a line's parts become one text: with spaces between them, where the language writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

WITHOUT_SPACES = frozenset(
    # Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan
    re.findall(
        r"\w+",
        "zh zho chi cmn yue wuu nan hak lzh, ja jpn, th tha, lo lao, km khm, my mya bur, bo bod tib dz dzo",
    )
)
"""Codes of languages that are written without spaces between words."""

_SCRIPTS = re.compile(
    "[\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"  # Tibetan, Burmese
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u2e80-\u2fdf\u3000-\u30ff\u3100-\u312f\u31a0-\u31ff\u3200-\u9fff"  # Han, Kana, and their punctuation
    "\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
"""Characters of their scripts, punctuation included."""


class Joiner:
    """Joins what the parts of a line became in one language."""

    def __init__(self, language: str) -> None:
        """Join as a language is written, whose code may go on with a script or region: zh, zh_CN, zho-Hant."""
        self._spaced = re.split("[-_@]", language)[0].lower() not in WITHOUT_SPACES

    def join(self, texts: Sequence[str], within: Sequence[bool]) -> str:
        """Return one text of several, of each of which `within` says whether its part began within a word.

        Empty texts leave no trace.
        """
        joined = ""
        for text, inside in zip(texts, within, strict=True):
            if text:
                joined += text if not joined or self.touch(joined, text, inside) else f" {text}"
        return joined

    def touch(self, left: str, right: str, within: bool) -> bool:
        """Return whether no space comes between two texts; two Latin words in a Chinese text have one."""
        return within or (not self._spaced and _meet_without_space(left, right))


def begin_within_words(text: str, parts: Sequence[str]) -> list[bool]:
    """Return of each part of a text whether it begins within a word, of a script that has spaces between words.

    Of ["https://long.", "example", "org"] in "https://long.example org" that is the second.
    """
    found, position = [], 0
    for part in parts:
        start = text.index(part, position)
        found.append(0 < start == position and not _meet_without_space(text[:start], part))
        position = start + len(part)
    return found


def _meet_without_space(left: str, right: str) -> bool:
    return bool(_SCRIPTS.match(left[-1]) or _SCRIPTS.match(right[0]))
