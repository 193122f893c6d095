"""`mtkit export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtkit.cli.console import Console
from mtkit.cli.options import StrictCommand
from mtkit.errors import MissingExtraError
from mtkit.model_folder import ModelFolder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", cls=StrictCommand, epilog="Example: mtkit export models/en-fr", no_args_is_help=True)(run)


def run(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder that mtkit train wrote.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback.")] = False,
) -> None:
    """Make a model's runtime again from its weights. Training does it when it ends."""
    folder = ModelFolder.open(Path(model))
    try:
        from mtkit.runtime.onnx_export.export import export
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is missing; export needs the full install: pip install 'mtkit[train]'"
        ) from error
    Console(quiet=quiet).say(f"Wrote {export(folder)}")
