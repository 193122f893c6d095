"""Recipes for sentences of two clauses: reasons, conditions, reported speech and sequences."""

from __future__ import annotations

from . import french
from .clauses import Negation, Predicate, Tense
from .descriptions import agreeing, be, degree
from .finish import comma, statement
from .lexicon import NOTHING, Pair
from .phrases import NounPhrase, noun_phrase, pronoun_for
from .sampler import Sampler

GOOD_SKIES = (
    Pair("the weather is nice", "il fait beau"), Pair("it is hot", "il fait chaud"),
    Pair("it is sunny", "il y a du soleil"),
)  # fmt: skip

BAD_SKIES = (
    Pair("it rains", "il pleut"), Pair("it is cold", "il fait froid"), Pair("it snows", "il neige"),
    Pair("the weather is bad", "il fait mauvais"),
)  # fmt: skip

COMING_DAYS = (
    Pair("tomorrow", "demain"), Pair("this weekend", "ce week-end"), Pair("next Sunday", "dimanche prochain"),
    Pair("next Saturday", "samedi prochain"), Pair("this afternoon", "cet après-midi"),
)  # fmt: skip

# What one does outdoors and indoors: the verb and its complements.
OUTINGS = (
    ("go", Pair("to the beach", "à la plage")), ("go", Pair("to the park", "au parc")),
    ("go", Pair("to the lake", "au lac")), ("go", Pair("to the mountains", "à la montagne")),
    ("go", Pair("to the swimming pool", "à la piscine")), ("go for a walk", Pair("in the forest", "dans la forêt")),
    ("go for a walk", Pair("in the park", "dans le parc")), ("go for a walk", Pair("on the beach", "sur la plage")),
    ("play", Pair("football", "au football")), ("play", Pair("tennis", "au tennis")),
    ("have lunch", Pair("in the garden", "dans le jardin")), ("swim", Pair("in the lake", "dans le lac")),
)  # fmt: skip

INDOOR_PLANS = (
    ("stay", Pair("at home", "à la maison")), ("stay", Pair("at home", "à la maison")),
    ("go", Pair("to the cinema", "au cinéma")), ("go", Pair("to the museum", "au musée")),
    ("go", Pair("to the library", "à la bibliothèque")), ("go", Pair("to the theatre", "au théâtre")),
    ("read", Pair("a book", "un livre")), ("watch", Pair("a film", "un film")), ("play", Pair("cards", "aux cartes")),
    ("play", Pair("chess", "aux échecs")),
)  # fmt: skip

SAYING = {"think": 4, "say": 3, "believe": 2, "hope": 4, "know (that)": 3}

FORECASTS = (
    Pair("it is going to rain", "il va pleuvoir"), Pair("it is going to snow", "il va neiger"),
    Pair("it will be cold tomorrow", "il fera froid demain"), Pair("it will be hot tomorrow", "il fera chaud demain"),
    Pair("it will rain tomorrow", "il pleuvra demain"),
)  # fmt: skip

ADDRESSES = (
    Pair("in town", "en ville"), Pair("in the country", "à la campagne"), Pair("in Paris", "à Paris"),
    Pair("near the station", "près de la gare"), Pair("near the park", "près du parc"),
)  # fmt: skip

FORTHCOMING = {
    "come back": None, "arrive": None, "leave": None, "come": None,
    "win": Pair("the match", "le match"), "find": Pair("OWN keys", "OWNp clés"),
}  # fmt: skip

BACKGROUNDS = ("sleep", "have dinner", "have breakfast", "do the dishes", "dance", "rest", "work", "have lunch")

BACKGROUND_ACTIONS = frozenset({"read", "write", "watch", "cook", "listen to", "prepare", "wash", "clean", "look for"})

STEPS = (
    ("brush OWN teeth", "go to bed"), ("have breakfast", "leave"), ("wash OWN hands", "have dinner"),
    ("get dressed", "have breakfast"), ("do the dishes", "go to bed"), ("have dinner", "go out"), ("rest", "leave"),
    ("comb OWN hair", "go out"), ("wash OWN hands", "have lunch"),
)  # fmt: skip

# Where one goes in order to do what to what, and with which determiner.
ERRANDS = (
    ("market", "buy", "fruit", "some"), ("market", "buy", "vegetable", "some"), ("bakery", "buy", "bread", "some"),
    ("bakery", "buy", "cake", "a"), ("library", "read", "newspaper", "the"), ("cinema", "see", "film", "a"),
    ("station", "take", "train", "the"), ("supermarket", "buy", "milk", "some"), ("restaurant", "eat", "fish", "some"),
    ("post_office", "send", "letter", "a"), ("market", "buy", "cheese", "some"), ("country", "see", "friend", "a"),
)  # fmt: skip


def reason(s: Sampler) -> Pair:
    """A state and its cause: "My sister is tired because she slept badly."."""
    row = s.pick(s.lexicon.situations)
    subject = s.subject(("adult",) if row["verb"] in ("work", "travel") else ("person",), pronouns=0.35)
    group = row["group"]
    if group == "stay home":
        state = Predicate(s.lexicon.verbs["stay"], None, (s.lexicon.places["home"].at,))
        main = s.grammar.clause(subject, state, s.pick([Tense.GOING_TO, Tense.PROGRESSIVE, Tense.MUST]))
    elif group in ("late", "hungry"):
        main = s.grammar.clause(subject, Predicate(s.lexicon.verbs[f"be {group}"]), Tense.PRESENT)
    else:
        amount = Pair("very", "très") if s.chance(0.3) else NOTHING
        main = be(s, subject, amount + agreeing(s.lexicon.adjective(group), subject))
    return statement(main + Pair("because", "parce que") + _situation(s, row, pronoun_for(subject)))


def _situation(s: Sampler, row: dict[str, str], subject: NounPhrase) -> Pair:
    """The clause of a row of the table of situations."""
    negation = Negation[row["negation"]] if row["negation"] else None
    if row["adjective"]:
        return be(s, subject, agreeing(s.lexicon.adjective(row["adjective"]), subject))
    complements = (Pair(row["english"], row["french"]),) if row["english"] else ()
    predicate = Predicate(s.lexicon.verbs[row["verb"]], None, complements)
    return s.grammar.clause(subject, predicate, Tense[row["tense"]], negation)


def condition(s: Sampler) -> Pair:
    """A condition: "If it rains tomorrow, we will stay at home."."""
    skies, plans = s.pick([(GOOD_SKIES, OUTINGS), (BAD_SKIES, INDOOR_PLANS)])
    clause = Pair("if", "si") + s.pick(skies) + s.pick(COMING_DAYS)
    key, complement = s.pick(plans)
    subject = s.subject(pronouns=0.5)
    plan = s.grammar.clause(subject, Predicate(s.lexicon.verbs[key], None, (complement,)), Tense.FUTURE)
    return statement(plan + clause if s.chance(0.3) else comma(clause, plan))


def reported(s: Sampler) -> Pair:
    """A subordinate clause with that: "I think that this book is interesting."."""
    key = s.weighted(SAYING)
    speaker = s.subject(pronouns=0.55)
    # One rarely has to be told what one thinks, or announces what one says.
    while speaker.en == "you" or (key == "say" and speaker.person < 2):
        speaker = s.subject(pronouns=0.55)
    main = s.grammar.clause(speaker, Predicate(s.lexicon.verbs[key]), Tense.PRESENT)
    return statement(main + Pair("that", "que") + _content(s, speaker, hoped=key == "hope"))


def _content(s: Sampler, speaker: NounPhrase, hoped: bool) -> Pair:
    """What somebody thinks, says or hopes."""
    kind = "event" if hoped else s.weighted({"quality": 5, "weather": 1, "event": 4, "origin": 2})
    if kind == "weather":
        return s.pick(FORECASTS)
    if kind == "quality":
        return _opinion(s)
    groups = ("adult",) if kind == "origin" else ("person",)  # children do not work in Paris
    other = s.subject(groups, pronouns=0.4)
    while other.en == speaker.en:
        other = s.subject(groups, pronouns=0.4)
    if kind == "origin":
        predicate = Predicate(s.lexicon.verbs[s.pick(["live", "work"])], None, (s.pick(ADDRESSES),))
        return s.grammar.clause(other, predicate, Tense.PRESENT)
    key = s.pick(list(FORTHCOMING))
    thing = FORTHCOMING[key]
    when = s.pick(
        [Pair("tomorrow", "demain"), Pair("this evening", "ce soir"), Pair("next week", "la semaine prochaine")]
    )
    complements = (when,) if thing is None else (thing,)
    return s.grammar.clause(other, Predicate(s.lexicon.verbs[key], None, complements), Tense.FUTURE)


def _opinion(s: Sampler) -> Pair:
    """A quality that can be a matter of opinion."""
    adjective = s.pick([a for a in s.lexicon.adjectives if a.use in ("both", "predicative") and not a.outer])
    noun = s.pick([n for n in s.lexicon.nouns if adjective.fits(n) and n.kind != "mass"])
    determiner = s.pick(["my", "our"]) if "family" in noun.classes else s.pick(["this", "the"])
    thing = noun_phrase(determiner, noun, (), noun.kind == "count" and s.chance(0.2))
    return be(s, thing, degree(s, adjective, 0.5) + agreeing(adjective, thing))


def interruption(s: Sampler) -> Pair:
    """A background and an event: "I was reading a book when the phone rang."."""
    subject = s.subject(pronouns=0.4)
    background = Predicate(s.lexicon.verbs[s.pick(BACKGROUNDS)])
    if s.chance(0.5):
        actions = [a for a in s.lexicon.actions if a.verb.key in BACKGROUND_ACTIONS]
        action = s.pick([a for a in actions if not {"person", "adult"}.isdisjoint(a.subjects)])
        background = s.predicate(action, subject, 0.2)
    main = s.grammar.clause(subject, background, Tense.WAS_DOING)
    return statement(main + Pair("when", "quand") + _incident(s, subject))


def _incident(s: Sampler, subject: NounPhrase) -> Pair:
    """A sudden event that is not the doing of the subject."""
    kind = s.weighted({"phone": 2, "rain": 2, "arrive": 2, "come back": 2, "call": 2})
    if kind == "phone":
        return Pair("the phone rang", "le téléphone a sonné")
    if kind == "rain":
        return Pair("it began to rain", "il a commencé à pleuvoir")
    other = s.person(adjective=0.15)
    while other.en == subject.en:
        other = s.person(adjective=0.15)
    called = kind == "call"
    # "when Paul called her": the one who is called is the subject of the first clause.
    predicate = Predicate(s.lexicon.verbs[kind], taken_up=subject if called else None)
    return s.grammar.clause(other, predicate, Tense.PAST)


def before(s: Sampler) -> Pair:
    """A sequence: "She brushes her teeth before going to bed."."""
    subject = s.subject(pronouns=0.45)
    first, second = (s.lexicon.verbs[key] for key in s.pick(STEPS))
    tense = s.weighted({Tense.PAST: 3, Tense.PRESENT: 4, Tense.MUST: 3, Tense.GOING_TO: 1})
    adverb = s.phrase("frequency") if tense is Tense.PRESENT else NOTHING
    main = s.grammar.clause(subject, Predicate(first), tense, None, adverb)
    later = Predicate(second)
    en = f"before {second.en_gerund} {s.grammar.english_rest(subject, later)}".strip()
    return statement(main + Pair(en, french.elide(f"avant de {s.grammar.french_infinitive(subject, later)}")))


def errand(s: Sampler) -> Pair:
    """A purpose: "Paul went to the market to buy some apples."."""
    subject = s.subject(pronouns=0.45)
    place, key, objects, determiner = s.pick(ERRANDS)
    verb = s.lexicon.verbs[key]
    noun = s.pick(s.lexicon.nouns_of(objects))
    purpose = Predicate(verb, s.thing(noun, determiner, subject, 0.2, verb=key))
    target = s.lexicon.places[place].to or NOTHING
    tense = s.weighted({Tense.PAST: 5, Tense.FUTURE: 2, Tense.MUST: 2, Tense.WANT: 2})
    main = s.grammar.clause(subject, Predicate(s.lexicon.verbs["go"], None, (target,)), tense)
    en = f"to {verb.en} {s.grammar.english_rest(subject, purpose)}"
    return statement(main + Pair(en, f"pour {s.grammar.french_infinitive(subject, purpose)}"))
