"""The command line, run inside the test's process: fast, and with the same exit codes and streams."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtkit.cli.app import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: bytes
    err: str

    @property
    def message(self) -> str:
        """The one line of an error; fails where there are more, or none."""
        (line,) = self.err.splitlines()
        return line.removeprefix("Error: ")


@pytest.fixture
def mtkit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run `mtkit ARGUMENTS` with bytes on standard input."""

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        out, err = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["mtkit", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        return Outcome(int(ended.value.code or 0), out.buffer.getvalue(), err.getvalue())

    return run


@pytest.fixture
def copied_model(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the shared model, to be written into."""
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))
