"""`mtkit train`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import typer

from mtkit.cli.console import Console
from mtkit.cli.options import Argument, add_command, option_order
from mtkit.configuration import Resolved
from mtkit.errors import Interrupted, MissingExtraError, SettingsError
from mtkit.settings import CorpusSettings, TrainSettings


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        "train",
        TrainSettings,
        run,
        example="mtkit train build/en-fr --out models/en-fr",
        argument=Argument(
            "prepared", "Folder that mtkit preprocess wrote; or give raw text with --train.", required=False
        ),
        switches={"show_config": "Print every setting and where it came from, and stop."},
    )


def run(resolved: Resolved[TrainSettings], given: Mapping[str, str | None], console: Console) -> None:
    """Train a model on a prepared corpus, or straight from parallel text."""
    if given["show_config"]:
        print("\n".join(config_table(resolved)))
        return
    _check_corpus(resolved, given["prepared"])
    try:
        from mtkit.training import open_corpus, train
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is missing; training needs the full install: pip install 'mtkit[train]'"
        ) from error
    from mtkit.cli.training_display import TrainingDisplay

    corpus = open_corpus(resolved.settings, given["prepared"], console.say)
    with TrainingDisplay(console) as display:
        try:
            train(resolved.settings, corpus, display.draw)
        except Interrupted as stopped:
            raise Interrupted(f"{stopped}. Go on with: {_resume_command()}", stopped.exit_code - 128) from stopped


def config_table(resolved: Resolved[TrainSettings]) -> list[str]:
    """Return each setting, its value and where that came from, grouped as in `--help`; a star is at what is no default.

    Values that are long push their origin out of its column.
    """
    shown = {name: _shown(value) for name, value in resolved.values.items()}
    names, values = max(map(len, shown)), min(20, max(map(len, shown.values())))
    groups: dict[str, list[str]] = {}
    for field in option_order(TrainSettings):
        origin = resolved.origins[field.name]
        mark = " " if origin == "default" else "*"
        line = f"{mark} {field.name:{names}}  {shown[field.name]:{values}}  {origin}"
        groups.setdefault(field.group, []).append(line)
    return [line for group, lines in groups.items() for line in ("", group, *lines)][1:]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        value = " ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"


def _check_corpus(resolved: Resolved[TrainSettings], prepared: str | None) -> None:
    """Raise `SettingsError` unless the corpus is given once: prepared, or as raw text."""
    if prepared is None:
        if not resolved.settings.corpus.train:
            raise SettingsError(
                "no corpus: give the folder that mtkit preprocess wrote, or raw text with --langs and --train"
            )
        return
    if not Path(prepared).is_dir() and Path(prepared).exists():
        raise SettingsError(f"{prepared}: is a file; raw text is given with --train")
    for name in CorpusSettings.__struct_fields__:
        if resolved.origins[name] == "flag":
            raise SettingsError(
                f"--{name.replace('_', '-')} is for raw text; {prepared} is prepared already, with settings of its own"
            )


def _resume_command() -> str:
    words = [word for word in sys.argv[1:] if word not in ("--force", "--resume")]
    return shlex.join(["mtkit", *words, "--resume"])
