"""French morphology: elision, contraction, agreement and conjugation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

VOWELS = "aeiouyàâäéèêëîïôöùûüœæ"

# An initial h is mute unless the word is listed here; "onze" and "yaourt" behave as if they had one.
ASPIRATED = ("haricot", "hibou", "haut", "huit", "héros", "hamster", "onze", "oui", "yaourt")

ELIDABLE = r"(?<!-)\b(je|me|te|se|ne|de|que|le|la|ce|jusque|lorsque|puisque) (?=(\S+))"

REFLEXIVE = ("me", "te", "se", "nous", "vous", "se")

# Verbs that build the compound past with être (reflexive verbs do so too).
ETRE_VERBS = frozenset({
    "aller", "venir", "revenir", "devenir", "arriver", "partir", "sortir", "rentrer", "rester", "tomber", "naître",
    "mourir",
})  # fmt: skip


class Mood(Enum):
    """The simple (one-word) French tenses in use."""

    PRESENT = "présent"
    IMPERFECT = "imparfait"
    FUTURE = "futur simple"
    CONDITIONAL = "conditionnel"


@dataclass(frozen=True)
class Paradigm:
    """What distinguishes an irregular verb: six present forms, the future stem and the past participle."""

    present: tuple[str, ...]
    future_stem: str
    participle: str


def starts_with_vowel(text: str) -> bool:
    """Whether the first word of `text` makes a preceding "le" or "je" elide."""
    word = text.lower()
    if word.startswith(ASPIRATED):
        return False
    return word.startswith("h") or word[:1] in VOWELS


def elide(text: str) -> str:
    """Apply every obligatory elision in a phrase: "je ai" becomes "j'ai", "si il" becomes "s'il"."""

    def shorten(match: re.Match[str]) -> str:
        if starts_with_vowel(match.group(2)):
            return match.group(1)[:-1] + "'"
        return match.group(0)

    return re.sub(r"\b(si|Si) (?=ils?\b)", lambda m: m.group(1)[0] + "'", re.sub(ELIDABLE, shorten, text))


def contract(preposition: str, phrase: str) -> str:
    """Put a preposition before a noun phrase, with the contractions of à and de with the article."""
    fused = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}
    # "avoir besoin de" and "parler de" drop a following indefinite or partitive article.
    dropped = ("du ", "de la ", "de l'", "des ", "de ", "d'")
    if preposition == "de":
        article = next((a for a in dropped if phrase.startswith(a)), "")
        if article:
            return elide("de " + phrase[len(article) :])
    first, _, rest = phrase.partition(" ")
    if (preposition, first) in fused:
        return f"{fused[preposition, first]} {rest}"
    return elide(f"{preposition} {phrase}")


def feminine(adjective: str) -> str:
    """The regular feminine of an adjective or past participle."""
    for ending, replacement in (
        ("e", "e"), ("eux", "euse"), ("oux", "ouse"), ("if", "ive"), ("on", "onne"), ("er", "ère"),
        ("el", "elle"), ("ong", "ongue"),
    ):  # fmt: skip
        if adjective.endswith(ending):
            return adjective[: -len(ending)] + replacement
    return adjective + "e"


def pluralize(word: str) -> str:
    """The regular plural of a noun or adjective."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "au", "eu")) and word != "bleu":
        return word + "x"
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + "s"


def agree(word: str, is_feminine: bool, is_plural: bool) -> str:
    """Agreement of a regular participle or adjective in gender and number."""
    form = feminine(word) if is_feminine else word
    return pluralize(form) if is_plural else form


def _stem_change(stem: str, infinitive: str) -> str:
    """The stem of an -er verb before a mute e: "achèt-", "préfèr-", "nettoi-"."""
    if stem.endswith("y"):
        return stem[:-1] + "i"
    return re.sub(r"[eé]([^aeiouyéè])$", r"è\1", stem) if infinitive.endswith("er") else stem


def _regular(infinitive: str) -> Paradigm:
    """The paradigm of a regular verb in -er, -ir (finir) or -re (attendre)."""
    stem = infinitive[:-2]
    if infinitive.endswith("ir"):
        endings = ("is", "is", "it", "issons", "issez", "issent")
        return Paradigm(tuple(stem + e for e in endings), infinitive, stem + "i")
    if infinitive.endswith("re"):
        endings = ("s", "s", "", "ons", "ez", "ent")
        return Paradigm(tuple(stem + e for e in endings), infinitive[:-1], stem + "u")
    weak = _stem_change(stem, infinitive)
    # "nous mangeons", "nous commençons": the spelling keeps the soft consonant before o.
    soft = stem + "e" if stem.endswith("g") else re.sub("c$", "ç", stem)
    present = (weak + "e", weak + "es", weak + "e", soft + "ons", stem + "ez", weak + "ent")
    # The future of "préférer" keeps its é, while "acheter" and "nettoyer" change their stem.
    future = infinitive if re.search("é[^aeiouyéè]$", stem) else weak + "er"
    return Paradigm(present, future, stem + "é")


class Conjugator:
    """Conjugates French verbs from a table of irregular paradigms and the regular rules."""

    def __init__(self, irregular: dict[str, Paradigm]) -> None:
        """Keep the table of irregular verbs."""
        self._irregular = irregular

    def paradigm(self, infinitive: str) -> Paradigm:
        """The paradigm of a verb, looked up or built by rule."""
        return self._irregular.get(infinitive) or _regular(infinitive)

    def participle(self, infinitive: str, is_feminine: bool = False, is_plural: bool = False) -> str:
        """The past participle, agreeing when asked to."""
        base = self.paradigm(infinitive).participle
        if base == "dû" and (is_feminine or is_plural):
            base = "du"
        return agree(base, is_feminine, is_plural)

    def finite(self, infinitive: str, mood: Mood, person: int) -> str:
        """The finite form for one of six persons (0 is je, 5 is ils)."""
        paradigm = self.paradigm(infinitive)
        if mood is Mood.PRESENT:
            return paradigm.present[person]
        if mood is Mood.FUTURE:
            return paradigm.future_stem + ("ai", "as", "a", "ons", "ez", "ont")[person]
        ending = ("ais", "ais", "ait", "ions", "iez", "aient")[person]
        if mood is Mood.CONDITIONAL:
            return paradigm.future_stem + ending
        stem = "ét" if infinitive == "être" else paradigm.present[3].removesuffix("ons")
        if ending.startswith("i"):  # "nous mangions", "nous commencions" need no softening
            stem = stem[:-1] if stem.endswith("ge") else re.sub("ç$", "c", stem)
        return stem + ending

    def imperative(self, infinitive: str, person: int) -> str:
        """The imperative for tu (1) or nous (3); être, avoir and savoir, all irregular here, are never asked for."""
        form = self.paradigm(infinitive).present[person]
        if person == 1 and (form.endswith("es") or infinitive == "aller"):
            return form[:-1]
        return form
