"""Turning clauses into sentences: capital letter and final punctuation."""

from __future__ import annotations

from .lexicon import Pair


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def statement(pair: Pair) -> Pair:
    """A sentence with a full stop."""
    return Pair(f"{_capital(pair.en)}.", f"{_capital(pair.fr)}.")


def question(pair: Pair) -> Pair:
    """A question; French puts a space before the mark."""
    return Pair(f"{_capital(pair.en)}?", f"{_capital(pair.fr)} ?")


def exclamation(pair: Pair) -> Pair:
    """An exclamation; French puts a space before the mark."""
    return Pair(f"{_capital(pair.en)}!", f"{_capital(pair.fr)} !")


def comma(first: Pair, second: Pair) -> Pair:
    """Two parts separated by a comma: "If it rains, we will stay at home"."""
    return Pair(f"{first.en}, {second.en}", f"{first.fr}, {second.fr}")
