"""Bilingual clauses: tense, negation, questions and the place of pronouns and adverbs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from . import english, french
from .french import Mood
from .lexicon import NOTHING, Lexicon, Pair, Verb
from .phrases import POSSESSIVES, PRONOUNS, NounPhrase, object_pronoun, owner_of


class Tense(Enum):
    """English tenses and modal constructions, each with one fixed French counterpart."""

    PRESENT = auto()  # reads -> lit
    PROGRESSIVE = auto()  # is reading -> lit
    PAST = auto()  # read -> a lu (statives: imparfait)
    PERFECT = auto()  # has read -> a lu
    USED_TO = auto()  # used to read -> lisait
    WAS_DOING = auto()  # was reading -> lisait
    FUTURE = auto()  # will read -> lira
    GOING_TO = auto()  # is going to read -> va lire
    JUST = auto()  # has just read -> vient de lire
    CAN = auto()  # can read -> peut lire
    MUST = auto()  # must read -> doit lire
    HAD_TO = auto()  # had to read -> a dû lire
    WANT = auto()  # wants to read -> veut lire
    WOULD_LIKE = auto()  # would like to read -> voudrait lire
    KNOW_HOW = auto()  # knows how to read -> sait lire


class Negation(Enum):
    """The negations, by the French word that follows the verb."""

    NOT = "pas"
    NEVER = "jamais"
    NO_LONGER = "plus"


MOODS = {
    Tense.PRESENT: Mood.PRESENT,
    Tense.PROGRESSIVE: Mood.PRESENT,
    Tense.USED_TO: Mood.IMPERFECT,
    Tense.WAS_DOING: Mood.IMPERFECT,
    Tense.FUTURE: Mood.FUTURE,
}

# The finite verb before an infinitive, its mood, and what stands between the two.
CHAINS = {
    Tense.GOING_TO: ("aller", Mood.PRESENT, ""),
    Tense.JUST: ("venir", Mood.PRESENT, "de"),
    Tense.CAN: ("pouvoir", Mood.PRESENT, ""),
    Tense.MUST: ("devoir", Mood.PRESENT, ""),
    Tense.HAD_TO: ("avoir", Mood.PRESENT, "dû"),
    Tense.WANT: ("vouloir", Mood.PRESENT, ""),
    Tense.WOULD_LIKE: ("vouloir", Mood.CONDITIONAL, ""),
    Tense.KNOW_HOW: ("savoir", Mood.PRESENT, ""),
}


@dataclass(frozen=True)
class Predicate:
    """A verb with its object, or a pronoun that stands for it, and further complements.

    `taken_up` is the noun phrase an object pronoun stands for, `recipient` one an indirect pronoun stands
    for, and `gap` the antecedent of a relative clause whose object is missing.
    """

    verb: Verb
    object: NounPhrase | None = None
    complements: tuple[Pair, ...] = ()
    taken_up: NounPhrase | None = None
    recipient: NounPhrase | None = None
    gap: NounPhrase | None = None


def _own(text: str, subject: NounPhrase, in_french: bool) -> str:
    """Replace the placeholder OWN (in French OWNm, OWNf or OWNp) by the possessive of the subject."""
    owner = owner_of(subject)
    if not in_french:
        return text.replace("OWN", owner)
    for mark, form in zip("mfp", POSSESSIVES[owner], strict=True):
        text = text.replace(f"OWN{mark}", form)
    return text


class Grammar:
    """Builds clauses in both languages from the same features."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Use the lexicon's conjugation tables."""
        self._conjugator = lexicon.conjugator

    def _clitics(self, subject: NounPhrase, predicate: Predicate) -> str:
        """The unstressed pronouns before the French verb, in their fixed order."""
        words: list[str] = []
        if predicate.verb.reflexive:
            words.append(french.REFLEXIVE[subject.index])
        if predicate.taken_up:
            words.append(object_pronoun(predicate.taken_up, predicate.verb.link == "à").fr)
        if predicate.recipient:
            words.append(object_pronoun(predicate.recipient, indirect=True).fr)
        return " ".join(words)

    def _participle(self, subject: NounPhrase, predicate: Predicate) -> str:
        """The past participle: it agrees with an être subject or with a direct object that precedes it."""
        verb = predicate.verb
        leader: NounPhrase | None = None
        if verb.uses_etre:
            # "elle s'est levée", but "elle s'est lavé les mains": there the object follows.
            leader = None if verb.reflexive and verb.fr_tail else subject
        elif not verb.link:
            leader = predicate.taken_up or predicate.gap
        if leader is None:
            return self._conjugator.participle(verb.fr)
        return self._conjugator.participle(verb.fr, leader.feminine, leader.plural)

    def french_rest(self, subject: NounPhrase, predicate: Predicate, negated: bool = False) -> str:
        """What follows the French verb: the fixed tail, the object and the complements."""
        words = [predicate.verb.fr_tail]
        if predicate.object:
            phrase = predicate.object.fr_negated if negated else predicate.object.fr
            words.append(french.contract(predicate.verb.link, phrase) if predicate.verb.link else phrase)
        words.extend(complement.fr for complement in predicate.complements)
        return _own(" ".join(filter(None, words)), subject, in_french=True)

    def french_infinitive(self, subject: NounPhrase, predicate: Predicate) -> str:
        """The infinitive with its pronouns and complements."""
        parts = (self._clitics(subject, predicate), predicate.verb.fr, self.french_rest(subject, predicate))
        return french.elide(" ".join(filter(None, parts)))

    def french_clause(
        self,
        subject: NounPhrase,
        predicate: Predicate,
        tense: Tense,
        negation: Negation | None = None,
        adverb: str = "",
    ) -> str:
        """The French declarative clause."""
        verb, index = predicate.verb, subject.index
        clitics = self._clitics(subject, predicate)
        inner = ""
        if tense in CHAINS:
            auxiliary, mood, link = CHAINS[tense]
            finite = self._conjugator.finite(auxiliary, mood, index)
            inner = " ".join(filter(None, (link, clitics, verb.fr)))
            clitics = ""
        elif tense in (Tense.PAST, Tense.PERFECT) and not verb.stative:
            finite = self._conjugator.finite("être" if verb.uses_etre else "avoir", Mood.PRESENT, index)
            inner = self._participle(subject, predicate)
        else:
            # A stative verb describes a past situation, which French puts in the imparfait.
            finite = self._conjugator.finite(verb.fr, MOODS.get(tense, Mood.IMPERFECT), index)
        parts = (
            subject.fr,
            "ne" if negation else "",
            clitics,
            finite,
            negation.value if negation else "",
            adverb,
            inner,
            self.french_rest(subject, predicate, negated=negation is not None),
        )
        return french.elide(" ".join(filter(None, parts)))

    def _english_group(self, verb: Verb, tense: Tense, index: int) -> tuple[str, str, str]:
        """The English verb as (auxiliary, do-auxiliary for negation, main verb)."""
        third = index == 2
        be = english.IRREGULAR_BE
        if verb.en == "be" and tense in (Tense.PRESENT, Tense.PAST):
            return be["present" if tense is Tense.PRESENT else "past"][index], "", ""
        has = "has" if third else "have"
        want = "wants" if third else "want"
        knows = "knows" if third else "know"
        does = "does" if third else "do"
        return {
            Tense.PRESENT: ("", does, english.third_person(verb.en) if third else verb.en),
            Tense.PAST: ("", "did", self._past(verb, index)),
            Tense.PROGRESSIVE: (be["present"][index], "", verb.en_gerund),
            Tense.WAS_DOING: (be["past"][index], "", verb.en_gerund),
            Tense.PERFECT: (has, "", verb.en_participle),
            Tense.JUST: (has, "", f"just {verb.en_participle}"),
            Tense.USED_TO: ("", "did", f"used to {verb.en}"),
            Tense.FUTURE: ("will", "", verb.en),
            Tense.GOING_TO: (be["present"][index], "", f"going to {verb.en}"),
            Tense.CAN: ("can", "", verb.en),
            Tense.MUST: ("must", "", verb.en),
            Tense.HAD_TO: ("", "did", f"had to {verb.en}"),
            Tense.WANT: ("", does, f"{want} to {verb.en}"),
            Tense.WOULD_LIKE: ("would", "", f"like to {verb.en}"),
            Tense.KNOW_HOW: ("", does, f"{knows} how to {verb.en}"),
        }[tense]

    @staticmethod
    def _past(verb: Verb, index: int) -> str:
        return english.IRREGULAR_BE["past"][index] if verb.en == "be" else verb.en_past

    @staticmethod
    def _bare(verb: Verb, tense: Tense) -> str:
        """The main verb after do: "does not want to read", "did not read"."""
        prefix = {
            Tense.WANT: "want to ",
            Tense.KNOW_HOW: "know how to ",
            Tense.HAD_TO: "have to ",
            Tense.USED_TO: "use to ",
        }
        return prefix.get(tense, "") + verb.en

    def english_rest(self, subject: NounPhrase, predicate: Predicate, negated: bool = False) -> str:
        """What follows the English verb: particle, objects and complements."""
        words = [predicate.verb.en_tail]
        if predicate.recipient:
            words.append(object_pronoun(predicate.recipient).en)
        if predicate.taken_up:
            words.append(object_pronoun(predicate.taken_up).en)
        if predicate.object:
            words.append((negated and predicate.object.en_negated) or predicate.object.en)
        words.extend(complement.en for complement in predicate.complements)
        return _own(" ".join(filter(None, words)), subject, in_french=False)

    def english_clause(
        self,
        subject: NounPhrase,
        predicate: Predicate,
        tense: Tense,
        negation: Negation | None = None,
        adverb: str = "",
        question: bool = False,
    ) -> str:
        """The English clause, declarative or with the auxiliary before the subject."""
        verb = predicate.verb
        auxiliary, support, main = self._english_group(verb, tense, subject.index)
        if negation in (Negation.NEVER, Negation.NO_LONGER):
            adverb = "never" if negation is Negation.NEVER else "no longer"
        elif negation or question:
            auxiliary, main = auxiliary or support, main if auxiliary else self._bare(verb, tense)
            auxiliary = english.negate(auxiliary) if negation else auxiliary
        opening = (auxiliary, subject.en) if question else (subject.en, auxiliary)
        rest = self.english_rest(subject, predicate, negated=negation is not None)
        return " ".join(filter(None, (*opening, adverb, main, rest)))

    def clause(
        self,
        subject: NounPhrase,
        predicate: Predicate,
        tense: Tense,
        negation: Negation | None = None,
        adverb: Pair = NOTHING,
    ) -> Pair:
        """A declarative clause in both languages."""
        return Pair(
            self.english_clause(subject, predicate, tense, negation, adverb.en),
            self.french_clause(subject, predicate, tense, negation, adverb.fr),
        )

    def question(self, subject: NounPhrase, predicate: Predicate, tense: Tense, word: Pair | None = None) -> Pair:
        """A question with est-ce que, after a question word if there is one."""
        en = self.english_clause(subject, predicate, tense, question=True)
        fr = french.elide(f"est-ce que {self.french_clause(subject, predicate, tense)}")
        return word + Pair(en, fr) if word else Pair(en, fr)

    def imperative(self, predicate: Predicate, person: int, negative: bool = False) -> Pair:
        """An order to tu (1) or a suggestion with nous (3)."""
        speaker = PRONOUNS["we" if person == 3 else "you"]
        verb = predicate.verb
        form = self._conjugator.imperative(verb.fr, person)
        pronoun = self._clitics(speaker, predicate)
        rest = self.french_rest(speaker, predicate, negated=negative)
        if negative:
            fr = " ".join(filter(None, ("ne", pronoun, form, "pas", rest)))
        else:
            # "Dépêche-toi": the pronoun follows, in its stressed form.
            stressed = {"te": "toi", "me": "moi"}.get(pronoun, pronoun)
            fr = " ".join(filter(None, (f"{form}-{stressed}" if pronoun else form, rest)))
        lead = "let's" if person == 3 else ("don't" if negative else "")
        en = " ".join(filter(None, (lead, verb.en, self.english_rest(speaker, predicate, negative))))
        return Pair(en, french.elide(fr))
