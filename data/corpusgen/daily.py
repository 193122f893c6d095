"""Recipes for activities, the daily routine, journeys and pastimes."""

from __future__ import annotations

from .clauses import Negation, Predicate, Tense
from .events import to_person
from .finish import question, statement
from .lexicon import NOTHING, Pair
from .phrases import PRONOUNS, noun_phrase
from .sampler import Sampler
from .times import at_time

# What people and animals do, who does it, and where.
ACTIVITIES = {
    "sleep": (("person", "pet", "baby"), "bedroom living_room garden"),
    "work": (("adult",), "office library garden town village hospital"),
    "run": (("child", "dog", "horse"), "park garden beach forest"),
    "swim": (("person",), "pool lake"),
    "dance": (("person",), "street living_room"),
    "sing": (("person", "bird"), "garden street"),
    "laugh": (("child", "person"), "street school"),
    "bark": (("dog",), "garden street"),
    "get bored": (("child",), "school home"),
    "cry": (("baby", "child"), "bedroom kitchen"),
    "smile": (("person", "baby"), ""),
    "travel": (("adult",), ""),
    "have breakfast": (("person",), "kitchen garden"),
    "have lunch": (("person",), "restaurant home garden"),
    "have dinner": (("person",), "restaurant home"),
    "do the shopping": (("adult",), "food_shop"),
    "do the dishes": (("person",), "kitchen"),
    "do OWN homework": (("child",), "library bedroom living_room"),
    "rest": (("person",), "garden bedroom beach"),
    "have fun": (("child", "person"), "park beach garden"),
    "go for a walk": (("person",), "park forest beach country"),
}

# These happen at a time of the day of their own, so "in the morning" or "every evening" could clash.
TIMED = frozenset({"have breakfast", "have lunch", "have dinner", "do OWN homework", "sleep"})

UNCONTROLLED = frozenset({"laugh", "cry", "smile", "get bored"})

ACTIVITY_TENSES = {
    Tense.PRESENT: 3, Tense.PROGRESSIVE: 5, Tense.PAST: 5, Tense.WAS_DOING: 2, Tense.FUTURE: 2, Tense.GOING_TO: 2,
    Tense.WANT: 2, Tense.USED_TO: 1,
}  # fmt: skip

# The steps of the day and the hours at which each is plausible; None leaves the hour out.
ROUTINE = {
    "wake up": (5, 8), "get up": (5, 9), "go to bed": (21, 23), "fall asleep": (21, 23), "have breakfast": (7, 9),
    "have lunch": (12, 13), "have dinner": (18, 20), "go home": (16, 19), "leave": (7, 9), "get dressed": (6, 8),
    "wash OWN hands": None, "brush OWN teeth": None, "comb OWN hair": None, "hurry": None,
}  # fmt: skip

ROUTINE_TENSES = {
    Tense.PRESENT: 6, Tense.PAST: 5, Tense.GOING_TO: 2, Tense.MUST: 3, Tense.USED_TO: 1, Tense.WANT: 1,
    Tense.HAD_TO: 1, Tense.JUST: 1, Tense.FUTURE: 1,
}  # fmt: skip

COMPANIONS = {
    "come back": (
        Pair("from the market", "du marché"), Pair("from school", "de l'école"), Pair("from the beach", "de la plage"),
        Pair("from the hospital", "de l'hôpital"), Pair("from Italy", "d'Italie"), Pair("from Spain", "d'Espagne"),
    ),
    "leave": (
        Pair("without me", "sans moi"), Pair("with my parents", "avec mes parents"), Pair("for Italy", "pour l'Italie"),
        Pair("for Spain", "pour l'Espagne"), Pair("for Japan", "pour le Japon"),
    ),
    "go out": (
        Pair("with a friend", "avec un ami"), Pair("with her", "avec elle"),
        Pair("with our cousins", "avec nos cousins"),
    ),
    "come": (
        Pair("with us", "avec nous"), Pair("to the party", "à la fête"), Pair("by train", "en train"),
        Pair("by bus", "en bus"), Pair("with them", "avec eux"),
    ),
}  # fmt: skip

TASTES = (
    ("tea", "coffee"), ("coffee", "tea"), ("cat", "dog"), ("dog", "cat"), ("fish", "meat"), ("meat", "fish"),
    ("apple", "pear"), ("pear", "orange"), ("milk", "lemonade"), ("train", "bus"), ("novel", "poem"),
    ("cheese", "chocolate"), ("strawberry", "cherry"), ("tomato", "carrot"), ("wine", "beer"), ("beer", "wine"),
)  # fmt: skip

ASKED = {
    Pair("why", "pourquoi"): (("cry", "laugh", "leave", "run", "smile", "hurry"), (Tense.PROGRESSIVE, Tense.PAST)),
    Pair("when", "quand"): (
        ("leave", "arrive", "come back", "have dinner", "get up", "go to bed", "travel", "rest", "have lunch"),
        (Tense.PAST, Tense.FUTURE, Tense.GOING_TO, Tense.WANT),
    ),
    Pair("where", "où"): (
        ("work", "sleep", "have lunch", "have dinner", "do the shopping", "swim", "dance"),
        (Tense.PAST, Tense.PRESENT, Tense.GOING_TO, Tense.WANT),
    ),
}


def activity(s: Sampler) -> Pair:
    """An intransitive activity: "The children are having fun on the beach."."""
    key = s.pick(list(ACTIVITIES))
    groups, places = ACTIVITIES[key]
    subject = s.subject(groups)
    tense = s.weighted(ACTIVITY_TENSES)
    if (not subject.human or key in UNCONTROLLED) and tense not in (Tense.PRESENT, Tense.PROGRESSIVE, Tense.PAST):
        tense = Tense.PROGRESSIVE
    if tense is Tense.PRESENT and subject.en != "you" and s.chance(0.2) and key in ("swim", "dance", "sing"):
        tense = Tense.KNOW_HOW
    # "The doctor often has lunch" would say nothing; where he has it makes it news.
    placed = bool(places) and (s.chance(0.6) or (key in TIMED and tense is Tense.PRESENT))
    complements = [s.place(*places.split())] if placed else []
    adverb = NOTHING
    if tense is Tense.KNOW_HOW:
        complements = []
    if tense is Tense.PRESENT and s.chance(0.6):
        adverb = s.phrase("frequency")
    elif tense is Tense.USED_TO:
        complements.append(s.phrase("summer", "day_habit"))
    elif time := s.time_for(tense, frozenset({"habit", "day" if key in TIMED else ""})):
        complements.append(time)
    refusable = not adverb.en and tense not in (Tense.USED_TO, Tense.KNOW_HOW)
    negation = Negation.NOT if refusable and s.chance(0.12) else None
    predicate = Predicate(s.lexicon.verbs[key], None, tuple(complements))
    return statement(s.grammar.clause(subject, predicate, tense, negation, adverb))


def routine(s: Sampler) -> Pair:
    """A step of the day: "Marie always gets up at half past six."."""
    key = s.pick(list(ROUTINE))
    hours = ROUTINE[key]
    subject = s.pronoun() if s.chance(0.45) else s.person(adjective=0.15)
    tense = s.weighted(ROUTINE_TENSES)
    if key == "hurry":
        tense = s.pick([Tense.MUST, Tense.PROGRESSIVE, Tense.HAD_TO])
    elif (tense is Tense.USED_TO and not hours) or (key == "fall asleep" and tense is not Tense.PRESENT):
        tense = Tense.PAST
    adverb = NOTHING
    complements: list[Pair] = []
    if hours and tense is not Tense.JUST and (tense is Tense.PRESENT or s.chance(0.8) or key == "leave"):
        complements.append(at_time(s, *hours))
    if tense is Tense.PRESENT and (s.chance(0.4) or not complements):
        adverb = s.phrase("frequency")
    elif tense in (Tense.PAST, Tense.HAD_TO) and s.chance(0.5):
        complements.append(s.phrase("past_day"))
    elif tense in (Tense.FUTURE, Tense.GOING_TO, Tense.MUST) and hours and s.chance(0.5):
        complements.append(s.phrase("day_future"))
    predicate = Predicate(s.lexicon.verbs[key], None, tuple(complements))
    return statement(s.grammar.clause(subject, predicate, tense, None, adverb))


def going(s: Sampler) -> Pair:
    """Going somewhere, regularly or once: "My sisters went to the market yesterday."."""
    group = s.pick(["adult", "person", "child"])
    subject = s.subject((group,), pronouns=0.4)
    tense = s.weighted(
        {Tense.PRESENT: 5, Tense.PAST: 6, Tense.FUTURE: 5, Tense.WANT: 3, Tense.MUST: 2, Tense.WOULD_LIKE: 2}
    )
    tags = {"adult": ("workplace", "town"), "person": ("town",), "child": ("school", "town")}[group]
    if tense is not Tense.PRESENT:  # nobody goes to the mountains every morning
        tags += ("outing",)
    target = s.phrase("visit") if s.chance(0.15) else s.destination(*tags)
    time = s.time_for(tense, frozenset({"habit"}))
    adverb = s.phrase("frequency") if tense is Tense.PRESENT and not time else NOTHING
    negation = Negation.NOT if tense in (Tense.PAST, Tense.FUTURE, Tense.WANT) and s.chance(0.15) else None
    predicate = s.add(Predicate(s.lexicon.verbs["go"], None, (target,)), time)
    return statement(s.grammar.clause(subject, predicate, tense, negation, adverb))


def motion(s: Sampler) -> Pair:
    """Arriving, leaving and staying: "The old lawyer arrived at the station this morning."."""
    key = s.pick(["arrive", "stay", "come back", "leave", "go out", "come"])
    subject = s.subject(pronouns=0.35)
    tense = s.weighted(
        {Tense.PAST: 6, Tense.FUTURE: 3, Tense.GOING_TO: 3, Tense.WANT: 3, Tense.MUST: 2, Tense.WOULD_LIKE: 2}
    )
    if key == "arrive":
        target = s.place("station", "airport", "hospital", "school", "office")
        tense = s.pick([Tense.PAST, Tense.FUTURE, Tense.GOING_TO, Tense.JUST])
    elif key == "stay":
        target = s.pick([s.lexicon.places[k].at for k in ("home", "country", "bedroom", "garden")])
    else:
        # "I came with us" and "we left without me" make no sense.
        options = [pair for pair in COMPANIONS[key] if subject.person == 2 or pair.en.split()[-1] not in ("me", "us")]
        target = s.pick(options)
        if key == "come back":
            tense = s.pick([Tense.PAST, Tense.JUST, Tense.FUTURE])
    negation = Negation.NOT if tense in (Tense.PAST, Tense.FUTURE, Tense.WANT) and s.chance(0.15) else None
    predicate = s.add(Predicate(s.lexicon.verbs[key], None, (target,)), s.time_for(tense))
    return statement(s.grammar.clause(subject, predicate, tense, negation))


def pastime(s: Sampler) -> Pair:
    """Games and instruments: "My cousins play cards every evening."."""
    subject = s.subject(("person", "child"))
    tense = s.weighted({
        Tense.PRESENT: 4, Tense.PROGRESSIVE: 4, Tense.PAST: 4, Tense.WANT: 2, Tense.KNOW_HOW: 4, Tense.FUTURE: 1,
        Tense.GOING_TO: 2, Tense.USED_TO: 2,
    })  # fmt: skip
    time = s.phrase("habit") if tense is Tense.USED_TO else s.time_for(tense, frozenset({"habit"}))
    adverb = s.phrase("frequency") if tense is Tense.PRESENT and not time else NOTHING
    negation = Negation.NOT if not adverb.en and tense is not Tense.USED_TO and s.chance(0.15) else None
    predicate = s.add(Predicate(s.lexicon.verbs["play"], None, (s.phrase("pastime"),)), time)
    return statement(s.grammar.clause(subject, predicate, tense, negation, adverb))


def asked(s: Sampler) -> Pair:
    """A question with a question word: "Why is your sister crying?"."""
    word = s.pick(list(ASKED))
    verbs, tenses = ASKED[word]
    subject = PRONOUNS[s.pick(["you", "you", "she", "he", "they"])] if s.chance(0.5) else s.person(adjective=0.1)
    return question(s.grammar.question(subject, Predicate(s.lexicon.verbs[s.pick(verbs)]), s.pick(tenses), word))


def taste(s: Sampler) -> Pair:
    """A preference: "My sister prefers tea to coffee."."""
    words = s.pick(TASTES)
    subject = s.subject(("adult",) if {"wine", "coffee"} & set(words) else ("person",), pronouns=0.4)
    nouns = [s.lexicon.noun(word) for word in words]
    liked, other = (noun_phrase("generic", noun, plural=noun.kind == "count") for noun in nouns)
    predicate = Predicate(s.lexicon.verbs["prefer"], liked, (to_person(other),))
    return statement(s.grammar.clause(subject, predicate, Tense.PRESENT))
