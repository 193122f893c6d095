"""Recipes for sentences about people: professions, ages, feelings, pains and possessions."""

from __future__ import annotations

from . import french
from .clauses import Negation, Predicate, Tense
from .descriptions import be
from .finish import question, statement
from .lexicon import NOTHING, Pair
from .phrases import NUMBERS, PRONOUNS, NounPhrase, noun_phrase, owner_of
from .sampler import Sampler

CHILD_AGES = ("four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

GROWN_AGES = ("fifteen", "twenty", "thirty", "forty", "fifty")

FEELINGS = {
    "be hungry": 5, "be thirsty": 5, "be cold": 4, "be hot": 3, "be right": 3, "be wrong": 3, "be sleepy": 4,
    "be lucky": 2, "be late": 4, "be angry": 3, "be on holiday": 3,
}  # fmt: skip

OWNED = (
    "pet", "kin", "young_kin", "vehicle", "home", "computer", "garden", "watch", "garment", "question", "idea",
)  # fmt: skip

# Feelings that come back, and so go with "often" or "never".
RECURRING = frozenset({"be hungry", "be thirsty", "be cold", "be right", "be late", "be lucky", "be afraid of"})


def single_person(s: Sampler, pronouns: float = 0.3) -> NounPhrase:
    """A singular subject of the first or third person."""
    subject = s.subject(pronouns=pronouns)
    while subject.plural or subject.en == "you":
        subject = s.subject(pronouns=pronouns)
    return subject


def occupation(s: Sampler) -> Pair:
    """A profession, without article in French: "My aunt is a lawyer."."""
    youth = s.chance(0.4)
    subject = s.family_member(*(("child_or_adult",) if youth else ("adult", "kin")))
    if s.chance(0.35):
        subject = PRONOUNS[s.pick(["he", "she", "I"])] if s.chance(0.4) else s.name()
    while subject.plural:
        subject = s.name()
    job = s.phrase("job")
    masculine, _, feminine = job.fr.partition("/")
    title = Pair(job.en, (feminine or masculine) if subject.feminine else masculine)
    if youth:
        tense = s.pick([Tense.WANT, Tense.WOULD_LIKE, Tense.GOING_TO, Tense.FUTURE])
        return statement(s.grammar.clause(subject, Predicate(s.lexicon.verbs["become"], None, (title,)), tense))
    tense = s.weighted({Tense.PRESENT: 5, Tense.PAST: 2})
    return statement(be(s, subject, title, tense=tense, negation=Negation.NOT if s.chance(0.15) else None))


def age(s: Sampler) -> Pair:
    """An age, with avoir in French: "His sister is ten years old."."""
    if s.chance(0.5):
        subject, number = s.person_noun("youngster", adjective=0.4), s.pick(CHILD_AGES)
        if s.chance(0.5):
            subject = s.family_member("child_or_adult")
    else:
        number = s.pick(GROWN_AGES)
        subject = s.family_member("young_kin", "kin") if s.chance(0.6) else s.name()
        if s.chance(0.3):
            subject = PRONOUNS[s.pick(["I", "he", "she"])]
    predicate = Predicate(s.lexicon.verbs["be (age)"], None, (Pair(f"{number} years old", f"{NUMBERS[number]} ans"),))
    if s.chance(0.3):
        tense = s.pick([Tense.PAST, Tense.FUTURE])
        when = Pair("last year", "l'année dernière")
        if tense is Tense.FUTURE:
            when = s.pick([Pair("next month", "le mois prochain"), Pair("tomorrow", "demain")])
        return statement(s.grammar.clause(subject, s.add(predicate, when), tense))
    return statement(s.grammar.clause(subject, predicate, Tense.PRESENT))


def how_old(s: Sampler) -> Pair:
    """An age asked for: "How old is your sister?" / "Quel âge a ta sœur ?"."""
    relative = noun_phrase(s.pick(["your", "his", "her"]), s.pick(s.lexicon.nouns_of("family")))
    person = relative if s.chance(0.6) else s.person_noun("child") if s.chance(0.6) else s.name()
    verb = Pair("are", "ont") if person.plural else Pair("is", "a")
    return question(Pair(f"how old {verb.en} {person.en}", f"quel âge {verb.fr} {person.fr}"))


def feeling(s: Sampler) -> Pair:
    """A state expressed with avoir or a fixed phrase in French: "The children are hungry."."""
    if s.chance(0.2):
        feared = s.pick(s.lexicon.nouns_of("dog", "mouse", "horse", "owl", "cow"))
        predicate = Predicate(s.lexicon.verbs["be afraid of"], noun_phrase("generic", feared, plural=True))
    else:
        predicate = Predicate(s.lexicon.verbs[s.weighted(FEELINGS)])
    recurring = predicate.verb.key in RECURRING
    subject = s.subject(("person", "child"), pronouns=0.4)
    tense = s.weighted({Tense.PRESENT: 6, Tense.PAST: 3})
    adverb, negation = NOTHING, None
    if tense is Tense.PRESENT and recurring and s.chance(0.3):
        adverb = s.phrase("frequency")
    elif s.chance(0.3):
        options = [Negation.NOT, Negation.NOT]
        if tense is Tense.PRESENT:
            options += [Negation.NEVER] if recurring else []
            options += [] if predicate.verb.key in ("be right", "be wrong", "be lucky") else [Negation.NO_LONGER]
        negation = s.pick(options)
    return statement(s.grammar.clause(subject, predicate, tense, negation, adverb))


def pain(s: Sampler) -> Pair:
    """An ache: "My father's back hurts." / "Mon père a mal au dos."."""
    subject = single_person(s, pronouns=0.5)
    part = s.pick(s.lexicon.nouns_of("ache"))
    owner = owner_of(subject) if subject.pronoun else f"{subject.en}'s"
    plural = part.kind == "plural"
    body = Pair("", french.contract("à", noun_phrase("the", part).fr))
    predicate = Predicate(s.lexicon.verbs["ache"], None, (body,))
    if s.chance(0.3):
        past = "were hurting" if plural else "was hurting"
        time = s.phrase("past_day") if s.chance(0.5) else NOTHING
        fr = s.grammar.french_clause(subject, predicate, Tense.PAST)
        return statement(Pair(f"{owner} {part.en} {past}", fr) + time)
    fr = s.grammar.french_clause(subject, predicate, Tense.PRESENT)
    return statement(Pair(f"{owner} {part.en} {'hurt' if plural else 'hurts'}", fr))


def possessions(s: Sampler) -> Pair:
    """What people have: "Our neighbours have two white cats."."""
    subject = s.subject(("adult",), pronouns=0.4)
    noun = s.pick([n for n in s.lexicon.nouns_of(*OWNED) if s.can_own(subject, n)])
    alone = not noun.classes.isdisjoint({"home", "computer", "garden", "idea", "question", "uncle", "aunt"})
    determiner = "a" if alone or noun.kind == "plural" else s.pick(["a", "two", "three"])
    adjectives = s.adjectives_for(noun, 0.4, "have") if determiner == "a" else []
    phrase = noun_phrase(determiner, noun, adjectives, determiner != "a")
    family = "family" in noun.classes
    tense = Tense.PRESENT if family else s.weighted({Tense.PRESENT: 6, Tense.PAST: 2, Tense.WOULD_LIKE: 1})
    negation = None
    if determiner == "a" and tense is not Tense.WOULD_LIKE and s.chance(0.3):
        negation = Negation.NO_LONGER if s.chance(0.3) and not family else Negation.NOT
    return statement(s.grammar.clause(subject, Predicate(s.lexicon.verbs["have"], phrase), tense, negation))
