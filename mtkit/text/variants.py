"""Characters that look or mean alike, of which a text often has but some: typographic quotes, dashes and the like.

What training never saw, a network cannot read. Where its text has a variant of such a character, that one is read in
its place.
"""

from __future__ import annotations

import re
from collections import Counter

ALIKE = {
    # single quotes and apostrophes
    "'": "’ʼ′‘",
    "’": "'ʼ‘",
    "‘": "'’‛",
    "‚": "'‘’",
    "‛": "'‘’",
    "′": "'’",
    "ʼ": "'’",
    "`": "'‘’",
    "׳": "'’",
    "‹": "'‘«\"“",
    "›": "'’»\"”",
    # double quotes
    '"': "”“»«",
    "“": '"«„”',
    "”": '"»“',
    "„": '"“«”',
    "‟": '"“«”',
    "״": '"”',
    "«": '"“„»',
    "»": '"”“«',
    # hyphens, dashes, minus signs
    "-": "‐–—",
    "‐": "-–",
    "‒": "–-—",
    "–": "-—‐",
    "—": "–-―",
    "―": "—–-",
    "−": "-–",
    "⁃": "-–•",
    "־": "-–",
    # signs
    "•": "·-",
    "·": "•-",
    "×": "x",
    "⁄": "/",
    "∕": "/",
    "∼": "~",
    "〜": "~",
    # letters that keyboards and encodings have confused: Romanian, Persian and Urdu
    "ş": "ș",
    "ș": "ş",
    "ţ": "ț",
    "ț": "ţ",
    "Ş": "Ș",
    "Ș": "Ş",
    "Ţ": "Ț",
    "Ț": "Ţ",
    "ي": "ی",
    "ی": "ي",
    "ك": "ک",
    "ک": "ك",
}
"""What may stand for a character, the likest first. All are as NFKC leaves them: it makes an ellipsis three dots, and
every kind of space a plain one."""

RARE = 1e-6
"""A character is rare up to this share of all characters: it occurs too seldom to be learnt."""

_COUNTED = re.compile("[{}]".format("".join(map(re.escape, sorted({*ALIKE, *"".join(ALIKE.values())})))))


class Usage:
    """Counts, in normalised text, the characters that have variants."""

    def __init__(self) -> None:
        self.total = 0
        self.counts: Counter[str] = Counter()

    def count(self, line: str) -> None:
        """Count one line."""
        self.total += len(line)
        self.counts.update(_COUNTED.findall(line))

    def variants(self) -> dict[str, str]:
        """Return what is to be read in the place of each rare character that has a variant which is not."""
        common = {character for character, count in self.counts.items() if count > RARE * self.total}
        found = {
            character: next((other for other in others if other in common), "")
            for character, others in ALIKE.items()
            if character not in common
        }
        return {character: other for character, other in found.items() if other}
