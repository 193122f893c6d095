"""`mtkit`: the commands, and what becomes of their errors."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from mtkit.cli import evaluate, export, guide, preprocess, train, translate
from mtkit.cli.console import discard_output, fail, protect_standard_error
from mtkit.cli.usage_error import UsageError
from mtkit.configuration import as_flags
from mtkit.errors import Interrupted, MtkitError, OutputError
from mtkit.process import exiting_on_termination
from mtkit.version import __version__

app = typer.Typer(
    help="Recurrent machine translation: from two text files to a BLEU score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Example: mtkit train --langs en-fr --train data/train --valid data/valid --out models/en-fr",
)


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


for command in (preprocess, train, translate, evaluate, export, guide):
    command.register(app)


def _open_closed_streams() -> None:
    """Give the standard streams that whoever started us has closed something to read and write: nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open till the end


def _output_fails() -> bool:
    """Whether standard output cannot be written; if so, what is still to be written goes nowhere."""
    try:
        sys.stdout.flush()  # what failed is still to be written, unless there is no buffer
    except OSError:
        discard_output()
        return True
    return isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase)


def _may_tell() -> bool:
    """Whether this process reports what went wrong; of those that torchrun started, one does."""
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return True
    try:
        from mtkit.training import may_tell
    except ModuleNotFoundError:
        return True  # the light install trains nothing
    return may_tell()


def _tell(message: str) -> None:
    if _may_tell():
        fail(message)


def main() -> None:
    """Run the command line, and exit with its code."""
    _open_closed_streams()
    protect_standard_error()
    with exiting_on_termination():
        code = _run()
    if os.environ.get("WORLD_SIZE", "1") != "1":  # no teardown of what processes share: see `training.processes.join`
        sys.stderr.flush()
        os._exit(code or 0)
    sys.exit(code)


def _run() -> int | None:
    """Run the command that was asked for; print one line for an error, and return the exit code."""
    debug = "--debug" in sys.argv
    code: int | None
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except Interrupted as stopped:
        if _may_tell():
            print(as_flags(str(stopped)), file=sys.stderr)
        code = stopped.exit_code
    except MtkitError as error:
        if debug:
            raise
        _tell(as_flags(str(error)))
        code = error.exit_code
    except UsageError as error:
        if type(error).__name__ != "NoArgsIsHelpError":
            _tell(error.format_message())  # type: ignore[attr-defined]
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        discard_output()
        code = 1
    except OSError as error:
        if debug:
            raise
        place = error.filename or (_output_fails() and "standard output") or type(error).__name__
        _tell(f"{place}: {error.strerror or error}; --debug shows where")
        code = OutputError.exit_code
    except Exception as error:
        if debug:
            raise
        _tell(f"{type(error).__name__}: {error}; --debug shows where")
        code = 1
    return code
