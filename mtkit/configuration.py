"""From defaults, preset, config file and flags to one settings object, knowing where each value came from.

Precedence: built-in default < preset < config file < flag; the preset auto speaks once the corpus is known
(`for_corpus`). Fields are addressed by their flat name (`dropout`), even where a settings class groups them
(`settings.network.dropout`).
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from mtkit.errors import SettingsError
from mtkit.presets import PRESETS, recipe_for
from mtkit.settings import CommandSettings, TrainSettings

C = TypeVar("C", bound=CommandSettings)


@dataclass(frozen=True)
class Field:
    """One setting: its flat name, where it sits, and what its annotation says of it."""

    name: str
    path: tuple[str, ...]
    type: Any
    annotation: Any
    default: Any
    help: str
    group: str
    flag: str

    @property
    def first_flag(self) -> str:
        """The flag to name in a message: `--joint` of `--joint/--separate`."""
        return self.flag.split("/")[0]


@dataclass(frozen=True)
class Resolved(Generic[C]):
    """Settings, and for each flat name where its value came from."""

    settings: C
    values: dict[str, Any]
    origins: dict[str, str]


def fields(settings: type[Struct], path: tuple[str, ...] = ()) -> Iterator[Field]:
    """Walk over the fields of a settings class, those of its groups in their place."""
    hints = get_type_hints(settings, include_extras=True)
    for info in msgspec.structs.fields(settings):
        annotation = hints[info.name]
        if isinstance(annotation, type) and issubclass(annotation, Struct):
            yield from fields(annotation, (*path, info.name))
            continue
        metas = [meta for meta in get_args(annotation)[1:] if isinstance(meta, Meta)]
        extra = next(meta.extra for meta in metas if meta.extra)
        yield Field(
            name=info.name,
            path=(*path, info.name),
            type=get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation,
            annotation=annotation,
            default=info.default,
            help=next(meta.description for meta in metas if meta.description),
            group=extra["group"],
            flag=extra.get("flag", "--" + info.name.replace("_", "-")),
        )


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
    origins = dict.fromkeys(known, "default")
    for layer, origin in ((table, f"file {config}"), (from_flags, "flag")):
        for name, value in layer.items():
            values[name] = _checked(known[name], value, origin)
            origins[name] = origin
    preset = values.get("preset", "")
    return _resolved(settings, *_filled(values, origins, PRESETS.get(preset, {}), f"preset {preset}"))


def for_corpus(resolved: Resolved[TrainSettings], pairs: int) -> Resolved[TrainSettings]:
    """Let the preset auto choose, for a corpus of so many training pairs, what nobody else has set."""
    if resolved.settings.preset != "auto":
        return resolved
    return _resolved(
        TrainSettings, *_filled(resolved.values, resolved.origins, recipe_for(pairs).values, "preset auto")
    )


def adopt(resolved: Resolved[TrainSettings], values: Mapping[str, Any], origin: str) -> Resolved[TrainSettings]:
    """Take values that follow from a file or a model, in the place of defaults and of the preset."""
    over = {"default", f"preset {resolved.settings.preset}"}
    return _resolved(TrainSettings, *_filled(resolved.values, resolved.origins, values, origin, over))


def read_config(path: Path, command: str) -> dict[str, Any]:
    """Return the table of a command in a config file; the config.json of a model folder is one too.

    Raises:
        SettingsError: the file is missing or neither TOML nor JSON, or the table is none.
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


COMMANDS = ("preprocess", "train", "translate", "evaluate")


def _checked(field: Field, value: Any, origin: str) -> Any:
    """Return the value in the field's type and within its bounds, or name the flag or key that is wrong."""
    try:
        return msgspec.convert(value, field.annotation)
    except msgspec.ValidationError as error:
        name = field.first_flag if origin == "flag" else f"{origin.removeprefix('file ')}: {field.name}"
        choices = get_args(field.type) if get_origin(field.type) is Literal else ()
        reason = str(error).replace("Expected ", "expected ").split(" - at ")[0]
        if choices:
            reason = f"is none of {', '.join(choices)}"
        elif field.type == tuple[str, ...]:
            reason = 'must be a list of texts, as in ["corpus/train"]'
        raise SettingsError(f"{name} {value}: {reason}") from error


def _filled(
    values: Mapping[str, Any],
    origins: Mapping[str, str],
    more: Mapping[str, Any],
    origin: str,
    over: Container[str] = ("default",),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values and origins with `more` in the place of what has one of the origins `over`."""
    new = {name: value for name, value in more.items() if origins[name] in over}
    return {**values, **new}, {**origins, **dict.fromkeys(new, origin)}


def _resolved(settings: type[C], values: dict[str, Any], origins: dict[str, str]) -> Resolved[C]:
    tree: dict[str, Any] = {}
    for field in fields(settings):
        place = tree
        for group in field.path[:-1]:
            place = place.setdefault(group, {})
        place[field.name] = values[field.name]
    return Resolved(msgspec.convert(tree, settings), values, origins)


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; it knows {', '.join(sorted(known))}"
