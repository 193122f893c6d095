"""Recipes for sentences about the weather, opening hours and dates."""

from __future__ import annotations

from . import english, french
from .clauses import Predicate, Tense
from .countries import in_country
from .finish import statement
from .lexicon import NOTHING, Pair
from .people import single_person
from .phrases import IMPERSONAL, noun_phrase
from .sampler import Sampler
from .times import at_time, clock_time, date

# What the sky and the air are like, and the seasons in which that is usual.
SKIES = {
    Pair("cold", "froid"): ("in winter", "in autumn"), Pair("hot", "chaud"): ("in summer",),
    Pair("nice", "beau"): ("in spring", "in summer"), Pair("cool", "frais"): ("in autumn", "in spring"),
}  # fmt: skip

DOWNPOURS = {"rain": ("in spring", "in autumn", "in winter"), "snow": ("in winter",)}

# Impersonal "it is" of the weather, and the tag of the time adverbials that go with it.
IT_IS = {
    "season": Pair("it is", "il fait"),
    "past": Pair("it was", "il faisait"),
    "future": Pair("it will be", "il fera"),
    "day_future": Pair("it is going to be", "il va faire"),
}

# What happens at a given hour, and between which hours.
SCHEDULE = (
    ("train", "leave", "partir", (6, 22)), ("bus", "leave", "partir", (6, 22)), ("plane", "leave", "partir", (6, 22)),
    ("train", "arrive", "arriver", (6, 22)), ("bus", "arrive", "arriver", (6, 22)),
    ("film", "begin", "commencer", (18, 21)), ("lesson", "begin", "commencer", (8, 16)),
    ("meeting", "begin", "commencer", (8, 16)), ("match", "begin", "commencer", (14, 20)),
    ("lesson", "finish", "finir", (9, 17)), ("meeting", "finish", "finir", (9, 17)),
    ("shop", "open", "ouvrir", (8, 10)), ("museum", "open", "ouvrir", (9, 10)), ("bank", "close", "fermer", (16, 18)),
    ("library", "close", "fermer", (17, 19)), ("bakery", "open", "ouvrir", (6, 8)),
    ("market", "begin", "commencer", (7, 9)), ("pharmacy", "close", "fermer", (18, 20)),
    ("post office", "open", "ouvrir", (8, 9)),
)  # fmt: skip


def _season(s: Sampler, seasons: tuple[str, ...]) -> Pair:
    return s.pick([pair for pair in s.lexicon.phrases_of("season") if pair.en in seasons])


def weather(s: Sampler) -> Pair:
    """The weather: "It often rains in autumn."."""
    where = s.phrase("region") if s.chance(0.4) else NOTHING
    if s.chance(0.45):
        tag, sky = s.pick(list(IT_IS)), s.pick(list(SKIES))
        amount = Pair("very", "très") if s.chance(0.4) else NOTHING
        time = _season(s, SKIES[sky]) if tag == "season" else s.phrase(tag)
        return statement(IT_IS[tag] + amount + sky + where + time)
    key = s.pick(list(DOWNPOURS))
    tense = s.weighted(
        {Tense.PRESENT: 4, Tense.PROGRESSIVE: 2, Tense.PAST: 3, Tense.GOING_TO: 2, Tense.FUTURE: 2, Tense.WAS_DOING: 1}
    )
    adverb = s.phrase("frequency") if tense is Tense.PRESENT else NOTHING
    seasonal = tense is Tense.PRESENT and adverb.en != "rarely"
    time_of_year = _season(s, DOWNPOURS[key]) if seasonal else None
    extra = (where,) if where != NOTHING else ()
    predicate = s.add(Predicate(s.lexicon.verbs[key], None, extra), time_of_year or s.time_for(tense))
    return statement(s.grammar.clause(IMPERSONAL, predicate, tense, None, adverb))


def clock(s: Sampler) -> Pair:
    """Times of the day: "The train leaves at a quarter past eight."."""
    if s.chance(0.3):
        return statement(Pair("it is", "il est") + clock_time(s.rng.randint(1, 12), s.rng.randint(0, 3)))
    noun, en, fr, hours = s.pick(SCHEDULE)
    subject = noun_phrase(s.pick(["the", "the", "this"]), s.lexicon.noun(noun))
    finite = s.lexicon.conjugator.finite(fr, french.Mood.PRESENT, 2)
    sentence = Pair(f"{subject.en} {english.third_person(en)}", f"{subject.fr} {finite}") + at_time(s, *hours)
    if s.chance(0.35) and noun not in ("film", "plane", "match"):
        sentence = sentence + s.phrase("closing")
    return statement(sentence)


def calendar(s: Sampler) -> Pair:
    """Dates: "My mother's birthday is on the third of May."."""
    day = date(s)
    on_day = Pair(f"on {day.en}", f"le {day.fr}")
    kind = s.weighted({"birthday": 3, "born": 3, "event": 3, "today": 2})
    if kind == "birthday":
        owner = s.family_member() if s.chance(0.7) else s.name()
        while owner.plural:
            owner = s.name()
        subject = Pair(f"{owner.en}'s birthday is", f"l'anniversaire {french.contract('de', owner.fr)} est")
        return statement(subject + on_day)
    if kind == "born":
        predicate = Predicate(s.lexicon.verbs["be born"], None, (on_day if s.chance(0.5) else in_country(s),))
        return statement(s.grammar.clause(single_person(s), predicate, Tense.PAST))
    if kind == "today":
        weekday = s.phrase("weekday")
        return statement(Pair(f"today is {weekday.en}, {day.en}", f"aujourd'hui, nous sommes le {weekday.fr} {day.fr}"))
    subject_noun = noun_phrase("the", s.lexicon.noun(s.pick(["exam", "party", "meeting", "match"])))
    predicate = Predicate(s.lexicon.verbs["be (date)"], None, (on_day,))
    return statement(s.grammar.clause(subject_noun, predicate, s.pick([Tense.PRESENT, Tense.PAST, Tense.FUTURE])))
