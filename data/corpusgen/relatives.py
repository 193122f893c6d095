"""Recipes for sentences with a relative clause."""

from __future__ import annotations

from .clauses import Predicate, Tense
from .daily import ACTIVITIES
from .descriptions import agreeing, be, degree
from .finish import statement
from .lexicon import Adjective, Noun, Pair
from .phrases import NounPhrase, noun_phrase
from .sampler import Sampler

DOINGS = ("sleep", "work", "dance", "swim", "sing", "rest", "live")

VISIBLE_ACTIONS = frozenset({"read", "wear", "carry", "eat", "look at", "buy", "write"})

# What may be said of a thing in a relative clause, by the class of the thing.
TREATMENTS = {
    "text": ("read",), "garment": ("buy", "wear", "choose"), "show": ("see", "watch"), "picture": ("look at", "buy"),
    "tune": ("sing", "hear"), "pastry": ("prepare", "eat", "buy"), "fruit": ("eat", "buy", "pick"),
    "motor": ("drive", "buy"), "mail": ("write", "send"), "furniture": ("buy", "repair"), "fragile": ("break", "buy"),
}  # fmt: skip

FINISHED = frozenset({"break", "see", "hear", "choose", "buy", "pick", "send"})

GONE = frozenset({"break", "eat", "see", "wear"})

RELATIONS = {
    ("child", False): ("cousin", "brother", "son", "neighbour"),
    ("child", True): ("sister", "daughter"),
    ("adult", False): ("uncle", "father", "neighbour", "teacher", "doctor"),
    ("adult", True): ("aunt", "mother"),
}


def who_clause(s: Sampler) -> Pair:
    """A relative clause with its subject: "The man who is reading a letter is my uncle."."""
    noun = s.pick(s.lexicon.nouns_of("youngster", "grownup", "grownup"))
    person = noun_phrase("the", noun, s.adjectives_for(noun, 0.25), human=True)
    relative = NounPhrase("who", "qui", feminine=person.feminine)
    if s.chance(0.5):
        key = s.pick(DOINGS)
        child = "child" in noun.classes
        key = "sleep" if child and key in ("work", "live") else key
        place = s.place("town", "village") if key == "live" else s.place(*ACTIVITIES[key][1].split())
        predicate = Predicate(s.lexicon.verbs[key], None, (place,))
        tense = Tense.PRESENT if key in ("live", "work") else Tense.PROGRESSIVE
    else:
        actions = [a for a in s.lexicon.actions if a.verb.key in VISIBLE_ACTIONS and "person" in a.subjects]
        predicate, tense = s.predicate(s.pick(actions), person), Tense.PROGRESSIVE
    description = s.grammar.clause(relative, predicate, tense)
    if s.chance(0.25):
        known = Predicate(s.lexicon.verbs["know"], person)
        return statement(s.grammar.clause(s.pronoun(), known, Tense.PRESENT) + description)
    role = s.pick(RELATIONS["child" if "child" in noun.classes else "adult", person.feminine])
    kin = noun_phrase(s.pick(["my", "your", "our", "his", "her"]), s.lexicon.noun(role))
    return statement(person.pair + description + Pair("is", "est") + kin.pair)


def _thing_and_quality(s: Sampler) -> tuple[str, Noun, Adjective]:
    """A kind of thing, one of its nouns and an adjective that suits the noun."""
    while True:
        group = s.pick(list(TREATMENTS))
        noun = s.pick([n for n in s.lexicon.nouns_of(group) if "lady_wear" not in n.classes])
        fitting = [a for a in s.lexicon.adjectives if a.use == "both" and a.fits(noun)]
        if fitting:
            return group, noun, s.pick(fitting)


def that_clause(s: Sampler) -> Pair:
    """A relative clause with its object: "The letter that she wrote is very long."."""
    group, noun, adjective = _thing_and_quality(s)
    thing = noun_phrase("the", noun, (), noun.kind == "count" and s.chance(0.25))
    verb = s.lexicon.verbs[s.pick(TREATMENTS[group])]
    subject = s.subject(pronouns=0.6)
    tense = Tense.PAST if verb.key in FINISHED else s.pick([Tense.PROGRESSIVE, Tense.PAST])
    if verb.same_past and subject.index != 2:
        tense = Tense.PROGRESSIVE
    relative = s.grammar.clause(subject, Predicate(verb, gap=thing), tense)
    over = tense is Tense.PAST and verb.key in GONE
    main = be(
        s, thing, degree(s, adjective, 0.4) + agreeing(adjective, thing), tense=Tense.PAST if over else Tense.PRESENT
    )
    rest = Pair(main.en.removeprefix(thing.en + " "), main.fr.removeprefix(thing.fr + " "))
    return statement(thing.pair + Pair("that", "que") + relative + rest)
