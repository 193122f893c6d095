"""Recipes for countries and languages."""

from __future__ import annotations

from . import french
from .clauses import Negation, Predicate, Tense
from .finish import question, statement
from .lexicon import Entry, Pair
from .phrases import PRONOUNS
from .sampler import Sampler

# The tenses of each thing one does with a country.
STAYS = {
    "come": (Tense.PRESENT,),
    "go": (Tense.PAST, Tense.FUTURE, Tense.WANT, Tense.WOULD_LIKE),
    "spend": (Tense.PAST, Tense.FUTURE, Tense.GOING_TO, Tense.WANT),
    "live": (Tense.PRESENT, Tense.PRESENT, Tense.USED_TO, Tense.WANT),
    "work": (Tense.PRESENT, Tense.PRESENT, Tense.USED_TO, Tense.WOULD_LIKE),
}

TONGUE_TENSES = {
    "speak": (Tense.PRESENT, Tense.PRESENT, Tense.KNOW_HOW),
    "learn": (Tense.PROGRESSIVE, Tense.WANT, Tense.WOULD_LIKE, Tense.MUST, Tense.FUTURE),
    "understand": (Tense.PRESENT,),
}

# French puts the adverb before the language.
SKILLS = (("{} very well", "très bien {}"), ("a little {}", "un peu {}"), ("{} badly", "mal {}"))


def _country(s: Sampler) -> Entry:
    return s.pick([entry for entry in s.lexicon.phrases if "country" in entry.tags])


def _in(entry: Entry) -> Pair:
    """In a country: "en Italie", but "au Japon"."""
    return Pair(f"in {entry.pair.en}", f"{'en' if 'f' in entry.tags else 'au'} {entry.pair.fr}")


def in_country(s: Sampler) -> Pair:
    """A random country after in."""
    return _in(_country(s))


def abroad(s: Sampler) -> Pair:
    """Countries: "My cousin comes from Japan." or "We went to Italy last year."."""
    entry = _country(s)
    key = s.weighted({"live": 4, "come": 3, "go": 4, "work": 2, "spend": 2})
    tense = s.pick(STAYS[key])
    complement = _in(entry)
    if key == "come":
        origin = french.elide(f"de {entry.pair.fr}") if "f" in entry.tags else f"du {entry.pair.fr}"
        complement = Pair(f"from {entry.pair.en}", origin)
    elif key == "go":
        complement = Pair(f"to {entry.pair.en}", complement.fr)
    elif key == "spend":
        complement = Pair("OWN holidays", "OWNp vacances") + complement
    elif key == "live" and s.chance(0.2):
        complement = s.pick([s.lexicon.places[k].at for k in ("village", "town", "country", "seaside", "mountains")])
    time = s.time_for(tense, frozenset({"big"})) if key in ("go", "spend") and tense is not Tense.WANT else None
    if key in ("go", "spend") and tense is Tense.PAST:
        time = s.pick([None, Pair("last year", "l'année dernière"), Pair("last summer", "l'été dernier")])
    negation = None
    if tense is Tense.PRESENT and key != "come" and s.chance(0.25):
        negation = s.pick([Negation.NOT, Negation.NO_LONGER])
    predicate = s.add(Predicate(s.lexicon.verbs[key], None, (complement,)), time)
    return statement(s.grammar.clause(s.subject(pronouns=0.35), predicate, tense, negation))


def tongue(s: Sampler) -> Pair:
    """Languages: "Does your cousin speak Italian?"."""
    language = s.phrase("language")
    key = s.weighted({"speak": 5, "learn": 3, "understand": 1})
    verb = s.lexicon.verbs[key]
    subject = s.subject(pronouns=0.4)
    tense = s.pick(TONGUE_TENSES[key])
    if key == "speak" and tense is Tense.PRESENT and s.chance(0.4):
        en, fr = s.pick(SKILLS)
        spoken = Pair(en.format(language.en), fr.format(language.fr))
        return statement(s.grammar.clause(subject, Predicate(verb, None, (spoken,)), tense))
    # A language that is learnt or understood has the article; one that is spoken has none.
    if key != "speak":
        language = Pair(language.en, french.elide(f"le {language.fr}"))
    predicate = Predicate(verb, None, (language,))
    if s.chance(0.25):
        someone = PRONOUNS["you"] if s.chance(0.5) or subject.en == "I" else subject
        return question(s.grammar.question(someone, predicate, tense))
    negation = Negation.NOT if s.chance(0.25) else None
    return statement(s.grammar.clause(subject, predicate, tense, negation))
