"""A training small enough to be run many times."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtkit.dataset import PreparedCorpus, prepare
from mtkit.settings import CorpusSettings, NetworkSettings, PreprocessSettings, TrainSettings


@pytest.fixture(scope="session")
def few(parallel_text: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    """The first 80 training and 20 validation pairs of `parallel_text`, prepared."""
    folder = tmp_path_factory.mktemp("few")
    for name, count in (("train", 80), ("valid", 20)):
        for lang in ("en", "fr"):
            lines = (parallel_text / f"{name}.{lang}").read_text(encoding="utf-8").splitlines(keepends=True)
            (folder / f"{name}.{lang}").write_text("".join(lines[:count]), encoding="utf-8")
    corpus = CorpusSettings(langs="en-fr", train=(f"{folder}/train",), valid=(f"{folder}/valid",))
    return prepare(PreprocessSettings(corpus=corpus, out=str(folder / "prepared")))


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., TrainSettings]:
    """Make the settings of 30 updates, 3 epochs and a bit of `few`, into `out` of `tmp_path`; keywords change them."""

    def make(out: str = "model", **changes: Any) -> TrainSettings:
        settings: dict[str, Any] = {
            "preset": "small",  # but for the lexicon, the defaults
            "network": NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.3, lexical=False),
            "learning_rate": 0.01,
            "batch_tokens": 200,
            "updates": 30,
            "valid_every": 10,
            "device": "cpu",
            "precision": "float32",
            "threads": 1,
        }
        return TrainSettings(**{**settings, **changes}, out=str(tmp_path / out))

    return make


class Dead(BaseException):
    """The process is gone."""


class Disk:
    """The disk that training writes to. From the write `fails_at` on (counted from 1), it is full or, worse, dead.

    A full disk still removes and truncates. A dead one does nothing any more, as for a process that was killed: every
    call ends in `Dead`, so that no clearing up of ours can help.
    """

    Dead = Dead

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes = 0
        self.fails_at = math.inf
        self.dead = False
        for name in ("fsync", "replace", "mkdir", "write", "unlink", "rmdir"):
            monkeypatch.setattr(os, name, self._watched(getattr(os, name), write=name not in ("unlink", "rmdir")))
        monkeypatch.setattr(Path, "write_bytes", self._watched(Path.write_bytes, write=True))

    def _watched(self, call: Callable[..., Any], write: bool) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self.writes += write
            if self.writes < self.fails_at or not (write or self.dead):
                return call(*arguments, **named)
            if call.__name__ in ("write", "write_bytes") and self.writes == self.fails_at:
                call(arguments[0], arguments[1][: len(arguments[1]) // 2])
            if self.dead:
                raise Dead
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return watched

    def fill(self) -> None:
        """From now on it is full."""
        self.fails_at = self.writes + 1

    def heal(self) -> None:
        """From now on it works."""
        self.fails_at, self.dead = math.inf, False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk, which works until it is told otherwise."""
    return Disk(monkeypatch)
