"""The class of complaints about the command line is where this version of typer has it."""

from __future__ import annotations

import pytest
import typer

from mtkit.cli.app import app
from mtkit.cli.usage_error import UsageError


@pytest.mark.parametrize("arguments", [["nothing"], ["translate", "--nothing"], ["translate", "a", "b"]])
def test_every_complaint_is_one(arguments: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        app(arguments, standalone_mode=False)
    assert raised.value.format_message(), "typer's complaints have no text any more"  # type: ignore[attr-defined]


def test_it_is_no_wider_than_that() -> None:
    assert issubclass(typer.BadParameter, UsageError)
    for other in (typer.Abort, typer.Exit, OSError, ValueError):
        assert not issubclass(other, UsageError)
