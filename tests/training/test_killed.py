"""A training that is killed by SIGKILL and resumed ends as one that nobody touched, to the last bit of every file."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mtkit.dataset import PreparedCorpus
from mtkit.settings import TrainSettings
from mtkit.training import Collaborators, train_model

Tiny = Callable[..., TrainSettings]
ROOT = Path(__file__).parent.parent.parent
EVERYTHING = {
    "subword_sampling": 0.5,
    "word_dropout": 0.1,
    "average_decay": 0.9,
    "schedule": "plateau",
    "accumulate": 2,
}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
TIMED = ("log.jsonl", "progress.json", "checksums.json", "curves.svg")
"""Files that hold times, or the hash of one that does."""
TIMES = ("elapsed", "seconds", "tokens_per_second")


def records(folder: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "log.jsonl").read_bytes().splitlines())
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def files(folder: Path) -> dict[str, bytes]:
    """Every file but for those that hold times, whose names are all that counts."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: b"" if name.endswith(TIMED) else path.read_bytes() for name, path in found.items()}


def assert_same(one: Path, other: Path) -> None:
    assert records(one) == records(other)
    assert files(one) == files(other)


class Killing:
    """Trainings of 14 updates on `few`, killed at chosen moments, against one that was not."""

    def __init__(self, tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> None:
        self.settings = tiny("whole/model", updates=14, valid_every=5, patience=0, **EVERYTHING)
        self.few = few
        self.place = tmp_path
        train_model(self.settings, few, collaborators=Collaborators(report_every=4))

    def __call__(self, *moments: str) -> None:
        out = self.place / "_".join(moments).replace(":", "") / "model"
        file = self.place / "settings.json"
        file.write_bytes(msgspec.json.encode(replace(self.settings, out=str(out), resume=True)))
        here = Path(__file__).with_name("killed.py")
        program = [sys.executable, str(here), str(file), str(self.few.path), *moments]
        run = subprocess.run(program, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
        assert run.returncode == 0, run.stderr
        assert_same(out, Path(self.settings.out))


@pytest.fixture
def killing(tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> Killing:
    return Killing(tiny, few, tmp_path)


def test_killed_in_the_first_save_in_an_update_in_a_validation_in_a_save_and_in_the_export(killing: Killing) -> None:
    """A process makes some 20 writes to begin a folder, as many to save it as it is then, and as many for each save."""
    killing("write:12", "write:30", "update:9", "validation:10", "write:35", "export")


@pytest.mark.slow
def test_killed_at_every_fifth_write(killing: Killing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a whole training, each in a training of its own."""
    writes = 0
    with monkeypatch.context() as context:
        for owner, name in ((os, "fsync"), (os, "replace"), (os, "mkdir"), (os, "write"), (Path, "write_bytes")):
            call = getattr(owner, name)

            def counted(*arguments: Any, call: Callable[..., Any] = call, **named: Any) -> Any:
                nonlocal writes
                writes += 1
                return call(*arguments, **named)

            context.setattr(owner, name, counted)
        settings = replace(killing.settings, out=str(tmp_path / "counted" / "model"))
        train_model(settings, killing.few, collaborators=Collaborators(report_every=4))
    assert writes > 100
    for number in range(1, writes + 1, 5):
        killing(f"write:{number}")


def start(settings: TrainSettings, prepared: Path) -> subprocess.Popen[bytes]:
    """Run the command line itself."""
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in EVERYTHING.items()]
    sizes = {"embedding-size": 16, "hidden-size": 16, "decoder-layers": 1, "batch-tokens": 300, "updates": 800}
    rhythm = {"valid-every": 100, "save-every": 30, "patience": 0, "learning-rate": 0.01}
    flags += [f"--{key}={value}" for key, value in {**sizes, **rhythm}.items()]
    where = ["--device=cpu", "--precision=float32", "--threads=1", "--resume", "--quiet", f"--out={settings.out}"]
    return subprocess.Popen([sys.executable, "-m", "mtkit", "train", prepared, *flags, *where], env=ENVIRONMENT)


def reported(folder: Path) -> int:
    """The update that the log has come to."""
    try:
        lines = (folder / "log.jsonl").read_bytes().splitlines()
        return max(int(json.loads(line).get("update", 0)) for line in lines)
    except (OSError, ValueError):
        return 0


@pytest.mark.slow
def test_killed_twenty_times_at_random(tiny: Tiny, prepared: PreparedCorpus) -> None:
    chance = random.Random(1)
    whole, killed = tiny("whole/model"), tiny("killed/model")
    assert start(whole, prepared.path).wait() == 0
    for update in sorted(chance.sample(range(775), 20)):
        process = start(killed, prepared.path)
        while reported(Path(killed.out)) < update // 25 * 25:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(chance.random())
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert start(killed, prepared.path).wait() == 0
    assert_same(Path(killed.out), Path(whole.out))
