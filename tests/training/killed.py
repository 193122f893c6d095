"""A training that is killed, again and again, by SIGKILL, which leaves it no time for anything. A program for tests.

    python killed.py SETTINGS PREPARED MOMENT ...

SETTINGS is a JSON file of a training, as msgspec writes it; a MOMENT is one of

    write:7        half-way through the 7th write of a process: a file's bytes, a sync, a rename, a new folder
    update:12      before update 12
    validation:10  in the validation after update 10, between its loss and its translations
    export         in the export at the end, between two graphs

Each process resumes what the one before has left, is killed at its moment, and is followed by one that may finish. It
imports torch once, and lends it to a fork for each process.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mtkit.dataset import PreparedCorpus
from mtkit.runtime.onnx_export import export as export_file
from mtkit.settings import TrainSettings
from mtkit.training import Collaborators, train_model
from mtkit.training.updater import Updater
from mtkit.training.validation import Validator


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_if(it_is_time: bool) -> None:
    if it_is_time:
        die()


def before(owner: Any, name: str, act: Callable[..., None]) -> None:
    """Let `act` happen before each call of a function, with its arguments."""
    call = getattr(owner, name)

    def watched(*arguments: Any, **named: Any) -> Any:
        act(*arguments)
        return call(*arguments, **named)

    setattr(owner, name, watched)


def arm(moment: str) -> None:
    """Prepare this process's end."""
    kind, _, number = moment.partition(":")
    if kind == "write":
        left = int(number)
        write, write_bytes = os.write, Path.write_bytes

        def count(*arguments: Any) -> None:
            nonlocal left
            left -= 1
            if left:
                return
            match arguments:
                case (Path() as path, bytes() as content):
                    write_bytes(path, content[: len(content) // 2])
                case (int() as descriptor, bytes() as content):
                    write(descriptor, content[: len(content) // 2])
            die()

        for name in ("fsync", "replace", "mkdir", "write"):
            before(os, name, count)
        before(Path, "write_bytes", count)
    elif kind == "update":
        before(Updater, "update", lambda self, *_: die_if(self.state.progress.update + 1 == int(number)))
    elif kind == "validation":
        updates: list[int] = []
        before(Updater, "update", lambda self, *_: updates.append(self.state.progress.update + 1))
        before(Validator, "_translate", lambda self: die_if(updates[-1] == int(number)))
    else:
        before(export_file, "write_graphs", lambda network, name, *_: die_if(name == "int8"))


def main(settings_file: str, prepared: str, *moments: str) -> int:
    """Run all processes; return 1 where one was not killed at its moment, or the last did not finish."""
    settings = msgspec.json.decode(Path(settings_file).read_bytes(), type=TrainSettings)
    for moment in (*moments, None):
        process = os.fork()
        if process == 0:
            try:
                if moment:
                    arm(moment)
                corpus = PreparedCorpus.open(Path(prepared))
                train_model(settings, corpus, collaborators=Collaborators(report_every=4))
                os._exit(0)
            finally:  # a fork leaves without the farewells of the program it was taken from
                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(process, 0)
        expected = signal.SIGKILL if moment else 0
        if status != expected:
            print(f"{moment}: ended with {status}, not with {expected}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
