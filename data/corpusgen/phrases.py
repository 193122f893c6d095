"""Bilingual noun phrases: determiners, agreement and adjective position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import english, french
from .lexicon import Adjective, Noun, Pair


@dataclass(frozen=True)
class NounPhrase:
    """A noun phrase in both languages, with the features that its verb and adjectives agree with.

    The `negated` texts replace the plain ones in the object of a negative verb: "some bread" / "du pain"
    becomes "any bread" / "de pain".
    """

    en: str
    fr: str
    person: int = 2
    plural: bool = False
    feminine: bool = False
    human: bool = True
    pronoun: bool = False
    en_negated: str = ""
    fr_negated: str = ""
    numbered: bool = False

    @property
    def index(self) -> int:
        """The grammatical person from 0 (je) to 5 (ils)."""
        return self.person + 3 * self.plural

    @property
    def pair(self) -> Pair:
        """The plain text."""
        return Pair(self.en, self.fr)


PRONOUNS = {
    "I": NounPhrase("I", "je", 0, pronoun=True),
    "you": NounPhrase("you", "tu", 1, pronoun=True),
    "he": NounPhrase("he", "il", pronoun=True),
    "she": NounPhrase("she", "elle", feminine=True, pronoun=True),
    "we": NounPhrase("we", "nous", 0, plural=True, pronoun=True),
    "they": NounPhrase("they", "ils", plural=True, pronoun=True),
}

IMPERSONAL = NounPhrase("it", "il", human=False, pronoun=True)

# Possessives by owner: English, then French masculine, feminine and plural.
POSSESSIVES = {
    "my": ("mon", "ma", "mes"),
    "your": ("ton", "ta", "tes"),
    "his": ("son", "sa", "ses"),
    "her": ("son", "sa", "ses"),
    "its": ("son", "sa", "ses"),
    "our": ("notre", "notre", "nos"),
    "their": ("leur", "leur", "leurs"),
}

NUMBERS = {
    "two": "deux", "three": "trois", "four": "quatre", "five": "cinq", "six": "six", "seven": "sept",
    "eight": "huit", "nine": "neuf", "ten": "dix", "eleven": "onze", "twelve": "douze",
    "fifteen": "quinze", "twenty": "vingt", "thirty": "trente", "forty": "quarante", "fifty": "cinquante",
}  # fmt: skip


def owner_of(subject: NounPhrase) -> str:
    """The English possessive that refers back to the subject."""
    if subject.index == 2:
        if not subject.human:
            return "its"
        return "her" if subject.feminine else "his"
    return ("my", "your", "", "our", "your", "their")[subject.index]


def pronoun_for(phrase: NounPhrase) -> NounPhrase:
    """The subject pronoun that takes up a noun phrase: "my sister" becomes "she" / "elle"."""
    if phrase.pronoun:
        return phrase
    if phrase.plural:
        fr = "elles" if phrase.feminine else "ils"
        return NounPhrase("they", fr, 2, True, phrase.feminine, phrase.human, pronoun=True)
    en = ("she" if phrase.feminine else "he") if phrase.human else "it"
    fr = "elle" if phrase.feminine else "il"
    return NounPhrase(en, fr, 2, False, phrase.feminine, phrase.human, pronoun=True)


def object_pronoun(phrase: NounPhrase, indirect: bool = False) -> Pair:
    """The object pronoun that takes up a noun phrase: "him" / "le", or "him" / "lui" when indirect."""
    if phrase.person < 2:
        return {0: Pair("me", "me"), 1: Pair("you", "te"), 3: Pair("us", "nous")}[phrase.index]
    if phrase.plural:
        return Pair("them", "leur" if indirect else "les")
    en = ("her" if phrase.feminine else "him") if phrase.human else "it"
    return Pair(en, "lui" if indirect else ("la" if phrase.feminine else "le"))


def _english_determiner(determiner: str, plural: bool, following: str) -> str:
    if determiner == "a":
        return "some" if plural else english.article(following)
    if determiner == "this" and plural:
        return "these"
    return "" if determiner == "generic" else determiner


def _french_determiner(determiner: str, noun: Noun, plural: bool, following: str, adjective_first: bool) -> str:
    vowel = french.starts_with_vowel(following)
    slot = 2 if plural else int(noun.feminine and not vowel)
    if determiner in POSSESSIVES:
        # "mon amie": the masculine possessive avoids the clash of two vowels, hence the slot above.
        return POSSESSIVES[determiner][slot]
    if determiner in NUMBERS:
        return NUMBERS[determiner]
    if determiner in ("the", "generic"):
        return "les" if plural else ("la" if noun.feminine else "le")
    if determiner == "this":
        return ("ces" if plural else "cette") if plural or noun.feminine else ("cet" if vowel else "ce")
    if plural:
        # "des livres", but "de vieux livres" when the adjective comes first.
        return "de" if adjective_first else "des"
    if noun.kind == "mass":
        return "de la" if noun.feminine else "du" if not vowel else "de le"
    return "une" if noun.feminine else "un"


def noun_phrase(
    determiner: str, noun: Noun, adjectives: Sequence[Adjective] = (), plural: bool = False, human: bool = False
) -> NounPhrase:
    """Build a noun phrase; `determiner` is the English singular one ("a" turns into "some" when needed)."""
    plural = plural or noun.kind == "plural"
    indefinite = determiner in ("a", "some")
    head = noun.fr_plural if plural else noun.fr
    after = [a.agree(noun.feminine, plural) for a in adjectives if not a.before]
    words = [head, *after]
    for adjective in reversed([a for a in adjectives if a.before]):
        words.insert(0, adjective.agree(noun.feminine, plural, words[0]))
    bare_fr = " ".join(words)
    bare_en = " ".join([*(a.en for a in adjectives), noun.en_plural if plural else noun.en])
    adjective_first = any(a.before for a in adjectives)
    if indefinite and noun.kind == "mass":
        determiner = "some"
    en = f"{_english_determiner(determiner, plural, bare_en)} {bare_en}".strip()
    fr = french.elide(f"{_french_determiner(determiner, noun, plural, words[0], adjective_first)} {bare_fr}")
    en_negated = en
    if indefinite and (plural or noun.kind == "mass"):
        en_negated = f"any {bare_en}"
    fr_negated = french.elide(f"de {bare_fr}") if indefinite else fr
    return NounPhrase(en, fr, 2, plural, noun.feminine, human, False, en_negated, fr_negated, determiner in NUMBERS)


def both(first: NounPhrase, second: NounPhrase) -> NounPhrase:
    """Two coordinated noun phrases: a plural, feminine only when both are."""
    return NounPhrase(
        f"{first.en} and {second.en}",
        f"{first.fr} et {second.fr}",
        plural=True,
        feminine=first.feminine and second.feminine,
        human=first.human,
    )


def possessive_pronoun(owner: str, thing: NounPhrase) -> NounPhrase:
    """The pronoun "mine" / "le mien" or "yours" / "le tien" that stands for a thing."""
    fr = {"mine": ("le mien", "la mienne"), "yours": ("le tien", "la tienne")}[owner][thing.feminine]
    if thing.plural:
        fr = fr.replace("le ", "les ").replace("la ", "les ") + "s"
    return NounPhrase(owner, fr, plural=thing.plural, feminine=thing.feminine)


def of(possession: NounPhrase, owner: NounPhrase) -> NounPhrase:
    """The genitive: "the car" and "my uncle" give "my uncle's car" / "la voiture de mon oncle"."""
    thing = possession.en.removeprefix("the ")
    mark = "'" if owner.plural and owner.en.endswith("s") else "'s"
    return NounPhrase(
        f"{owner.en}{mark} {thing}",
        f"{possession.fr} {french.contract('de', owner.fr)}",
        plural=possession.plural,
        feminine=possession.feminine,
        human=possession.human,
    )
