"""Recipes for sentences in which somebody does something to something."""

from __future__ import annotations

from .clauses import Negation, Predicate, Tense
from .finish import comma, question, statement
from .french import contract
from .lexicon import NOTHING, Action, Pair
from .phrases import PRONOUNS, NounPhrase, noun_phrase, pronoun_for
from .sampler import Sampler

ALREADY = Pair("already", "déjà")

NEGATIVE_TENSES = {
    Tense.PROGRESSIVE: 3, Tense.PAST: 5, Tense.FUTURE: 2, Tense.GOING_TO: 1, Tense.CAN: 2, Tense.WANT: 3,
    Tense.PERFECT: 2,
}  # fmt: skip

# What one does next with a thing, by what one did with it first, and in which tenses.
FOLLOW_UPS = {
    "buy": ("lose", "like", "sell"), "find": ("show",), "write": ("send", "read"), "choose": ("buy", "like"),
    "draw": ("show",), "repair": ("sell",), "order": ("eat",), "wash": ("wear",), "prepare": ("eat",),
    "meet": ("invite",), "read": ("like", "love"), "see": ("like", "love"), "cook": ("eat",), "rent": ("like", "love"),
}  # fmt: skip

FOLLOW_UP_TENSES = {"lose": (Tense.PAST,), "like": (Tense.PRESENT,), "love": (Tense.PRESENT,)}

# One reads one's mail, but hardly loves or loses it.
MAIL = frozenset(
    {"letter", "letters", "message", "messages", "article", "articles", "postcard", "postcards", "newspaper"}
)

LATER_TENSES = (Tense.GOING_TO, Tense.WANT, Tense.PAST, Tense.FUTURE)

GIFTS = {
    "give": ("gift", "ring", "toy", "doll", "book", "bloom", "watch", "scarf", "apple", "cake"),
    "bring": ("gift", "bloom", "cake", "letter"),
    "show": ("picture", "letter", "book", "garden", "map", "exercise"),
    "send": ("letter", "postcard", "message", "present", "photo"),
    "lend": ("book", "bicycle", "umbrella", "car", "pen", "suitcase", "pencil", "computer"),
    "tell": ("story",),
    "explain": ("lesson", "exercise", "question"),
    "sell": ("house", "car", "bicycle", "boat"),
}

GIFT_TENSES = {
    Tense.PAST: 5, Tense.GOING_TO: 2, Tense.FUTURE: 1, Tense.WANT: 2, Tense.CAN: 1, Tense.PRESENT: 1, Tense.MUST: 1,
    Tense.JUST: 1,
}  # fmt: skip


def to_person(recipient: NounPhrase) -> Pair:
    """The indirect object after to: "to my sister" / "à ma sœur"."""
    return Pair(f"to {recipient.en}", contract("à", recipient.fr))


def _settle(s: Sampler, action: Action, subject: NounPhrase, tense: Tense) -> Tense:
    """Avoid the bare present where it would sound odd or could be a past as well."""
    if tense is not Tense.PRESENT or action.verb.stative or "habit" in action.flags:
        return tense
    # A bare present tells a story ("The old man opens the door"); "I open the door" would be odd.
    if subject.pronoun or (subject.plural and action.verb.same_past) or s.chance(0.2):
        return Tense.PROGRESSIVE
    return tense


def event(s: Sampler) -> Pair:
    """A transitive event: "The young nurse bought a red bicycle yesterday."."""
    action = s.pick(s.lexicon.actions)
    subject = s.subject(action.subjects)
    tense = _settle(s, action, subject, s.tense_for(action))
    predicate = s.predicate(action, subject)
    time = None if action.verb.stative else s.time_for(tense, action.flags)
    adverb = ALREADY if tense is Tense.PERFECT else NOTHING
    if tense is Tense.PAST and action.verb.same_past and subject.index != 2 and not time:
        time = s.phrase("day_past")  # otherwise "I read a book" could be a present as well
    if tense is Tense.PRESENT and "habit" in action.flags and not time:
        adverb = s.phrase("frequency")
    if time in s.lexicon.phrases_of("front") and s.chance(0.2):
        return statement(comma(time, s.grammar.clause(subject, predicate, tense, None, adverb)))
    return statement(s.grammar.clause(subject, s.add(predicate, time), tense, None, adverb))


def narrative(s: Sampler) -> Pair:
    """A scene told in the present: "The young lawyer writes a long message."."""
    scenes = [
        a for a in s.lexicon.actions if not a.verb.stative and a.flags.isdisjoint({"habit", "punctual", "instant"})
    ]
    action = s.pick([a for a in scenes if not {"person", "adult", "child"}.isdisjoint(a.subjects)])
    classes = ("child",) if action.subjects[0] == "child" else ("adult",)
    subject = s.person_noun(*classes, adjective=0.9)
    tense = _settle(s, action, subject, Tense.PRESENT)
    thing = s.action_object(action, subject, adjective=0.8)
    place = (s.place(*action.places),) if action.places and s.chance(0.2) else ()
    return statement(s.grammar.clause(subject, Predicate(action.verb, thing, place), tense))


def negative_event(s: Sampler) -> Pair:
    """A negated event: "My father doesn't drink any coffee in the evening."."""
    action = s.pick([a for a in s.lexicon.actions if a.verb.key not in ("love", "hate", "prefer")])
    subject = s.subject(action.subjects)
    options = {Tense.PRESENT: 1} if action.verb.stative else dict(NEGATIVE_TENSES)
    if "punctual" in action.flags:
        options = {Tense.PAST: 1}
    if "durative" in action.flags:
        options.pop(Tense.PERFECT, None)
    if "instant" in action.flags:
        options.pop(Tense.PROGRESSIVE, None)
    tense, negation = s.weighted(options), Negation.NOT
    if tense is Tense.PERFECT:
        negation = Negation.NEVER
    elif "habit" in action.flags and s.chance(0.5):
        tense, negation = Tense.PRESENT, s.pick([Negation.NEVER, Negation.NO_LONGER])
    time = s.time_for(tense, action.flags - {"habit"})
    thing = s.action_object(action, subject, adjective=0.1)
    while thing.numbered:  # "did not read two books" would call for a contrast
        thing = s.action_object(action, subject, adjective=0.1)
    return statement(s.grammar.clause(subject, s.add(Predicate(action.verb, thing), time), tense, negation))


def past_habit(s: Sampler) -> Pair:
    """A former habit: "My grandfather used to read the newspaper in the garden."."""
    action = s.pick([a for a in s.lexicon.actions if "habit" in a.flags])
    subject = s.subject(action.subjects, pronouns=0.25)
    time = s.time_for(Tense.PRESENT, action.flags)
    predicate = s.add(s.predicate(action, subject, 0.2 if time else 0.8), time)
    return statement(s.grammar.clause(subject, predicate, Tense.USED_TO))


def _follows(key: str, action: Action) -> bool:
    """Whether what was done first makes sense of what is done next."""
    if key == "eat":
        return "coffee" not in action.objects
    if key == "sell":
        return "door" not in action.objects and ("vehicle" in action.objects or "big" in action.flags)
    if key == "wear":
        return "sweater" in action.objects
    if key in ("like", "love"):  # one likes a film that one has seen, rather than an owl
        return action.verb.key not in ("see", "buy") or not {"film", "garment", "book"}.isdisjoint(action.objects)
    if key == "show":
        return "dog" not in action.objects
    if key == "lose":
        return not {"garment", "umbrella", "book"}.isdisjoint(action.objects)
    return True


def pronoun_object(s: Sampler) -> Pair:
    """Two clauses, the second with an object pronoun: "Paul bought a ring, but he lost it."."""
    action = s.pick([a for a in s.lexicon.actions if a.verb.key in FOLLOW_UPS])
    subject = s.subject(action.subjects)
    thing = s.action_object(action, subject)
    verb = s.lexicon.verbs[s.pick(FOLLOW_UPS[action.verb.key])]
    if not _follows(verb.key, action):
        return pronoun_object(s)
    if verb.key in FOLLOW_UP_TENSES and not MAIL.isdisjoint(thing.en.split()):
        return pronoun_object(s)
    first = s.grammar.clause(subject, Predicate(action.verb, thing), Tense.PAST)
    tense = s.pick(FOLLOW_UP_TENSES.get(verb.key, LATER_TENSES))
    contrast = verb.key == "lose" or (verb.key == "like" and s.chance(0.4))
    negation = Negation.NOT if contrast and verb.key == "like" else None
    to = (to_person(s.family_member()),) if verb.key in ("show", "send") else ()
    predicate = Predicate(verb, taken_up=thing, complements=to)
    second = s.grammar.clause(pronoun_for(subject), predicate, tense, negation)
    if contrast:
        return statement(comma(first, Pair("but", "mais") + second))
    return statement(first + Pair("and", "et") + second)


def giving(s: Sampler) -> Pair:
    """A transfer: "My uncle gave a watch to my sister." or "My uncle gave her a watch."."""
    key = s.pick(list(GIFTS))
    verb = s.lexicon.verbs[key]
    subject = s.subject({"sell": ("adult",), "explain": ("teacher", "father")}.get(key, ("person",)))
    tense = s.weighted(GIFT_TENSES)
    if tense is Tense.PRESENT and subject.pronoun:
        tense = Tense.WANT
    noun = s.pick(s.lexicon.nouns_of(s.pick(GIFTS[key])))
    determiner = {"show": "own", "lend": "own", "sell": "own", "explain": "the"}.get(key) or s.pick(["a", "this"])
    thing = s.thing(noun, determiner, subject, 0.25, verb=key)
    time = s.time_for(tense) if s.chance(0.5) else None
    # English has no indirect pronoun after "explain".
    if s.chance(0.4) and key != "explain":
        receivers = [p for p in PRONOUNS.values() if p.person == 2 or p.person != subject.person]
        if thing.en.startswith("her "):  # "showed her her ring" would be clumsy
            receivers.remove(PRONOUNS["she"])
        predicate = Predicate(verb, thing, recipient=s.pick(receivers))
        return statement(s.grammar.clause(subject, s.add(predicate, time), tense))
    recipient = s.person()
    while recipient.en.split()[-1] == subject.en.split()[-1]:
        recipient = s.person()
    return statement(s.grammar.clause(subject, s.add(Predicate(verb, thing, (to_person(recipient),)), time), tense))


def yes_no(s: Sampler) -> Pair:
    """A question with est-ce que: "Did you lose your umbrella?"."""
    action = s.pick(s.lexicon.actions)
    adult = not {"person", "adult"}.isdisjoint(action.subjects)
    subject = PRONOUNS["you"] if adult and s.chance(0.45) else s.subject(action.subjects, pronouns=0.15)
    if subject.index in (0, 3):  # one rarely asks what one does oneself
        subject = PRONOUNS["she"]
    tense = s.tense_for(action)
    if tense in (Tense.JUST, Tense.WAS_DOING, Tense.HAD_TO, Tense.MUST, Tense.PERFECT):
        tense = Tense.PAST
    if tense is Tense.PRESENT and not action.verb.stative and "habit" not in action.flags:
        tense = Tense.PROGRESSIVE
    time = s.time_for(tense, action.flags)
    return question(s.grammar.question(subject, s.add(s.predicate(action, subject, 0.1), time), tense))


def who(s: Sampler) -> Pair:
    """The subject asked for: "Who broke this vase?" / "Qui a cassé ce vase ?"."""
    action = s.pick(
        [a for a in s.lexicon.actions if not a.verb.stative and {"own", "generic"}.isdisjoint(a.determiners)]
    )
    someone = noun_phrase("the", s.lexicon.noun("man"), human=True)
    tense = s.weighted({Tense.PAST: 6, Tense.GOING_TO: 2, Tense.WANT: 2, Tense.CAN: 1})
    if not action.flags.isdisjoint({"punctual", "habit"}):
        tense = Tense.PAST
    # Asked about a past event, one knows the thing: "Who ate the cake?".
    known = "the" if "some" in action.determiners else s.pick(["the", "this"])
    thing = s.action_object(action, someone, known if tense is Tense.PAST else "")
    predicate = s.add(Predicate(action.verb, thing), s.time_for(tense, action.flags))
    clause = s.grammar.clause(someone, predicate, tense)
    return question(Pair("who" + clause.en.removeprefix(someone.en), "qui" + clause.fr.removeprefix(someone.fr)))
