"""Random choices from the lexicon: people, things, actions, tenses and time adverbials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from .clauses import Grammar, Predicate, Tense
from .lexicon import Action, Adjective, Lexicon, Noun, Pair
from .phrases import NUMBERS, PRONOUNS, NounPhrase, both, noun_phrase, owner_of

T = TypeVar("T")

NAMES = {"Paul": False, "Lucas": False, "Pierre": False, "Marie": True, "Sophie": True, "Claire": True}

SUBJECT_PRONOUNS = {"I": 6, "you": 2, "he": 3, "she": 3, "we": 3, "they": 3}

# Common enough constructions get most of the weight, so that each form is met often.
EVENT_TENSES = {
    Tense.PRESENT: 20, Tense.PROGRESSIVE: 20, Tense.PAST: 34, Tense.PERFECT: 5, Tense.WAS_DOING: 5,
    Tense.FUTURE: 8, Tense.GOING_TO: 12, Tense.JUST: 4, Tense.CAN: 5, Tense.MUST: 6, Tense.HAD_TO: 3,
    Tense.WANT: 7, Tense.WOULD_LIKE: 4,
}  # fmt: skip

PROGRESSIVE_TENSES = (Tense.PRESENT, Tense.PROGRESSIVE, Tense.WAS_DOING)

STATE_TENSES = {Tense.PRESENT: 12, Tense.PAST: 3}

# Nouns of these classes name the members of a family, who are introduced by a possessive.
KINSHIP = "family"

SPOUSES = (("my", "husband"), ("my", "wife"), ("your", "wife"), ("her", "husband"), ("his", "wife"))

HUMAN = frozenset({"people", "family", "acquaintance", "friend", "visitor", "school_child", "school_reader"})


class Sampler:
    """Draws sentence material from the lexicon with a seeded random source."""

    def __init__(self, lexicon: Lexicon, grammar: Grammar, rng: Random) -> None:
        """Keep the sources that every draw needs."""
        self.lexicon = lexicon
        self.grammar = grammar
        self.rng = rng

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.rng.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return self.rng.choice(options)

    def weighted(self, options: dict[T, int]) -> T:
        """One of the keys, by weight."""
        return self.rng.choices(list(options), list(options.values()))[0]

    def phrase(self, *tags: str) -> Pair:
        """A fixed phrase with one of the tags."""
        return self.pick([pair for tag in tags for pair in self.lexicon.phrases_of(tag)])

    def place(self, *keys: str) -> Pair:
        """The "in the garden" phrase of a place named by key or by tag."""
        places = self.lexicon.places
        found = [places[key].at for key in keys if key in places]
        found += [p.at for key in keys if key not in places for p in places.values() if key in p.tags]
        return self.pick(found)

    def destination(self, *tags: str) -> Pair:
        """The "to the market" phrase of a place with one of the tags."""
        return self.pick([p.to for p in self.lexicon.places.values() if p.to and p.tags & set(tags)])

    def adjective_for(
        self, noun: Noun, verb: str = "", uses: Sequence[str] = ("both", "attributive"), outer: bool = False
    ) -> Adjective | None:
        """An adjective that sensibly qualifies the noun as the object of a verb, or None if there is none.

        With `outer`, only a colour, material or nationality, which may follow another English adjective.
        """
        fitting = [
            a
            for a in self.lexicon.adjectives
            if a.use in uses and a.fits(noun) and a.suits(verb) and (not outer or a.outer)
        ]
        return self.pick(fitting) if fitting else None

    def adjectives_for(self, noun: Noun, probability: float, verb: str = "") -> list[Adjective]:
        """No, one or (rarely) two adjectives: two only when they stand on both sides of the French noun."""
        first = self.adjective_for(noun, verb) if self.chance(probability) else None
        if first is None:
            return []
        second = self.adjective_for(noun, verb, outer=True)
        if first.before and first.en not in ("good", "bad") and second and self.chance(0.25):
            return [first, second]
        return [first]

    def family_member(self, *classes: str) -> NounPhrase:
        """A member of the family with a possessive: "my sister", "our grandparents"."""
        if not classes and self.chance(0.08):
            owner, spouse = self.pick(SPOUSES)
            return noun_phrase(owner, self.lexicon.noun(spouse), human=True)
        family = self.lexicon.nouns_of(KINSHIP)
        noun = self.pick([n for n in family if not classes or n.classes & set(classes)])
        owner = self.weighted({"my": 8, "your": 2, "his": 2, "her": 2, "our": 3})
        plural = noun.kind == "count" and self.chance(0.15)
        return noun_phrase(owner, noun, plural=plural, human=True)

    def person_noun(self, *classes: str, adjective: float = 0.4) -> NounPhrase:
        """A man, woman, child or professional: "the old doctor", "this little girl"."""
        noun = self.pick([n for n in self.lexicon.nouns_of(*classes) if KINSHIP not in n.classes])
        determiner = self.weighted({"the": 12, "this": 1})
        if noun.classes & {"acquaintance", "friend"}:
            determiner = self.weighted({"my": 5, "our": 3, "your": 1})
        plural = noun.kind == "count" and self.chance(0.16)
        adjectives = [] if determiner == "this" else self.adjectives_for(noun, adjective)
        return noun_phrase(determiner, noun, adjectives, plural, human=True)

    def name(self) -> NounPhrase:
        """A first name, or two."""
        first, second = self.rng.sample(list(NAMES), 2)
        phrase = NounPhrase(first, first, feminine=NAMES[first])
        if self.chance(0.15):
            return both(phrase, NounPhrase(second, second, feminine=NAMES[second]))
        return phrase

    def person(self, group: str = "person", adjective: float = 0.4) -> NounPhrase:
        """A human noun phrase that is no pronoun; `group` is person, adult or child."""
        kind = self.weighted({"noun": 5, "family": 3, "name": 2})
        if kind == "name" and group == "person":
            return self.name()
        if kind == "family" and group != "child":
            return self.family_member(*(("adult",) if group == "adult" else ()))
        if group == "child":
            return (
                self.person_noun("child", adjective=adjective)
                if self.chance(0.7)
                else self.family_member("child_or_adult")
            )
        classes = ("adult", "friend") if group == "adult" or self.chance(0.75) else ("child",)
        return self.person_noun(*classes, adjective=adjective)

    def pronoun(self) -> NounPhrase:
        """A personal pronoun as subject."""
        return PRONOUNS[self.weighted(SUBJECT_PRONOUNS)]

    def subject(self, groups: Sequence[str] = ("person",), pronouns: float = 0.3) -> NounPhrase:
        """The subject of an action; groups are person, adult, child or classes of nouns."""
        group = self.pick(groups)
        if group in ("person", "adult") and self.chance(pronouns):
            return self.pronoun()
        if group in ("person", "adult", "child"):
            return self.person(group)
        nouns = self.lexicon.nouns_of(group)
        noun = self.pick(nouns)
        if KINSHIP in noun.classes:
            return noun_phrase(self.pick(["my", "our"]), noun, human=True)
        plural = noun.kind == "count" and self.chance(0.2)
        human = "animal" not in noun.classes
        determiner = "my" if noun.classes & {"acquaintance", "friend"} else "the"
        return noun_phrase(determiner, noun, self.adjectives_for(noun, 0.3), plural, human)

    def thing(
        self,
        noun: Noun,
        determiner: str,
        subject: NounPhrase | None = None,
        adjective: float = 0.35,
        plural: float = 0.0,
        verb: str = "",
    ) -> NounPhrase:
        """A noun phrase for an object; the determiner "own" is the subject's possessive."""
        human = bool(noun.classes & HUMAN)
        if determiner == "own" or (KINSHIP in noun.classes and determiner == "the"):
            determiner = owner_of(subject) if subject else "my"
        is_plural = noun.kind == "count" and (determiner == "some" or self.chance(plural))
        if is_plural and determiner == "a" and self.chance(0.4):
            determiner = self.pick(["two", "three", "four", "five"])
        adjectives = [] if determiner in NUMBERS else self.adjectives_for(noun, adjective, verb)
        return noun_phrase(determiner, noun, adjectives, is_plural, human)

    def action_object(
        self, action: Action, subject: NounPhrase, determiner: str = "", adjective: float = 0.35
    ) -> NounPhrase:
        """An object that suits the action; a given determiner overrides those of the action."""
        nouns = [n for n in self.lexicon.nouns_of(self.pick(action.objects)) if self.can_own(subject, n)]
        noun = self.pick(nouns or self.lexicon.nouns_of(*action.objects))
        determiner = determiner or self.pick(action.determiners)
        plural = 1.0 if "plural" in action.flags else 0.3 if "many" in action.flags else 0.0
        # Two people do not eat one apple, wear one coat or lose one hat.
        several = determiner == "a" and action.verb.key in ("eat", "wear", "want", "need")
        several = several or (
            determiner == "own" and not noun.classes.isdisjoint({"garment", "pocket", "toy_thing", "luggage"})
        )
        if (several and subject.plural) or determiner == "generic":
            plural = 1.0
        probability = 0.0 if "plain" in action.flags else adjective
        return self.thing(noun, determiner, subject, probability, plural, action.verb.key.replace(" ", "_"))

    @staticmethod
    def can_own(owner: NounPhrase, noun: Noun) -> bool:
        """Whether a garment suits the one who wears or buys it."""
        return owner.feminine or "lady_wear" not in noun.classes

    def tense_for(self, action: Action) -> Tense:
        """A tense that suits the action."""
        if action.verb.stative:
            return self.weighted(STATE_TENSES)
        options = dict(EVENT_TENSES)
        if "punctual" in action.flags:  # one does not "want to lose" a key, nor "is losing" it
            options = {tense: options[tense] for tense in (Tense.PAST, Tense.JUST)}
        if "durative" in action.flags:  # nor has one "just waited" for a bus
            options = {tense: n for tense, n in options.items() if tense not in (Tense.JUST, Tense.PERFECT)}
        if "instant" in action.flags:  # "is seeing a film" would be odd
            options = {tense: n for tense, n in options.items() if tense not in PROGRESSIVE_TENSES}
        return self.weighted(options)

    def time_for(self, tense: Tense, flags: frozenset[str] = frozenset()) -> Pair | None:
        """A time adverbial that agrees with the tense and the action's flags, or None for none.

        Actions flagged "day" happen once or more a day, so no time of the day goes with them; "big" ones
        may be weeks away; "habit" ones may be repeated.
        """
        scale = "day_" if "day" in flags else "far_" if "big" in flags and self.chance(0.6) else ""
        if tense in (Tense.PAST, Tense.HAD_TO):
            return self._perhaps(0.45, {"day_": "day_past", "far_": "far_past"}.get(scale, "past"))
        if tense in (Tense.FUTURE, Tense.GOING_TO):
            return self._perhaps(0.6, {"day_": "day_future", "far_": "far_future"}.get(scale, "future"))
        if tense is Tense.PRESENT and "habit" in flags:
            return self._perhaps(0.7, "day_habit" if scale == "day_" else "habit")
        if tense is Tense.PROGRESSIVE:
            return self._perhaps(0.12, "now")
        if tense in (Tense.MUST, Tense.WANT, Tense.WOULD_LIKE) and flags.isdisjoint({"day", "big"}):
            return self._perhaps(0.3, "today")
        return None

    def _perhaps(self, probability: float, tag: str) -> Pair | None:
        return self.phrase(tag) if self.chance(probability) else None

    def predicate(self, action: Action, subject: NounPhrase, place: float = 0.4) -> Predicate:
        """The action with an object and perhaps a place."""
        complements: tuple[Pair, ...] = ()
        if action.places and self.chance(place):
            complements = (self.place(*action.places),)
        return Predicate(action.verb, self.action_object(action, subject), complements)

    @staticmethod
    def add(predicate: Predicate, *complements: Pair | None) -> Predicate:
        """The predicate with further complements; None adds nothing."""
        extra = tuple(c for c in complements if c)
        return replace(predicate, complements=predicate.complements + extra)
