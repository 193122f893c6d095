"""The recipes and how often each is used."""

from __future__ import annotations

from collections.abc import Callable

from . import countries, daily, descriptions, events, linked, people, relatives, requests, settings
from .lexicon import Pair
from .sampler import Sampler

Recipe = Callable[[Sampler], Pair]

RECIPES: dict[Recipe, int] = {
    events.event: 36, events.narrative: 16, events.negative_event: 12, events.past_habit: 5,
    events.pronoun_object: 8, events.giving: 8, events.yes_no: 10, events.who: 3,
    daily.activity: 9, daily.routine: 8, daily.going: 7, daily.motion: 5, daily.pastime: 5, daily.asked: 3,
    daily.taste: 2,
    descriptions.quality: 7, descriptions.comparison: 6, descriptions.whereabouts: 8, descriptions.belonging: 5,
    people.occupation: 3, people.age: 2, people.how_old: 1, people.feeling: 5, people.pain: 2, people.possessions: 5,
    settings.weather: 4, settings.clock: 3, settings.calendar: 3,
    countries.abroad: 6, countries.tongue: 3,
    linked.reason: 7, linked.condition: 5, linked.reported: 9, linked.interruption: 6, linked.before: 3,
    linked.errand: 5, relatives.who_clause: 6, relatives.that_clause: 7,
    requests.order: 6, requests.the_way: 1, requests.favour: 2, requests.purchase: 2, requests.portion: 5,
    requests.price: 3, requests.how_many: 1, requests.which: 2, requests.where_is: 3,
}  # fmt: skip
