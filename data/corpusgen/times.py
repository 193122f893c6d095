"""Hours and dates in words."""

from __future__ import annotations

from .lexicon import Pair
from .sampler import Sampler

ENGLISH_HOURS = ["twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]

FRENCH_HOURS = ["douze", "une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze"]

ORDINALS = {
    1: ("first", "premier"), 2: ("second", "deux"), 3: ("third", "trois"), 4: ("fourth", "quatre"),
    5: ("fifth", "cinq"), 6: ("sixth", "six"), 7: ("seventh", "sept"), 8: ("eighth", "huit"),
    9: ("ninth", "neuf"), 10: ("tenth", "dix"), 12: ("twelfth", "douze"), 14: ("fourteenth", "quatorze"),
    15: ("fifteenth", "quinze"), 20: ("twentieth", "vingt"), 25: ("twenty-fifth", "vingt-cinq"),
}  # fmt: skip


def clock_time(hour: int, quarter: int) -> Pair:
    """A time on the twelve-hour clock; `quarter` counts quarters of an hour after the full hour."""
    if quarter == 3:
        spoken = clock_time(hour + 1, 0)
        return Pair("a quarter to " + spoken.en.removesuffix(" o'clock"), f"{spoken.fr} moins le quart")
    if hour % 12 == 0:
        en, fr = ("midnight", "minuit") if hour % 24 == 0 else ("noon", "midi")
    else:
        fr = "une heure" if hour % 12 == 1 else f"{FRENCH_HOURS[hour % 12]} heures"
        en = ENGLISH_HOURS[hour % 12] + ("" if quarter else " o'clock")
    half = "demi" if fr in ("midi", "minuit") else "demie"
    return (Pair(en, fr), Pair(f"a quarter past {en}", f"{fr} et quart"), Pair(f"half past {en}", f"{fr} et {half}"))[
        quarter
    ]


def at_time(s: Sampler, first: int, last: int) -> Pair:
    """An adverbial such as "at half past seven" / "à sept heures et demie"."""
    time = clock_time(s.rng.randint(first, last), s.weighted({0: 5, 1: 1, 2: 3, 3: 1}))
    return Pair(f"at {time.en}", f"à {time.fr}")


def date(s: Sampler) -> Pair:
    """A day and month: "the third of May" / "trois mai"."""
    day, month = s.pick(list(ORDINALS)), s.phrase("month")
    return Pair(f"the {ORDINALS[day][0]} of {month.en}", f"{ORDINALS[day][1]} {month.fr}")
