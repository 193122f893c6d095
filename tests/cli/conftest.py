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
from mtkit.training import Sample, Started, Validated


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


Command = Callable[..., Outcome]
"""Runs `mtkit ARGUMENTS`, as the fixture `mtkit` does."""


@pytest.fixture
def mtkit(monkeypatch: pytest.MonkeyPatch) -> Command:
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


@pytest.fixture
def started() -> Started:
    """What a training of 1,000 updates tells when it starts."""
    return Started(
        out=Path("models/en-fr"),
        langs="en-fr",
        settings="5e77",
        corpus="c0de",
        train_pairs=10_000,
        train_pieces=(103_380, 111_489),
        valid_pairs=600,
        src_vocab_size=2_000,
        tgt_vocab_size=2_000,
        joint=True,
        parameters={"embeddings": 512_000, "encoder": 1_184_000, "attention": 0, "decoder": 2_600_000, "output": 2_000},
        device="cpu",
        precision="float32",
        threads=1,
        memory=812_000_000,
        updates=1_000,
        updates_per_epoch=44,
        first_update=1,
    )


@pytest.fixture
def validated() -> Validated:
    """A validation with samples: an ordinary one, one in wide characters, one that is long."""
    samples = (
        Sample("A man in a blue shirt is standing on a ladder.", "Un homme en bleu.", "Un homme."),
        Sample("一位穿蓝色衬衫的男士站在梯子上擦窗户" * 8, "青いシャツを着た男性", "파란 셔츠를 입은 남자"),
        Sample("never ends " * 60, "x" * 300, ""),
    )
    return Validated(
        update=400,
        epoch=10,
        loss=1.5,
        perplexity=4.48,
        metric="bleu",
        score=33.1,
        best=False,
        best_score=34.2,
        best_update=200,
        samples=samples,
        seconds=2.0,
    )
