"""What makes a sentence pair unfit to learn from: one class a reason.

A new filter is a class here and its name in `TEXT_FILTERS`; the shared test holds it to its own example. The report
counts it by its name, in the manifest too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

from mtkit.settings import CorpusSettings

Side = TypeVar("Side", bound=Sized)


class Filter(ABC, Generic[Side]):
    """Drops pairs for one reason, always whole, so that the sides never shift against each other."""

    name: ClassVar[str]
    """What the report and the manifest count it by."""
    reason: ClassVar[str]
    """What it drops, as the report prints it after "N dropped"."""
    example: ClassVar[tuple[Any, Any]]
    """A pair that it drops with the default settings."""
    spares_validation: ClassVar[bool] = False
    """Whether validation text keeps such pairs: they are odd, but can be translated and scored."""

    @classmethod
    def of(cls, settings: CorpusSettings) -> Self:
        """Make the filter with what the settings give for it."""
        return cls()

    @abstractmethod
    def drops(self, src: Side, tgt: Side) -> bool:
        """Return whether a pair is to be dropped."""


class BlankSide(Filter[str]):
    """Drops pairs with nothing on one side, or on both."""

    name: ClassVar[str] = "blank"
    reason: ClassVar[str] = "with a blank side"
    example: ClassVar[tuple[str, str]] = ("A cat.", "")

    def drops(self, src: str, tgt: str) -> bool:
        """See `Filter.drops`."""
        return not src or not tgt


@dataclass(frozen=True)
class LengthRatio(Filter[str]):
    """Drops pairs whose sides differ in length, in characters, by more than the factor `max_ratio`."""

    name: ClassVar[str] = "ratio"
    reason: ClassVar[str] = "with sides of too different length"
    example: ClassVar[tuple[str, str]] = ("Yes.", "Oui, mais seulement si tu viens avec moi.")
    spares_validation: ClassVar[bool] = True
    shortest: ClassVar[int] = 20
    """Characters: where the longer side has no more, a large ratio is ordinary ('Go.' is 'Va-t'en !')."""

    max_ratio: float

    @classmethod
    def of(cls, settings: CorpusSettings) -> Self:
        """See `Filter.of`."""
        return cls(settings.max_ratio)

    def drops(self, src: str, tgt: str) -> bool:
        """See `Filter.drops`."""
        shorter, longer = len(src), len(tgt)
        if shorter > longer:
            shorter, longer = longer, shorter
        return longer > self.shortest and longer > self.max_ratio * shorter


@dataclass(frozen=True)
class LongSide(Filter[Sequence[int]]):
    """Drops pairs with a side of more than `max_length` pieces."""

    name: ClassVar[str] = "long"
    reason: ClassVar[str] = "with too long a side"
    example: ClassVar[tuple[list[int], list[int]]] = ([7] * 251, [7])

    max_length: int

    @classmethod
    def of(cls, settings: CorpusSettings) -> Self:
        """See `Filter.of`."""
        return cls(settings.max_length)

    def drops(self, src: Sequence[int], tgt: Sequence[int]) -> bool:
        """See `Filter.drops`."""
        return max(len(src), len(tgt)) > self.max_length


TEXT_FILTERS: tuple[type[Filter[str]], ...] = (BlankSide, LengthRatio)
"""Those that see normalised text, in the order in which they are asked; the first that drops a pair counts it."""

PIECE_FILTERS: tuple[type[Filter[Sequence[int]]], ...] = (LongSide,)
"""Those that see the pieces of a pair that no other has dropped."""

FILTERS: tuple[type[Filter[Any]], ...] = (*TEXT_FILTERS, *PIECE_FILTERS)


def text_filters(settings: CorpusSettings, *, validation: bool = False) -> tuple[Filter[str], ...]:
    """Make the filters of text, for training or for validation text."""
    return tuple(kind.of(settings) for kind in TEXT_FILTERS if not (validation and kind.spares_validation))


def piece_filters(settings: CorpusSettings) -> tuple[Filter[Sequence[int]], ...]:
    """Make the filters of pieces."""
    return tuple(kind.of(settings) for kind in PIECE_FILTERS)
