"""Commands made from settings classes: each field becomes an option, with its bounds, help text and group."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Optional, TypeVar

import typer
from typer.core import TyperCommand

from mtkit.cli.console import Console
from mtkit.configuration import Field, Resolved, fields, resolve
from mtkit.errors import SettingsError
from mtkit.settings import CommandSettings

C = TypeVar("C", bound=CommandSettings)
Run = Callable[[Resolved[C], Mapping[str, Any], Console], None]

GENERAL = "General"


@dataclass(frozen=True)
class Argument:
    """The positional argument of a command."""

    name: str
    help: str
    required: bool
    repeats: bool = False
    """Whether it takes any number of words, which are handed on as a tuple."""

    def parameter(self) -> inspect.Parameter:
        """Return it as a parameter for typer."""
        info = typer.Argument(metavar=self.name.upper(), help=self.help, show_default=False)
        word: Any = list[str] if self.repeats else str
        kind = word if self.required else Optional[word]  # noqa: UP045
        return _parameter(self.name, Annotated[kind, info], inspect.Parameter.empty if self.required else None)


class StrictCommand(TyperCommand):
    """A command that takes no option twice, where the parser would silently keep the last; lists repeat."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line; raises SettingsError where one is given twice."""
        if not ctx.resilient_parsing and args:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(order).items():
                if times > 1 and not getattr(option, "multiple", False):
                    flag = "/".join([*option.opts, *option.secondary_opts])
                    raise SettingsError(f"{flag} is given {times} times, and only one would count; keep that one")
        return super().parse_args(ctx, args)


def add_command(
    app: typer.Typer,
    name: str,
    settings: type[C],
    run: Run[C],
    *,
    example: str,
    argument: Argument | None = None,
    switches: Mapping[str, str] | None = None,
) -> None:
    """Add a command whose options are the fields of `settings`.

    Args:
        app: what to add it to.
        name: the command's name, and that of its table in a config file.
        settings: its settings class.
        run: the command itself; its docstring is the help text. It gets the resolved settings, the values of the
            argument and the switches by name, and a console.
        example: a command line that works, shown under the help.
        argument: what stands on the command line without a flag.
        switches: flags that are no settings, with their help texts.
    """
    known = option_order(settings)
    parameters = [argument.parameter()] if argument else []
    parameters += [_parameter(field.name, _annotation(field)) for field in known]
    parameters += [
        _parameter("config", Annotated[Optional[Path], _general("--config", "TOML or JSON file of settings.", "FILE")])  # noqa: UP045
    ]
    flags = {"quiet": "Print only warnings and errors.", "verbose": "Print more.", "debug": "Show the traceback."}
    parameters += [
        _parameter(key, Annotated[bool, _general(f"--{key.replace('_', '-')}", text)], default=False)
        for key, text in {**(switches or {}), **flags}.items()
    ]

    def command(**given: Any) -> None:
        own = {field.name: _value(given[field.name]) for field in known}
        resolved = resolve(settings, command=name, flags=own, config=given["config"])
        rest = {key: _value(given[key]) for key in (*([argument.name] if argument else []), *(switches or {}))}
        run(resolved, rest, Console(quiet=given["quiet"], verbose=given["verbose"]))

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = run.__doc__
    app.command(name, cls=StrictCommand, epilog=f"Example: {example}", no_args_is_help=True)(command)


def option_order(settings: type[CommandSettings]) -> list[Field]:
    """Return the fields of a settings class as they are listed: the general ones come last."""
    return sorted(fields(settings), key=lambda field: field.group == GENERAL)


def _parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _annotation(field: Field) -> Any:
    """Make a typer option that is None unless it was given, so that presets and config files can speak before it."""
    repeats = field.type == tuple[str, ...]
    kind = list[str] if repeats else field.type
    shown = field.default
    if isinstance(shown, bool):
        names = field.flag.split("/")
        shown = names[0 if shown else 1].removeprefix("--") if len(names) == 2 else ""
    option = typer.Option(
        field.flag,
        help=f"{field.help} (default: {shown})" if shown not in ("", ()) else field.help,
        rich_help_panel=field.group,
        show_default=False,
        metavar="TEXT" if repeats else None,
    )
    return Annotated[Optional[kind], option]  # noqa: UP045


def _general(flag: str, text: str, metavar: str | None = None) -> Any:
    return typer.Option(flag, help=text, rich_help_panel=GENERAL, show_default=False, metavar=metavar)


def _value(given: Any) -> Any:
    """Turn what typer gives for an option into what a setting takes: a list that was not given is empty."""
    if isinstance(given, list):
        return tuple(given) or None
    return given
