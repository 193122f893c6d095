"""English morphology: articles, plurals and verb forms."""

from __future__ import annotations

import re

IRREGULAR_BE = {"present": ("am", "are", "is", "are", "are", "are"),
                "past": ("was", "were", "was", "were", "were", "were")}  # fmt: skip


def article(word: str) -> str:
    """The indefinite article that fits the following word."""
    return "an" if word[0].lower() in "aeiou" and not word.startswith(("uni", "use")) else "a"


def pluralize(noun: str) -> str:
    """The regular plural of a noun."""
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


def third_person(verb: str) -> str:
    """The third person singular of the present."""
    if verb == "have":
        return "has"
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def past(verb: str) -> str:
    """The regular past, which is the regular past participle too."""
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if re.search(r"[^aeiou]y$", verb) else verb + "ed"


def gerund(verb: str) -> str:
    """The regular -ing form."""
    return (verb[:-1] if re.search(r"[^e]e$", verb) and verb != "be" else verb) + "ing"


def negate(auxiliary: str) -> str:
    """The negative of an auxiliary, contracted where English allows it."""
    if auxiliary == "am":
        return "am not"
    return {"will": "won't", "can": "can't"}.get(auxiliary, auxiliary + "n't")
