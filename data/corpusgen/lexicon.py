"""The hand-written lexicon: data classes and the reader of the tab-separated files."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from . import english, french


@dataclass(frozen=True)
class Pair:
    """An English text and its French translation."""

    en: str
    fr: str

    def __add__(self, other: Pair) -> Pair:
        """Join two texts with a space on each side."""
        return Pair(f"{self.en} {other.en}".strip(), french.elide(f"{self.fr} {other.fr}".strip()))


NOTHING = Pair("", "")


@dataclass(frozen=True)
class Noun:
    """A noun with both numbers in both languages; `kind` is count, mass, plural or single."""

    en: str
    en_plural: str
    fr: str
    fr_plural: str
    feminine: bool
    kind: str
    classes: frozenset[str]


@dataclass(frozen=True)
class Adjective:
    """An adjective: its French forms, its place, what it may qualify, and its English comparative.

    The tags tell whether one may be "too" so, or only "slight"-ly so, and whether it is a "passing" state.
    """

    en: str
    masculine: str
    feminine: str
    liaison: str
    masculine_plural: str
    feminine_plural: str
    before: bool
    use: str
    classes: frozenset[str]
    comparative: str
    verbs: frozenset[str]
    tags: frozenset[str]

    def agree(self, feminine: bool, plural: bool, following: str = "") -> str:
        """The French form; `following` is the next word, which may call for "vieil" or "bel"."""
        if plural:
            return self.feminine_plural if feminine else self.masculine_plural
        if feminine:
            return self.feminine
        if following and french.starts_with_vowel(following):
            return self.liaison
        return self.masculine

    @property
    def outer(self) -> bool:
        """Whether this is a colour, a material or a nationality, which English puts next to the noun."""
        return "outer" in self.classes or self.en[0].isupper()

    def suits(self, verb: str) -> bool:
        """Whether the adjective may qualify the object of a verb: one washes what is dirty, not clean.

        Verbs marked with a minus are excluded: nobody writes an old letter.
        """
        allowed = {name for name in self.verbs if not name.startswith("-")}
        return f"-{verb}" not in self.verbs and (not allowed or verb in allowed)

    def fits(self, noun: Noun) -> bool:
        """Whether the adjective sensibly qualifies the noun."""
        return bool(self.classes & noun.classes)


@dataclass(frozen=True)
class Verb:
    """A bilingual verb, such as "look for" / "chercher" or "be afraid of" / "avoir peur de"."""

    key: str
    en: str
    en_tail: str
    en_past: str
    en_participle: str
    en_gerund: str
    fr: str
    fr_tail: str
    link: str
    reflexive: bool
    stative: bool

    @property
    def same_past(self) -> bool:
        """Whether the English past looks like the base form, as in "put" and "read"."""
        return self.en == self.en_past

    @property
    def uses_etre(self) -> bool:
        """Whether the French compound past takes être."""
        return self.reflexive or self.fr in french.ETRE_VERBS


@dataclass(frozen=True)
class Action:
    """A verb with its selectional restrictions: who does it, to what, and where."""

    verb: Verb
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    determiners: tuple[str, ...]
    places: tuple[str, ...]
    flags: frozenset[str]


@dataclass(frozen=True)
class Place:
    """A place with the phrases "in the garden" and, where one goes there, "to the market"."""

    key: str
    at: Pair
    to: Pair | None
    tags: frozenset[str]


@dataclass(frozen=True)
class Entry:
    """A fixed bilingual phrase with the tags that say where it may be used."""

    pair: Pair
    tags: frozenset[str]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a tab-separated file with a header line; missing trailing cells become empty."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        return [dict(row) for row in reader]


def _noun(row: dict[str, str]) -> Noun:
    en, fr, kind = row["english"], row["french"], row["kind"]
    if kind == "plural":
        en_plural, fr_plural = en, fr
    else:
        en_plural = row["english_plural"] or english.pluralize(en)
        fr_plural = row["french_plural"] or french.pluralize(fr)
    # Every noun is a class of its own, so that an action or adjective may name it directly.
    classes = frozenset(row["classes"].split()) | {en.replace(" ", "_")}
    return Noun(en, en_plural, fr, fr_plural, row["gender"] == "f", kind, classes)


def _adjective(row: dict[str, str]) -> Adjective:
    masculine = row["french"]
    feminine = row["feminine"] or french.feminine(masculine)
    invariable = row["plural"]
    return Adjective(
        en=row["english"],
        masculine=masculine,
        feminine=feminine,
        liaison=row["liaison"] or masculine,
        masculine_plural=invariable or french.pluralize(masculine),
        feminine_plural=invariable or french.pluralize(feminine),
        before=row["position"] == "before",
        use=row["use"],
        classes=frozenset(row["classes"].split()),
        comparative=row["comparative"],
        verbs=frozenset(row["verbs"].split()),
        tags=frozenset(row["tags"].split()),
    )


def _verb(row: dict[str, str]) -> Verb:
    # A remark in parentheses, as in "be (age)", only tells two verbs apart.
    en, _, en_tail = row["english"].split(" (")[0].partition(" ")
    words = row["french"].replace("s'", "se ").split()
    reflexive = words[0] == "se"
    words = words[1:] if reflexive else words
    link = words.pop() if words[-1] in ("à", "de") else ""
    return Verb(
        key=row["english"],
        en=en,
        en_tail=en_tail,
        en_past=row["past"] or english.past(en),
        en_participle=row["participle"] or english.past(en),
        en_gerund=row["gerund"] or english.gerund(en),
        fr=words[0],
        fr_tail=" ".join(words[1:]),
        link=link,
        reflexive=reflexive,
        stative=bool(row["stative"]),
    )


class Lexicon:
    """All the hand-written data, indexed for the sentence recipes."""

    def __init__(self, folder: Path) -> None:
        """Read every table of the folder."""
        self._folder = folder
        self.nouns = [_noun(row) for row in self._table("nouns")]
        self.adjectives = [_adjective(row) for row in self._table("adjectives")]
        self.verbs = {row["english"]: _verb(row) for row in self._table("verbs")}
        self.conjugator = french.Conjugator(
            {
                row["infinitive"]: french.Paradigm(tuple(row["present"].split()), row["future_stem"], row["participle"])
                for row in self._table("conjugations")
            }
        )
        self.actions = [self._action(row) for row in self._table("actions")]
        self.places = {place.key: place for place in map(self._place, self._table("places"))}
        self.phrases = [
            Entry(Pair(row["english"], row["french"]), frozenset(row["tags"].split())) for row in self._table("phrases")
        ]
        self.situations = self._table("situations")

    def _table(self, name: str) -> list[dict[str, str]]:
        return read_rows(self._folder / f"{name}.tsv")

    def _action(self, row: dict[str, str]) -> Action:
        lists = {name: tuple(row[name].split()) for name in ("subjects", "objects", "determiners", "places")}
        return Action(verb=self.verbs[row["verb"]], flags=frozenset(row["flags"].split()), **lists)

    def _place(self, row: dict[str, str]) -> Place:
        to = Pair(row["to_english"], row["to_french"]) if row["to_english"] else None
        return Place(row["key"], Pair(row["at_english"], row["at_french"]), to, frozenset(row["tags"].split()))

    def noun(self, english_word: str) -> Noun:
        """The first noun with this English singular."""
        return next(noun for noun in self.nouns if noun.en == english_word)

    def adjective(self, english_word: str) -> Adjective:
        """The first adjective with this English form."""
        return next(adjective for adjective in self.adjectives if adjective.en == english_word)

    def nouns_of(self, *classes: str) -> list[Noun]:
        """All nouns that belong to one of the classes."""
        return [noun for noun in self.nouns if noun.classes & set(classes)]

    def phrases_of(self, tag: str) -> list[Pair]:
        """All fixed phrases that carry the tag."""
        return [entry.pair for entry in self.phrases if tag in entry.tags]
