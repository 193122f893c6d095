"""Several processes, started by torchrun as users do: one result, one voice, one end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mtkit.dataset import PreparedCorpus
from mtkit.errors import SettingsError, TrainingError
from mtkit.settings import TrainSettings
from mtkit.training import Collaborators, Event, Started, Warned, train_model
from mtkit.training.processes import ALONE, JoinedProcesses, join, may_tell

Tiny = Callable[..., TrainSettings]

LAUNCH = """
import os, signal
from functools import partial
from mtkit.cli.app import main
from mtkit.dataset.noise import Noise
from mtkit.synthetic import train as room
from mtkit.training import Collaborators
from mtkit.training.updater import Updater
from mtkit.training.validation import Validator

room.train = partial(room.train, collaborators=Collaborators(report_every=1))
rank = int(os.environ["RANK"])
{before}
main()
"""
"""What each process runs: the command line, after something of a test's own."""

NOISY = {"subword_sampling": 0.5, "word_dropout": 0.1, "average_decay": 0.9}
FLAGS = [
    "--embedding-size", 8, "--hidden-size", 12, "--dropout", 0.3, "--learning-rate", 0.01, "--batch-tokens", 200,
    "--no-lexical", "--device", "cpu", "--precision", "float32", "--threads", 1, "--valid-every", 20,
    *(word for name, value in NOISY.items() for word in (f"--{name.replace('_', '-')}", value)),
]  # fmt: skip
"""On the command line, what `settings` says."""


def settings(tiny: Tiny, **changes: object) -> TrainSettings:
    return tiny(**{"updates": 50, "valid_every": 20, **NOISY, **changes})


def torchrun(folder: Path, *arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run `mtkit train ARGUMENTS` in two processes."""
    script = folder / "launch.py"
    script.write_text(LAUNCH.format(before=before), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script, "train"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [*map(str, command), *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120
    )


def losses(model: Path) -> list[float]:
    records = map(json.loads, (model / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [record["loss"] for record in records if record["kind"] in ("report", "validation")]


def test_two_processes_learn_what_one_learns_that_adds_up_two_batches(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path
) -> None:
    """Each update's loss, each validation's, and the weights; with dropout, and an odd number of batches an epoch."""
    alone = settings(tiny, out="alone", accumulate=2)
    train_model(alone, few, collaborators=Collaborators(report_every=1))
    done = torchrun(tmp_path, few.path, "--out", tmp_path / "both", "--updates", 50, *FLAGS)
    assert done.returncode == 0, done.stderr
    ours, theirs = losses(tmp_path / "alone"), losses(tmp_path / "both")
    assert len(ours) == 50 + 3
    assert theirs == pytest.approx(ours, abs=1e-5)
    weights, others = (load_file(tmp_path / name / "model.safetensors") for name in ("alone", "both"))
    for name, weight in weights.items():
        torch.testing.assert_close(others[name], weight, rtol=0, atol=1e-5)
    for words in ("Training en-fr on 80 pairs", "update 20 |", "Finished after 50 updates", "Wrote"):
        assert done.stderr.count(words) == 1, "one process talks"


@pytest.mark.slow
def test_where_one_process_dies_another_says_so_and_resuming_goes_on_from_the_last_save(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path
) -> None:
    die = f"""
load = Noise.load
def watched(noise, indices, epoch, position):
    if rank == 1 and (epoch, position) >= (2, 3):
        os.kill(os.getpid(), {int(signal.SIGKILL)})
    return load(noise, indices, epoch, position)
Noise.load = watched
"""
    out = tmp_path / "model"
    arguments = (few.path, "--out", out, "--epochs", 6, "--save-every", 1, *FLAGS)
    done = torchrun(tmp_path, *arguments, before=die)
    assert done.returncode == 1
    (error,) = re.findall("^Error: .*$", done.stderr, re.MULTILINE)
    assert re.fullmatch(
        "Error: another process of this training has ended; start all of them again with --resume, which goes on from "
        r"the last save \(.+\)",
        error,
    )
    (state,) = (path for path in (out / "training").iterdir() if path.name.isdigit())

    events: list[Event] = []
    train_model(settings(tiny, updates=0, epochs=6, save_every=1, resume=True), few, events.append)
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "an update took 2 batches so far and takes 1 from now on (processes x `accumulate`), so their order and the "
        "learning rates are not those of an unbroken training"
    ]
    (started,) = (event for event in events if isinstance(event, Started))
    assert started.first_update == int(state.name) + 1


@pytest.mark.slow
def test_an_error_is_told_once_by_whichever_process_it_befalls(few: PreparedCorpus, tmp_path: Path) -> None:
    wrong = torchrun(tmp_path, few.path, "--out", tmp_path / "model", "--hidden-size", 13)
    assert wrong.stderr.count("hidden_size 13 is odd") == 1
    befallen = "if rank == 1: Validator.__init__ = lambda *_, **__: 1 / 0"
    failed = torchrun(tmp_path, few.path, "--out", tmp_path / "model", *FLAGS, before=befallen)
    assert re.findall("^Error: .*$", failed.stderr, re.MULTILINE) == [
        "Error: ZeroDivisionError: division by zero; --debug shows where"
    ]


@pytest.mark.slow
def test_processes_stop_together_whichever_gets_the_signal(few: PreparedCorpus, tmp_path: Path) -> None:
    signalled = f"""
seed = Updater.seed_dropout
def watched(self, number):
    if rank == 1 and self.state.progress.update == 6:
        os.kill(os.getpid(), {int(signal.SIGTERM)})
    seed(self, number)
Updater.seed_dropout = watched
"""
    out = tmp_path / "model"
    arguments = (few.path, "--out", out, "--updates", 50, *FLAGS)
    stopped = torchrun(tmp_path, *arguments, before=signalled)
    assert stopped.stderr.count("stopped after update 7; everything is saved") == 1
    assert "torchrun --nproc-per-node 2 -m mtkit train" in stopped.stderr
    assert [path.name for path in (out / "training").iterdir()] == ["7"]
    resumed = torchrun(tmp_path, *arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stderr.count("Going on at update 8") == 1


def test_a_process_by_itself_has_all(tiny: Tiny) -> None:
    tensor = torch.ones(2)
    ALONE.add_up([tensor])
    ALONE.copy_from_first([tensor])
    assert tensor.tolist() == [1, 1]
    assert (ALONE.total(3), ALONE.largest(3), ALONE.first(lambda: 3)) == (3, 3, 3)
    assert ALONE.share(range(4)) == range(4)


def test_two_processes_make_a_corpus_grow_together(prepared: PreparedCorpus, tmp_path: Path) -> None:
    shape = ("--preset", "small", "--embedding-size", 16, "--hidden-size", 32, "--dropout", 0.1, "--decoder-layers", 1)
    pace = ("--learning-rate", 0.03, "--batch-tokens", 300, "--epochs", 4, "--valid-every", 10, "--target-bleu", 0)
    here = ("--device", "cpu", "--precision", "float32", "--threads", 1)
    done = torchrun(tmp_path, prepared.path, "--out", tmp_path / "model", "--diversify", *shape, *pace, *here)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^Model (\d) of 3", done.stderr, re.MULTILINE) == list("123")
    added = PreparedCorpus.open(tmp_path / "model" / "training" / "diversification" / "1" / "pairs")
    assert f"Training en-fr on {400 + len(added.train):,} pairs" in done.stderr
    assert len(added.train) > 100


@pytest.mark.parametrize("missing", ["RANK", "LOCAL_RANK"])
def test_processes_that_torchrun_did_not_start_are_told_to_use_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"MASTER_ADDR": "localhost", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(SettingsError, match=f"but {missing} is not; start them with torchrun"), join("cpu"):
        pass
    assert may_tell()


def test_what_went_wrong_between_processes_is_told_in_its_own_words_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("No backend type associated with device type cpu\nand a trace")

    for name, fake in {"get_rank": lambda: 0, "get_world_size": lambda: 2, "all_reduce": fail}.items():
        monkeypatch.setattr(torch.distributed, name, fake)
    with pytest.raises(TrainingError, match=r"last save \(No backend type associated with device type cpu\)$"):
        JoinedProcesses().total(1)
