"""Pairs of sentences in which characters are spelt in bytes, on both sides alike, for a network to learn to copy them.

A character that has no piece is spelt in bytes. A network that has never read those can do nothing with it, and what
it writes then is broken. So now and then it is given characters in bytes: some that both sides have anyway, and some
of all the world's that stand around a sentence.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from random import Random

STRANGERS = (
    "‘’‚“”„«»‹›–—―…•·×÷°§¶†‡¿¡€£¥₹₽©®™№←↑→↓",
    ((0x1F300, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F900, 0x1F9FF)),  # emoji
    ((0x2600, 0x27BF),),  # symbols
    ((0xC0, 0x24F),),  # Latin letters with accents
    ((0x391, 0x3C9), (0x410, 0x45F), (0x531, 0x556), (0x5D0, 0x5EA), (0x621, 0x64A)),
    ((0x905, 0x939), (0x985, 0x9B9), (0xE01, 0xE2E), (0x10D0, 0x10F0), (0xAC00, 0xD7A3)),
    ((0x3041, 0x30FE), (0x4E00, 0x9FFF)),
)
"""Kinds of characters that come from anywhere, each as likely as the others."""

Marked = list[tuple[str, bool]]
"""The characters of a sentence, each with whether it is to be spelt in bytes."""


def marked(src: str, tgt: str, count: int, rng: Random) -> tuple[Marked, Marked]:
    """Return a pair of normalised sentences with the given number of characters marked, on both sides.

    Half of them are characters that both sides have, but no letters: which of these go together, nobody knows. The
    others come from anywhere, at the beginning or the end of both sides, or around both.
    """
    source: Marked = [(character, False) for character in src]
    target: Marked = [(character, False) for character in tgt]
    for _ in range(count):
        if rng.random() < 0.5 and (shared := _shared(source, target)):
            at_source, at_target = rng.choice(shared)
            source[at_source] = target[at_target] = (source[at_source][0], True)
        else:
            kind, space = rng.choice(_strangers()), [(" ", False)] * rng.randrange(2)
            before, after = rng.choice(((True, False), (False, True), (True, True)))
            begin: Marked = [(rng.choice(kind), True), *space] if before else []
            end: Marked = [*space, (rng.choice(kind), True)] if after else []
            source, target = [*begin, *source, *end], [*begin, *target, *end]
    return source, target


def _shared(source: Marked, target: Marked) -> list[tuple[int, int]]:
    """Return where each side has the same character as often before: signs and digits alone, not yet marked."""
    places = _places(target)
    return [(at, places[key]) for key, at in _places(source).items() if key in places]


def _places(sentence: Marked) -> dict[tuple[str, int], int]:
    """Return where each sign or digit stands, by itself and how often it has been before."""
    places: dict[tuple[str, int], int] = {}
    counts: dict[str, int] = {}
    for place, (character, is_marked) in enumerate(sentence):
        if not is_marked and not character.isalpha() and not character.isspace():
            times = counts[character] = counts.get(character, 0) + 1
            places[character, times] = place
    return places


@cache
def _strangers() -> tuple[str, ...]:
    """Return the characters of each kind that are text by themselves, and that a source keeps as they are."""
    return tuple("".join(filter(_is_text, _characters(kind))) for kind in STRANGERS)


def _characters(kind: str | tuple[tuple[int, int], ...]) -> str:
    if isinstance(kind, str):
        return kind
    return "".join(map(chr, (code for first, last in kind for code in range(first, last + 1))))


def _is_text(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and unicodedata.normalize("NFKC", character) == character
