"""`mtkit`: the commands, and what becomes of their errors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mtkit import __version__
from mtkit.cli import evaluate, preprocess, train, translate
from mtkit.cli.console import discard_output, fail
from mtkit.errors import MtkitError

app = typer.Typer(
    help="Recurrent machine translation: from two text files to a BLEU score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Example: mtkit train --langs en-fr --train data/train --valid data/valid --out models/en-fr",
)

# the base of all complaints about the command line; typer ships click under a name that depends on its version
UsageError = typer.BadParameter.__mro__[2]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mtkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for command in (preprocess, train, translate, evaluate):
    command.register(app)


def main() -> None:
    """Run the command line; print one line for an error, and exit with its code."""
    debug = "--debug" in sys.argv
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except MtkitError as error:
        if debug:
            raise
        fail(str(error))
        code = error.exit_code
    except UsageError as error:  # type: ignore[misc]
        if type(error).__name__ != "NoArgsIsHelpError":
            fail(error.format_message())
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        discard_output()
        code = 1
    except Exception as error:
        if debug:
            raise
        fail(f"{type(error).__name__}: {error}; --debug shows where")
        code = 1
    sys.exit(code)
