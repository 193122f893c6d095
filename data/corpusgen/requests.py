"""Recipes for orders, polite requests, shopping, food and short questions."""

from __future__ import annotations

from . import french
from .clauses import Predicate, Tense
from .finish import exclamation, question, statement
from .lexicon import Pair
from .phrases import NUMBERS, PRONOUNS, noun_phrase
from .sampler import Sampler

ORDERS = (
    "close", "open", "take", "forget", "wash", "read", "buy", "put on", "listen to", "look at", "prepare", "wake up",
    "hurry", "rest", "write", "eat", "drink", "finish", "choose", "learn", "repeat", "help", "clean", "tidy", "cut",
    "water",
)  # fmt: skip

WITHOUT_OBJECT = frozenset({"wake up", "hurry", "rest"})

FORBIDDEN = frozenset({"open", "close", "read", "eat", "drink", "take", "buy"})

SUGGESTED = frozenset({
    "open", "read", "buy", "eat", "drink", "prepare", "take", "choose", "hurry", "rest", "clean", "look at",
    "listen to",
})  # fmt: skip

TITLES = (Pair("sir", "monsieur"), Pair("madam", "madame"))

ASKING_THE_WAY = (
    Pair("do you know where", "savez-vous où"),
    Pair("could you tell me where", "pourriez-vous me dire où"),
)

FAVOURS = (
    ("open", ("opening", "suitcase")), ("close", ("opening",)), ("repeat", ("question", "answer")),
    ("explain", ("exercise", "lesson")),
)  # fmt: skip

ALCOHOL_AND_CAFFEINE = frozenset({"wine", "beer", "coffee", "tea"})

# What one does with a measure, by the word for it.
MEASURED_VERBS = {
    "glass": ("drink", "drink", "want"), "cup": ("drink", "drink", "want"), "bottle": ("buy", "buy", "need"),
    "kilo": ("buy", "buy", "need"), "packet": ("buy", "buy", "need"), "jar": ("buy", "buy", "need"),
}  # fmt: skip

PORTION_PLACES = {"buy": "supermarket market", "drink": "kitchen restaurant garden", "eat": "kitchen home"}

PORTION_TENSES = {
    Tense.PAST: 4, Tense.PROGRESSIVE: 2, Tense.GOING_TO: 2, Tense.WANT: 2, Tense.WOULD_LIKE: 2, Tense.MUST: 1,
}  # fmt: skip

# Questions of quantity and choice: the class of the noun, then the English and French verb.
COUNTED = {
    "fruit": ("do you want", "veux-tu", False), "vegetable": ("do you want", "veux-tu", False),
    "pastry": ("do you want", "veux-tu", False), "ticket": ("do you want", "veux-tu", False),
    "text": ("did you read", "as-tu lu", True), "garment": ("did you buy", "as-tu acheté", True),
    "kin": ("do you have", "as-tu", False), "pet": ("do you have", "as-tu", False),
}  # fmt: skip

CHOICES = {
    "text": (("are you reading", "lis-tu"), ("do you prefer", "préfères-tu")),
    "garment": (("do you want", "veux-tu"), ("do you prefer", "préfères-tu")),
    "show": (("do you want to watch", "veux-tu regarder"), ("do you prefer", "préfères-tu")),
    "picture": (("are you looking at", "regardes-tu"), ("do you prefer", "préfères-tu")),
    "tune": (("are you listening to", "écoutes-tu"), ("do you prefer", "préfères-tu")),
    "pastry": (("do you want", "veux-tu"), ("do you prefer", "préfères-tu")),
    "fruit": (("do you want", "veux-tu"), ("do you prefer", "préfères-tu")),
    "vehicle": (("do you want to buy", "veux-tu acheter"), ("do you prefer", "préfères-tu")),
}


def order(s: Sampler) -> Pair:
    """An order to a friend: "Close the door, please." or "Don't forget your umbrella!"."""
    you = PRONOUNS["you"]
    key = s.pick(ORDERS)
    verb = s.lexicon.verbs[key]
    predicate = Predicate(verb)
    if key not in WITHOUT_OBJECT:
        actions = [a for a in s.lexicon.actions if a.verb.key == key]
        predicate = s.predicate(s.pick(actions), you, 0.1)
    negative = key == "forget" or (key in FORBIDDEN and s.chance(0.3))
    shared = key in SUGGESTED and not negative and s.chance(0.25)
    if shared and predicate.object and predicate.object.en.startswith("your "):
        shared = False
    text = s.grammar.imperative(predicate, 3 if shared else 1, negative)
    if not shared and not negative and s.chance(0.45):
        return statement(Pair(f"{text.en}, please", f"{text.fr}, s'il te plaît"))
    return exclamation(text) if shared or s.chance(0.5) else statement(text)


def the_way(s: Sampler) -> Pair:
    """A stranger asked for the way, with vous because of "sir" or "madam"."""
    title, lead = s.pick(TITLES), s.pick(ASKING_THE_WAY)
    place = noun_phrase(
        "the", s.pick(s.lexicon.nouns_of("venue", "airport", "station", "hospital", "hotel", "church", "school"))
    )
    en = f"excuse me, {title.en}, {lead.en} {place.en} is"
    return question(Pair(en, f"excusez-moi, {title.fr}, {lead.fr} se trouve {place.fr}"))


def favour(s: Sampler) -> Pair:
    """A polite request: "Could you open the window, please, sir?"."""
    title = s.pick(TITLES)
    key, objects = s.pick(FAVOURS)
    thing = s.thing(s.pick(s.lexicon.nouns_of(*objects)), s.pick(["the", "this"]), None, 0.0)
    infinitive = s.grammar.french_infinitive(PRONOUNS["you"], Predicate(s.lexicon.verbs[key], thing))
    return question(
        Pair(
            f"could you {key} {thing.en}, please, {title.en}",
            f"pourriez-vous {infinitive}, s'il vous plaît, {title.fr}",
        )
    )


def purchase(s: Sampler) -> Pair:
    """A customer's request: "I would like a kilo of apples, please, madam."."""
    title = s.pick(TITLES)
    thing = _portion(s)
    lead, ask = s.pick(
        [(Pair("I would like", "je voudrais"), statement), (Pair("could I have", "pourrais-je avoir"), question)]
    )
    return ask(Pair(f"{lead.en} {thing.en}, please, {title.en}", f"{lead.fr} {thing.fr}, s'il vous plaît, {title.fr}"))


def _portion(s: Sampler) -> Pair:
    """A measured quantity or pieces of food: "a kilo of apples", "two pancakes"."""
    if s.chance(0.55):
        return measured(s)
    noun = s.pick(
        s.lexicon.nouns_of("pastry", "snack", "coffee", "tea", "apple", "pear", "orange", "postcard", "ticket")
    )
    if noun.kind == "mass":
        return Pair(f"a {noun.en}", f"un {noun.fr}")
    number = s.pick(["a", "two", "three", "four"])
    return noun_phrase(number, noun, (), number != "a").pair


def measured(s: Sampler) -> Pair:
    """A quantity with de: "a glass of water" / "un verre d'eau"."""
    entry = s.pick([e for e in s.lexicon.phrases if "measure" in e.tags])
    noun = s.pick([n for n in s.lexicon.nouns if entry.tags & {n.en, n.en_plural} and "device" not in n.classes])
    plural = noun.kind == "count"
    en = f"{entry.pair.en} {noun.en_plural if plural else noun.en}"
    return Pair(en, french.elide(f"{entry.pair.fr} {noun.fr_plural if plural else noun.fr}"))


def portion(s: Sampler) -> Pair:
    """Quantities of food and drink: "My aunt bought a kilo of cherries at the market."."""
    phrase = measured(s)
    words = set(phrase.en.split())
    liquid = not words.isdisjoint({"water", "milk", "lemonade", *ALCOHOL_AND_CAFFEINE})
    raw = not words.isdisjoint({"sugar", "salt", "butter", "oil"})
    measure = phrase.en.split()[1]
    key = s.pick(MEASURED_VERBS.get(measure, ("need",) if raw else ("drink",) if liquid else ("eat",)))
    adult = not words.isdisjoint(ALCOHOL_AND_CAFFEINE) or key in ("buy", "need")
    subject = s.subject(("adult",) if adult else ("person",), pronouns=0.45)
    verb = s.lexicon.verbs[key]
    if key == "need":
        phrase = Pair(phrase.en, french.contract("de", phrase.fr))
    if verb.stative:
        return statement(s.grammar.clause(subject, Predicate(verb, None, (phrase,)), Tense.PRESENT))
    tense = s.weighted(PORTION_TENSES)
    place = s.place(*PORTION_PLACES[key].split()) if s.chance(0.35) else None
    predicate = s.add(Predicate(verb, None, (phrase,)), place, s.time_for(tense))
    return statement(s.grammar.clause(subject, predicate, tense))


def price(s: Sampler) -> Pair:
    """Prices: "How much do these shoes cost?" or "This coat costs forty euros."."""
    classes = ("garment", "watch", "umbrella", "bag", "book", "vase", "lamp", "bicycle", "doll", "chair")
    noun = s.pick(s.lexicon.nouns_of(*classes))
    thing = noun_phrase("this", noun, s.adjectives_for(noun, 0.3, "buy"), s.chance(0.1))
    if s.chance(0.4):
        finite = s.lexicon.conjugator.finite("coûter", french.Mood.PRESENT, thing.index)
        support = "do" if thing.plural else "does"
        return question(Pair(f"how much {support} {thing.en} cost", f"combien {finite} {thing.fr}"))
    number = s.pick(["ten", "fifteen", "twenty", "thirty", "forty", "fifty"])
    euros = Pair(f"{number} euros", f"{NUMBERS[number]} euros")
    return statement(s.grammar.clause(thing, Predicate(s.lexicon.verbs["cost"], None, (euros,)), Tense.PRESENT))


def how_many(s: Sampler) -> Pair:
    """Quantities asked for: "How many apples do you want?" / "Combien de pommes veux-tu ?"."""
    group = s.pick(list(COUNTED))
    noun = s.pick([n for n in s.lexicon.nouns_of(group) if n.kind == "count"])
    en, fr, agreeing = COUNTED[group]
    if agreeing:  # the participle follows its object: "combien de lettres as-tu lues"
        fr += "es" if noun.feminine else "s"
    return question(Pair(f"how many {noun.en_plural} {en}", french.elide(f"combien de {noun.fr_plural} {fr}")))


def which(s: Sampler) -> Pair:
    """A choice: "Which book do you prefer?" / "Quel livre préfères-tu ?"."""
    group = s.pick(list(CHOICES))
    noun = s.pick(s.lexicon.nouns_of(group))
    plural = noun.kind == "plural" or s.chance(0.25)
    word = ("quelle" if noun.feminine else "quel") + ("s" if plural else "")
    en, fr = s.pick(CHOICES[group])
    noun_en, noun_fr = (noun.en_plural, noun.fr_plural) if plural else (noun.en, noun.fr)
    return question(Pair(f"which {noun_en} {en}", f"{word} {noun_fr} {fr}"))


def where_is(s: Sampler) -> Pair:
    """Where something is: "Where are my gloves?" / "Où sont mes gants ?"."""
    classes = (
        "pocket",
        "garment",
        "venue",
        "writing_tool",
        "luggage",
        "pet",
        "family",
        "building",
        "toy_thing",
        "text",
    )
    noun = s.pick([n for n in s.lexicon.nouns_of(*classes) if "lady_wear" not in n.classes])
    public = bool(noun.classes & {"venue", "building"})
    determiner = "the" if public else s.pick(["my", "your", "our", "his", "her"])
    plural = noun.kind == "count" and not public and s.chance(0.25)
    thing = noun_phrase(determiner, noun, s.adjectives_for(noun, 0.25 * (not public)), plural)
    if s.chance(0.25) and not public:
        verb = Pair("were", "étaient") if thing.plural else Pair("was", "était")
    else:
        verb = Pair("are", "sont") if thing.plural else Pair("is", "est")
    return question(Pair(f"where {verb.en} {thing.en}", f"où {verb.fr} {thing.fr}"))
