"""Recipes for sentences that describe things: qualities, comparisons, places and owners."""

from __future__ import annotations

from .clauses import Negation, Predicate, Tense
from .finish import statement
from .lexicon import NOTHING, Adjective, Noun, Pair
from .phrases import NounPhrase, noun_phrase, of, possessive_pronoun
from .sampler import HUMAN, Sampler

VERY = Pair("very", "très")

# Things that people own one each of, so that "my coat is longer than yours" makes sense.
OWNABLE = frozenset({"garment", "vehicle", "home", "container", "device", "room", "luggage", "pet", "toy_thing"})

# Where things may lie, by class: the keys of places and the noun classes.
INDOORS = {
    "pocket slip writing_tool text press gift": "drawer bag table desk chair bed box lamp",
    "fruit dish cutlery pastry": "table kitchen",
    "toy_thing container lamp picture": "bed window door car",
    "pet": "bed armchair chair door",
}

OUTDOORS = {
    "motor bicycle": "house_front house_behind school_behind park_near station_front street_end",
    "animal": "tree house_behind garden field river",
    "venue hotel school church": "townspot",
}


def be(
    s: Sampler, subject: NounPhrase, *rest: Pair, tense: Tense = Tense.PRESENT, negation: Negation | None = None
) -> Pair:
    """A clause with be / être."""
    return s.grammar.clause(subject, Predicate(s.lexicon.verbs["be"], None, rest), tense, negation)


def agreeing(adjective: Adjective, subject: NounPhrase) -> Pair:
    """The adjective as the predicate of a subject."""
    return Pair(adjective.en, adjective.agree(subject.feminine, subject.plural))


def degree(s: Sampler, adjective: Adjective, probability: float) -> Pair:
    """A degree adverb that suits the adjective, or nothing."""
    if not adjective.comparative or not s.chance(probability):
        return NOTHING
    options = {VERY: 6}
    if "too" in adjective.tags:
        options[Pair("too", "trop")] = 3
    if "slight" in adjective.tags:
        options[Pair("a little", "un peu")] = 2
    return s.weighted(options)


def described(s: Sampler) -> tuple[NounPhrase, Adjective]:
    """A noun phrase without adjective, and an adjective that suits it."""
    adjective = s.pick([a for a in s.lexicon.adjectives if a.use in ("both", "predicative")])
    noun = s.pick([n for n in s.lexicon.nouns if adjective.fits(n) and n.kind != "mass"])
    if "family" in noun.classes:
        determiner = s.weighted({"my": 5, "your": 1, "his": 2, "her": 2, "our": 2})
    elif noun.classes & {"acquaintance", "friend", "pet"}:
        determiner = s.pick(["my", "our", "your"])
    elif noun.classes & {"garment", "vehicle", "pocket", "room", "home"} and "lady_wear" not in noun.classes:
        determiner = s.weighted({"my": 4, "your": 2, "his": 2, "her": 2, "this": 5, "the": 4})
    else:
        determiner = s.weighted({"the": 5, "this": 3})
    plural = noun.kind == "count" and s.chance(0.25)
    return noun_phrase(determiner, noun, (), plural, bool(noun.classes & HUMAN)), adjective


def quality(s: Sampler) -> Pair:
    """A quality: "Your boots are very dirty."."""
    subject, adjective = described(s)
    if adjective.use == "predicative" and subject.human and s.chance(0.25):
        subject = s.pronoun()
    tense = s.weighted({Tense.PRESENT: 7, Tense.PAST: 3})
    if "passing" in adjective.tags and s.chance(0.15):
        tense = Tense.FUTURE
    amount = degree(s, adjective, 0.4)
    negation = Negation.NOT if amount == NOTHING and tense is not Tense.FUTURE and s.chance(0.2) else None
    return statement(be(s, subject, amount + agreeing(adjective, subject), tense=tense, negation=negation))


def comparison(s: Sampler) -> Pair:
    """A comparison: "My brother is taller than your cousin." or "This film is longer than the other one."."""
    adjective = s.pick([a for a in s.lexicon.adjectives if a.comparative and a.use != "attributive"])
    noun = s.pick([n for n in s.lexicon.nouns if adjective.fits(n) and n.kind in ("count", "single")])
    if noun.classes & HUMAN:
        noun = s.pick(list(s.lexicon.nouns_of("family", "friend", "acquaintance")))
        first, second = _two_people(s, noun)
    else:
        first, second = _two_things(s, noun)
    form = adjective.agree(first.feminine, first.plural)
    relation = s.weighted({"more": 6, "as": 2, "less": 1})
    if adjective.en == "better":
        link = Pair("better than", f"{form} que")
    elif relation == "more" or (adjective.en == "older" and relation == "less"):
        link = Pair(f"{adjective.comparative} than", f"plus {form} que")
    elif relation == "as":
        link = Pair(f"as {adjective.en.replace('older', 'old')} as", f"aussi {form} que")
    else:
        link = Pair(f"less {adjective.en} than", f"moins {form} que")
    return statement(be(s, first, link + second.pair))


def _two_people(s: Sampler, noun: Noun) -> tuple[NounPhrase, NounPhrase]:
    """Two different people to compare."""
    first = noun_phrase(s.pick(["my", "your", "our", "his", "her"]), noun, human=True)
    if noun.kind == "plural":
        first = noun_phrase("my", s.lexicon.noun("brother"), human=True)
    second = first
    while second.en == first.en or second.plural:
        second = s.name() if s.chance(0.3) else s.family_member()
    return (second, first) if s.chance(0.3) else (first, second)


def _two_things(s: Sampler, noun: Noun) -> tuple[NounPhrase, NounPhrase]:
    """Two things of the same kind: mine and yours, or this one and the other."""
    plural = noun.kind == "count" and s.chance(0.2)
    if noun.classes & OWNABLE and s.chance(0.6):
        mine, yours = s.pick([("my", "yours"), ("your", "mine"), ("his", "mine"), ("our", "yours"), ("her", "mine")])
        first = noun_phrase(mine, noun, (), plural)
        return first, possessive_pronoun(yours, first)
    first = noun_phrase("this", noun, (), plural)
    other = NounPhrase("the others", "les autres") if plural else NounPhrase("the other one", "l'autre")
    return first, other


def whereabouts(s: Sampler) -> Pair:
    """Where something is: "Your keys are on the table." or "There is a cat under the bed."."""
    spots = s.weighted({"in": 3, "out": 2})
    table = INDOORS if spots == "in" else OUTDOORS
    classes = s.pick(list(table))
    noun = s.pick(s.lexicon.nouns_of(*classes.split()))
    place = s.place(*table[classes].split())
    while noun.en in place.en:
        place = s.place(*table[classes].split())
    public = "venue" in classes
    plural = noun.kind == "count" and not public and s.chance(0.3)
    if s.chance(0.5):
        return statement(_there_is(s, noun, place, plural))
    owned = noun.classes & {"pocket", "pet", "text", "motor", "bicycle", "container", "toy_thing"}
    determiner = s.weighted({"the": 3, "my": 3, "your": 4, "his": 1, "her": 1}) if owned else "the"
    subject = noun_phrase(determiner, noun, s.adjectives_for(noun, 0.3, "be"), plural)
    tense = s.weighted({Tense.PRESENT: 5, Tense.PAST: 0 if public else 1})
    return statement(be(s, subject, place, tense=tense, negation=Negation.NOT if s.chance(0.15) else None))


def _there_is(s: Sampler, noun: Noun, place: Pair, plural: bool) -> Pair:
    """An existential clause; its negation takes de: "il n'y a pas de chat"."""
    determiner = s.pick(["a", "two", "three", "four"]) if plural else "a"
    phrase = noun_phrase(determiner, noun, s.adjectives_for(noun, 0.35 * (determiner == "a"), "be"), plural)
    number = "are" if phrase.plural else "is"
    if determiner == "a" and s.chance(0.15):
        nothing = Pair(phrase.en.partition(" ")[2], phrase.fr_negated)
        return Pair(f"there {number} no", "il n'y a pas") + nothing + place
    if s.chance(0.2):
        return Pair("there were" if phrase.plural else "there was", "il y avait") + phrase.pair + place
    return Pair(f"there {number}", "il y a") + phrase.pair + place


def belonging(s: Sampler) -> Pair:
    """A genitive: "My uncle's car is in front of the house." or "This coat belongs to my sister."."""
    owner = s.family_member() if s.chance(0.6) else s.person_noun("adult", "child", adjective=0.15)
    nouns = s.lexicon.nouns_of("garment", "vehicle", "pet", "pocket", "luggage", "home", "toy_thing", "garden")
    if owner.plural:  # a couple has one house, but hardly one scarf
        nouns = s.lexicon.nouns_of("vehicle", "pet", "home", "garden")
    noun = s.pick([n for n in nouns if s.can_own(owner, n)])
    place = noun.classes & {"home", "garden"}
    if not place and "pet" not in noun.classes and s.chance(0.4):
        thing = noun_phrase("this", noun, s.adjectives_for(noun, 0.4), noun.kind == "plural")
        predicate = Predicate(s.lexicon.verbs["belong to"], owner)
        return statement(s.grammar.clause(thing, predicate, Tense.PRESENT))
    possession = of(noun_phrase("the", noun, (), noun.kind == "plural"), owner)
    adjective = s.adjective_for(noun, "be", ("both",))
    if adjective and s.chance(0.6):
        return statement(be(s, possession, degree(s, adjective, 0.4) + agreeing(adjective, possession)))
    if place:
        return statement(be(s, possession, s.place("townspot")))
    if "vehicle" in noun.classes:
        return statement(be(s, possession, s.place("house_front", "house_behind", "park_near", "street_end")))
    return statement(be(s, possession, s.place("bed", "chair", "door", "armchair")))
