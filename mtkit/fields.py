"""What settings classes are made of: fields that describe and check themselves, and remember which were given.

A value is checked by its field's annotation wherever it comes from: the constructor, `msgspec.structs.replace`, a file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct, StructMeta
from msgspec.structs import force_setattr

from mtkit.errors import SettingsError

S = TypeVar("S", bound="Settings")

Resume = Literal["fixed", "free", "extend"]
"""What a training that is resumed may do with a setting: nothing, anything, or make it larger."""
ComesWith = Literal["", "vocabulary", "weights"]
"""What brings the value of a setting along where it is taken from another corpus or model."""


def about(
    text: str,
    group: str,
    *,
    flag: str = "",
    resume: Resume = "fixed",
    saved: bool = True,
    comes_with: ComesWith = "",
    chosen_at_zero: bool = False,
) -> Meta:
    """Describe a field of a settings class.

    Args:
        text: its help text.
        group: what it is listed under.
        flag: its flag, where that does not follow from its name and type.
        resume: what a training that is resumed may do with it.
        saved: whether a model or a prepared corpus remembers it: not where it names files or says what to do with them.
        comes_with: what brings its value along: a vocabulary, or the weights of a model.
        chosen_at_zero: whether 0 stands for a value that is chosen by the corpus.
    """
    extra = {"group": group, "flag": flag, "resume": resume, "saved": saved}
    return Meta(description=text, extra={**extra, "comes_with": comes_with, "chosen_at_zero": chosen_at_zero})


@dataclass(frozen=True)
class Field:
    """One setting: its flat name, where it sits, and what its annotation says of it; see `about`."""

    name: str
    path: tuple[str, ...]
    type: Any
    annotation: Any
    default: Any
    help: str
    group: str
    flag: str
    resume: Resume
    saved: bool
    comes_with: ComesWith
    chosen_at_zero: bool

    def as_flag(self, value: str | None = None) -> str:
        """Return the setting as it is written on the command line, with a value where one is given.

        `--joint/--separate` is `--joint`, and with the value False `--separate`.
        """
        yes, _, no = self.flag.partition("/")
        if self.type is bool and value in ("True", "False"):
            return yes if value == "True" else no or f"no {yes}"
        return yes if value is None else f"{yes} {value}"

    def check(self, value: Any) -> Any:
        """Return a value in the field's type; raise `SettingsError` where it is of another, or out of bounds."""
        try:
            return self.converted(value)
        except ValueError as error:
            raise SettingsError(f"`{self.name}={value}`: {error}") from error

    def converted(self, value: Any) -> Any:
        """Return a value in the field's type; raise `ValueError`, which gives the reason, where that cannot be."""
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("must be a finite number")
        try:
            return msgspec.convert(_with_paths_as_text(value), self.annotation)
        except msgspec.ValidationError as error:
            if get_origin(self.type) is Literal:
                raise ValueError(f"is none of {', '.join(get_args(self.type))}") from error
            if self.type == tuple[str, ...]:
                raise ValueError('must be a list of texts, as in ["corpus/train"]') from error
            raise ValueError(str(error).replace("Expected ", "expected ").split(" - at ")[0]) from error


def _with_paths_as_text(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_with_paths_as_text, value))
    return os.fspath(value) if isinstance(value, os.PathLike) else value


@cache
def fields(settings: type[Struct]) -> tuple[Field, ...]:
    """Return the fields of a settings class, those of its groups in their place."""
    found: list[Field] = []
    for name, entry in _entries(settings).items():
        if isinstance(entry, Field):
            found.append(entry)
        else:
            found += (replace(field, path=(name, *field.path)) for field in fields(entry))
    return tuple(found)


def field_names(
    settings: type[Struct],
    *,
    resume: Resume | None = None,
    saved: bool | None = None,
    comes_with: ComesWith | None = None,
) -> tuple[str, ...]:
    """Return the flat names of the fields that have all the properties asked for, in their order."""
    wanted = {"resume": resume, "saved": saved, "comes_with": comes_with}
    asked = {name: value for name, value in wanted.items() if value is not None}
    return tuple(
        field.name for field in fields(settings) if all(getattr(field, name) == value for name, value in asked.items())
    )


@cache
def _entries(settings: type[Struct]) -> dict[str, Field | type[Struct]]:
    """Return the fields of a class by name, and the classes of those that are groups."""
    hints = get_type_hints(settings, include_extras=True)
    return {info.name: _entry(info.name, hints[info.name], info.default) for info in msgspec.structs.fields(settings)}


def _entry(name: str, annotation: Any, default: Any) -> Field | type[Struct]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return annotation
    kind, *rest = get_args(annotation)
    metas = [meta for meta in rest if isinstance(meta, Meta)]
    (extra,) = (dict(meta.extra) for meta in metas if meta.extra)
    flag = "--" + name.replace("_", "-")
    extra["flag"] = extra["flag"] or (f"{flag}/--no-{flag.removeprefix('--')}" if kind is bool else flag)
    text = next(meta.description for meta in metas if meta.description)
    return Field(name=name, path=(name,), type=kind, annotation=annotation, default=default, help=text, **extra)


class SettingsMeta(StructMeta):
    """The class of settings classes: what calling one returns remembers which values the call gave.

    Only so can a preset give way to a value that happens to be the default.
    """

    def __call__(cls: type[S], **given: Any) -> S:  # type: ignore[misc] # noqa: N805
        """Make settings."""
        settings: S = super().__call__(**cls.completed(given))  # type: ignore[misc]
        remember(settings, given)
        return settings


class Settings(Struct, metaclass=SettingsMeta, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Settings that check themselves, whichever way they are made.

    Raises:
        SettingsError: a value is of the wrong type or out of bounds, or two do not fit together; the message names it.
    """

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values to make settings of, where these were given."""
        return dict(given)

    def __post_init__(self) -> None:
        for name, entry in _entries(type(self)).items():
            value = getattr(self, name)
            if isinstance(entry, Field):
                checked = value if value is entry.default else entry.check(value)
                if checked is not value:
                    force_setattr(self, name, checked)
            elif not isinstance(value, entry):
                raise SettingsError(f"`{name}={value}`: must be {entry.__name__}")

    def __copy__(self) -> Self:
        return self  # nothing of it can change

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the values and the memory of which were given."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return _unpickled, (type(self), values, vars(self).get(_GIVEN))


def _unpickled(settings: type[S], values: dict[str, Any], given: frozenset[str] | None) -> S:
    made = msgspec.convert(values, settings)
    if given is not None:
        remember(made, given)
    return made


def remember(settings: Struct, given: Iterable[str]) -> None:
    """Let settings remember the names that they were given, of their own fields."""
    force_setattr(settings, _GIVEN, frozenset(given))


_GIVEN = "_given"


def given_names(settings: Struct, *, whole: bool = False) -> frozenset[str]:
    """Return the flat names of the values that settings were given, rather than left at their defaults.

    Settings that no call has made do not know. As `msgspec.structs.replace` returns them, they were given what is not
    the default; with `whole`, as for a network that was read from a model, they stand for all their values.
    """
    names: set[str] = set()
    memory = vars(settings).get(_GIVEN)
    for name, entry in _entries(type(settings)).items():
        value = getattr(settings, name)
        if not isinstance(entry, Field):
            names |= given_names(value, whole=True)
        elif name in memory if memory is not None else whole or value != entry.default:
            names.add(name)
    return frozenset(names)
