"""`mtkit preprocess`."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from mtkit.cli.console import Console
from mtkit.cli.evaluate import warn_without_bleu
from mtkit.cli.options import add_command
from mtkit.configuration import Resolved, as_flags
from mtkit.settings import PreprocessSettings
from mtkit.text.languages import split_langs


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        "preprocess",
        PreprocessSettings,
        run,
        example="mtkit preprocess --langs en-fr --train data/train --valid data/valid --out build/en-fr",
    )


def run(resolved: Resolved[PreprocessSettings], given: Mapping[str, str | None], console: Console) -> None:
    """Prepare a parallel corpus for training: clean it, learn its vocabularies, turn it into ids."""
    from mtkit.dataset.preparation import prepare

    if langs := resolved.settings.corpus.langs:
        warn_without_bleu(split_langs(langs)[1], console)
    prepare(resolved.settings, lambda line: console.say(as_flags(line)))
