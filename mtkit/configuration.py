"""From defaults, preset, config file and flags to one settings object, knowing where each value came from.

Precedence: built-in default < preset < config file < flag. Two layers come later: where a training is resumed, what its
model was saved with (`resumed`), and once the corpus is known, what is chosen by its size (`for_corpus`); after that
every value is a concrete one. Fields are addressed by their flat name (`dropout`), even where a settings class groups
them (`settings.network.dropout`).
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from mtkit.errors import SettingsError
from mtkit.fields import Field, field_names, fields, given_names, remember
from mtkit.presets import PRESETS, epochs_before_diversifying, epochs_of_0_1, recipe_for
from mtkit.settings import (
    CommandSettings,
    CorpusSettings,
    EvaluateSettings,
    PreprocessSettings,
    TrainSettings,
    TranslateSettings,
)

__all__ = [
    "COMMANDS",
    "Field",
    "Resolved",
    "as_flags",
    "as_resolved",
    "field_names",
    "fields",
    "for_corpus",
    "read_config",
    "resolve",
    "resumed",
    "vocabulary_size",
    "with_values_from",
]

C = TypeVar("C", bound=CommandSettings)

COMMANDS: dict[str, type[CommandSettings]] = {
    "preprocess": PreprocessSettings,
    "train": TrainSettings,
    "translate": TranslateSettings,
    "evaluate": EvaluateSettings,
}
"""The commands that have settings, by name: what a config file may have tables for."""

DEFAULT, FLAG, GIVEN, RESUMED, AUTO = "default", "flag", "given", "resumed model", "preset auto"
"""Origins of values, beside those that hold a name: a preset, a file, a model."""


@dataclass(frozen=True)
class Resolved(Generic[C]):
    """Settings, and for each flat name where its value came from."""

    settings: C
    values: dict[str, Any]
    origins: dict[str, str]
    reason: str = ""
    """Why the preset auto has chosen as it did, once it has."""

    def is_given(self, name: str) -> bool:
        """Whether the user, or a file or model that the user named, said so: no default, and no preset."""
        return self.origins[name] not in (DEFAULT, f"preset {self.values.get('preset')}")


def resolve(settings: type[C], *, command: str, flags: Mapping[str, Any], config: Path | None = None) -> Resolved[C]:
    """Build the settings of a command.

    Args:
        settings: the class to build.
        command: its table in a config file.
        flags: values by flat name; None is a flag that was not given.
        config: a TOML or JSON file with one table a command, or None.

    Raises:
        SettingsError: a key is unknown or a value is of the wrong type or out of bounds; the message names it.
    """
    known = {field.name: field for field in fields(settings)}
    from_flags = {name: value for name, value in flags.items() if value is not None}
    table = read_config(config, command) if config else {}
    for name in table:
        if name not in known:
            raise SettingsError(f"{config}: [{command}] has no key {name}{_nearest(name, known)}")
    values = {name: field.default for name, field in known.items()}
    origins = dict.fromkeys(known, DEFAULT)
    for layer, origin in ((table, f"file {config}"), (from_flags, FLAG)):
        for name, value in layer.items():
            values[name] = _checked(known[name], value, origin)
            origins[name] = origin
    preset = values.get("preset", "")
    return _resolved(settings, *_filled(values, origins, PRESETS.get(preset, {}), f"preset {preset}"))


def as_resolved(settings: C) -> Resolved[C]:
    """Return settings that a Python caller has made with the origins of their values: some may still be chosen."""
    named, values = given_names(settings), _flat(settings)
    preset = values.get("preset", "")
    origins = {name: f"preset {preset}" if name in PRESETS.get(preset, {}) else DEFAULT for name in values}
    return Resolved(settings, values, {**origins, **dict.fromkeys(named, GIVEN)})


def for_corpus(resolved: Resolved[TrainSettings], pairs: int) -> Resolved[TrainSettings]:
    """Give everything that waits for the corpus, of the given number of training pairs, a concrete value.

    The preset auto chooses what nobody else has set; epochs are chosen under every preset, unless training goes by
    updates. What is concrete already stays, so that doing it again changes nothing.
    """
    values, origins, recipe, reason = resolved.values, resolved.origins, recipe_for(pairs), resolved.reason
    if values["preset"] == "auto":
        values, origins = _filled(values, origins, recipe.values, AUTO)
        reason = recipe.reason
    if not values["epochs"] and not values["updates"]:
        epochs, origin = recipe.epochs, AUTO if values["preset"] == "auto" else f"corpus of {pairs:,} pairs"
        if origins["epochs"] == RESUMED:
            epochs, origin = epochs_of_0_1(pairs), RESUMED
        values, origins = {**values, "epochs": epochs}, {**origins, "epochs": origin}
    return _resolved(TrainSettings, values, origins, reason)


def vocabulary_size(corpus: CorpusSettings, pairs: int) -> int:
    """Return the pieces of a vocabulary for the given number of training pairs."""
    return corpus.vocab_size or recipe_for(pairs).vocab_size


def resumed(
    resolved: Resolved[TrainSettings], saved: Mapping[str, Any], *, diversified: bool = False
) -> Resolved[TrainSettings]:
    """Take what is not given from the training that goes on, so that it does not depend on the presets of today.

    Args:
        resolved: the settings that are asked for.
        saved: the values that the model's config.json has, by flat name. One that is missing was none of the model's,
            and is left at its default.
        diversified: whether these are of the last model of a training that diversifies, which has epochs of its own.
    """
    values, origins = dict(resolved.values), dict(resolved.origins)
    lengths = field_names(TrainSettings, resume="extend")
    lengthened = any(resolved.is_given(name) and values[name] for name in lengths)
    for field in fields(TrainSettings):
        name = field.name
        open_choice = field.chosen_at_zero and values[name] == 0
        if not field.saved or (resolved.is_given(name) and not open_choice):
            continue
        if (name in lengths and lengthened) or (field.path[0] == "corpus" and name not in saved):
            continue
        values[name] = _checked(field, saved.get(name, field.default), RESUMED)
        origins[name] = RESUMED
    if diversified and origins["epochs"] == RESUMED and values["epochs"]:
        values["epochs"] = epochs_before_diversifying(values["epochs"], saved.get("models_each_way", 1))
    return _resolved(TrainSettings, values, origins)


def with_values_from(
    resolved: Resolved[TrainSettings], values: Mapping[str, Any], origin: str
) -> Resolved[TrainSettings]:
    """Take values that follow from a file or a model, in the place of defaults and of the preset."""
    over = {DEFAULT, f"preset {resolved.settings.preset}"}
    return _resolved(TrainSettings, *_filled(resolved.values, resolved.origins, values, origin, over))


_NAMED = re.compile(r"`([a-z][a-z_]*)(?:=([^`]*))?`")


def as_flags(message: str) -> str:
    """Write the settings that a message of the library names as the flags they are on the command line.

    `batch_tokens` in backquotes becomes --batch-tokens, `device=cpu` --device cpu, `lexical=False` --no-lexical.
    """
    return _NAMED.sub(_as_flag, message)


def _as_flag(named: re.Match[str]) -> str:
    field = _fields_by_name().get(named[1])
    if field is None:
        return named[0]
    return field.as_flag(None if named[2] is None else shlex.quote(named[2]))


@cache
def _fields_by_name() -> dict[str, Field]:
    """Return the fields of all commands; those of one name have one flag."""
    return {field.name: field for settings in COMMANDS.values() for field in fields(settings)}


def read_config(path: Path, command: str) -> dict[str, Any]:
    """Return the table of a command in a config file; the config.json of a model folder is one too.

    Raises:
        SettingsError: the file is missing or neither TOML nor JSON, or the table is not one.
    """
    if path.suffix in (".yaml", ".yml"):
        raise SettingsError(f"{path}: is YAML by its name, and a config file is TOML or JSON; write it as one of them")
    try:
        text = path.read_text(encoding="utf-8-sig")  # without the byte-order mark that some editors write
        is_json = path.suffix == ".json" or text.lstrip().startswith("{")  # as no TOML does
        content = json.loads(text) if is_json else tomllib.loads(text)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such config file") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: cannot be read as TOML or JSON (its values are nested too deep)") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read as TOML or JSON ({error})") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: holds no tables; give one a command, as in [{command}]")
    if content.get("format") != "mtkit model":
        for name in content:
            if name not in COMMANDS:
                raise SettingsError(f"{path}: has a table [{name}] of no command{_nearest(name, COMMANDS)}")
    table = content.get(command, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {command} must be a table, as in [{command}]")
    return table


def _checked(field: Field, value: Any, origin: str) -> Any:
    """Return the value in the field's type and within its bounds, or name the setting or key that is wrong."""
    if origin == FLAG:
        return field.check(value)
    try:
        return field.converted(value)
    except ValueError as error:
        raise SettingsError(f"{origin.removeprefix('file ')}: {field.name} {value}: {error}") from error


def _filled(
    values: Mapping[str, Any],
    origins: Mapping[str, str],
    more: Mapping[str, Any],
    origin: str,
    over: Container[str] = (DEFAULT,),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values and origins with `more` in the place of what has one of the origins `over`."""
    new = {name: value for name, value in more.items() if origins[name] in over}
    return {**values, **new}, {**origins, **dict.fromkeys(new, origin)}


def _resolved(settings: type[C], values: dict[str, Any], origins: dict[str, str], reason: str = "") -> Resolved[C]:
    tree: dict[str, Any] = {}
    for field in fields(settings):
        place = tree
        for group in field.path[:-1]:
            place = place.setdefault(group, {})
        place[field.name] = values[field.name]
    resolved = Resolved(msgspec.convert(tree, settings), values, origins, reason)
    _remember(resolved)
    return resolved


def _remember(resolved: Resolved[C]) -> None:
    """Let the settings know themselves which of their values were given."""
    by_group: dict[tuple[str, ...], list[str]] = {}
    for field in fields(type(resolved.settings)):
        by_group.setdefault(field.path[:-1], []).extend([field.name] * resolved.is_given(field.name))
    for path, names in by_group.items():
        remember(attrgetter(".".join(path))(resolved.settings) if path else resolved.settings, names)


def _flat(settings: CommandSettings) -> dict[str, Any]:
    return {field.name: attrgetter(".".join(field.path))(settings) for field in fields(type(settings))}


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; it knows {', '.join(sorted(known))}"
