"""`mtkit train` from the command line: from corpus to model, stopped and resumed, and refusing to lose things."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from mtkit.cli.train import _choice, _resume_command
from mtkit.configuration import as_resolved, fields, for_corpus, resolve
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.model_folder import ModelFolder
from mtkit.settings import TrainSettings
from mtkit.starting_point import from_starting_point

from .conftest import Command

TINY = (
    "--embedding-size", 16, "--hidden-size", 16, "--decoder-layers", 1, "--batch-tokens", 400, "--threads", 1,
    "--precision", "float32", "--device", "cpu",
)  # fmt: skip


def test_it_trains_a_model_that_translates(mtkit: Command, prepared: PreparedCorpus, tmp_path: Path) -> None:
    out = tmp_path / "model"
    outcome = mtkit("train", prepared.path, "--out", out, "--updates", 20, *TINY)
    assert outcome.code == 0, outcome.err
    for words in ("Training en-fr on 400 pairs", "On cpu, float32, 1 thread", "validation: perplexity", "Wrote"):
        assert words in outcome.err
    assert {file.name for file in out.iterdir()} == {
        "README.md", "config.json", "curves.svg", "joint.spm", "log.jsonl", "model.safetensors", "runtime", "training",
    }  # fmt: skip
    assert mtkit("translate", out, stdin=b"The red cat sees a dog.").out.count(b"\n") == 1


def test_raw_text_becomes_a_model_in_one_command(mtkit: Command, parallel_text: Path, tmp_path: Path) -> None:
    text = ("--langs", "en-fr", "--train", parallel_text / "train", "--valid", parallel_text / "valid")
    outcome = mtkit("train", *text, "--out", tmp_path / "model", "--updates", 4, *TINY)
    assert outcome.code == 0, outcome.err
    assert ModelFolder.open(tmp_path / "model").config.corpus.train_pairs == 400
    again = mtkit("train", *text, "--out", tmp_path / "model", "--updates", 4, *TINY)
    assert again.code == 2
    assert "--resume goes on with it, --force replaces it" in again.message
    assert mtkit("train", *text, "--out", tmp_path / "model", "--updates", 4, *TINY, "--force").code == 0


def test_several_folders_are_one_corpus(
    mtkit: Command, prepared: PreparedCorpus, parallel_text: Path, tmp_path: Path
) -> None:
    text = ("--langs", "en-fr", "--train", parallel_text / "valid", "--valid", parallel_text / "valid")
    assert mtkit("preprocess", *text, "--vocabulary", prepared.path, "--out", tmp_path / "more").code == 0
    folders = (prepared.path, tmp_path / "more")
    outcome = mtkit("train", *folders, "--out", tmp_path / "model", "--updates", 4, *TINY)
    assert outcome.code == 0, outcome.err
    assert "Training en-fr on 450 pairs (" in outcome.err
    assert "validating on 50\n" in outcome.err
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert all(f"| training | {name} |" in card for name in ("train.en", "valid.en"))

    shorter = mtkit("train", prepared.path, "--out", tmp_path / "model", "--updates", 4, "--resume", *TINY)
    assert "was trained on another corpus" in shorter.message


def test_its_config_json_can_be_fed_back(mtkit: Command, prepared: PreparedCorpus, tmp_path: Path) -> None:
    assert mtkit("train", prepared.path, "--out", tmp_path / "one", "--updates", 4, "--dropout", 0.2, *TINY).code == 0
    config = tmp_path / "one" / "config.json"
    outcome = mtkit(
        "train", prepared.path, "--out", tmp_path / "two", "--config", config, "--threads", 1, "--precision", "float32"
    )
    assert outcome.code == 0, outcome.err
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]


def test_show_config_prints_every_setting_with_its_origin_in_the_groups_of_the_help(mtkit: Command) -> None:
    out = mtkit("train", "--preset", "base", "--dropout", 0.25, "--show-config").out.decode()
    lines = [line.split() for line in out.splitlines()]
    for line in ("* dropout 0.25 flag", "* cell lstm preset base", "clip_norm 1.0 default", "langs - default"):
        assert line.split() in lines
    titles = [line for line in out.splitlines() if line and line[0] not in " *"]
    shown = mtkit("train", "--help").out.decode()
    assert titles == sorted(titles, key=lambda title: shown.index(f" {title} "))
    names = {words[1 if words[0] == "*" else 0] for words in lines if len(words) > 2}
    assert names == {field.name for field in fields(TrainSettings)}
    assert len({line.rstrip().rindex("  ") for line in out.splitlines() if "  " in line}) == 1  # one column of origins


def test_show_config_of_a_resumed_training_shows_what_its_model_has(mtkit: Command, model_folder: Path) -> None:
    out = mtkit("train", "--out", model_folder, "--resume", "--dropout", 0.3, "--show-config").out.decode()
    lines = [line.split() for line in out.splitlines()]
    for line in ("* hidden_size 64 resumed model", "* updates 200 resumed model", "* dropout 0.3 flag"):
        assert line.split() in lines


def train_in_a_terminal(arguments: list[object], interrupt_at: bytes) -> tuple[int, bytes]:
    """Run `mtkit train` in a terminal of 60 x 40, press Ctrl-C when something appears; return exit code and output."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 60, 0, 0))
    command = [sys.executable, "-m", "mtkit", "train", *map(str, arguments)]
    environment = os.environ | {"TERM": "xterm"}

    def lead() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    with subprocess.Popen(command, stdin=child, stderr=child, env=environment, preexec_fn=lead) as process:
        os.close(child)
        seen, pressed = b"", False
        while True:
            try:
                seen += os.read(parent, 65536)
            except OSError:  # how a terminal ends on Linux
                break
            if interrupt_at in seen and not pressed:
                pressed = bool(os.write(parent, b"\x03"))
    os.close(parent)
    return process.returncode, seen


def test_in_a_terminal_it_shows_itself_live_and_leaves_it_in_order(prepared: PreparedCorpus, tmp_path: Path) -> None:
    arguments = [prepared.path, "--out", tmp_path / "model", "--updates", 4000, "--valid-every", 30, "--patience", 0]
    code, seen = train_in_a_terminal([*arguments, *TINY], interrupt_at=b"reference")
    assert code == 130
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", seen.decode())
    for words in ("of 4,000", "tokens/s", "validation: perplexity", "source", "reference", "model", "--resume"):
        assert words in text
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l"), "the cursor is still hidden"
    assert text.rindex("everything is saved") > text.rindex("reference")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_everything_and_names_the_command_that_goes_on(
    mtkit: Command, prepared: PreparedCorpus, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "model"
    arguments = ["train", prepared.path, "--out", out, "--updates", 4000, "--valid-every", 10, "--patience", 0, *TINY]
    command = [sys.executable, "-m", "mtkit", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "validation" in line:
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    assert "everything is saved" in rest
    assert f"mtkit train {prepared.path}" in rest
    assert "--resume" in rest
    (state,) = (out / "training").iterdir()
    stopped = int(state.name)
    assert stopped == json.loads((state / "progress.json").read_text())["update"] < 4000

    # the same command with --resume goes on, and refuses other settings
    refused = mtkit(*arguments, "--resume", "--dropout", 0.1)
    assert refused.code == 2
    assert "--resume cannot change --dropout from 0.4 to 0.1" in refused.message


def test_a_second_ctrl_c_exits_at_once(prepared: PreparedCorpus, tmp_path: Path) -> None:
    """Without the save that the first one asks for: the network is so large that an update takes longer."""
    sizes = (
        "--hidden-size",
        1024,
        "--embedding-size",
        512,
        "--batch-tokens",
        20_000,
        "--threads",
        1,
        "--device",
        "cpu",
    )
    command = ["train", prepared.path, "--out", tmp_path / "model", "--updates", 1000, "--precision", "float32", *sizes]
    with subprocess.Popen([sys.executable, "-m", "mtkit", *map(str, command)], stderr=subprocess.PIPE) as process:
        while not (tmp_path / "model" / "training" / "0").is_dir():
            assert process.poll() is None
            time.sleep(0.01)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        assert process.stderr
        assert b"is saved" not in process.stderr.read()
    assert process.returncode == 130
    assert [state.name for state in (tmp_path / "model" / "training").iterdir()] == ["0"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no corpus: give the folder that mtkit preprocess wrote, or raw text with --langs and --train"),
        (("none",), "none"),
        (("PREPARED", "--vocab-size", 100), "--vocab-size is for raw text"),
        (
            ("PREPARED", "--hidden-size", 15),
            "--hidden-size 15 is odd, and two directions share it (--bidirectional); choose an even one, or --no-bi",
        ),
        (
            ("PREPARED", "--attention-heads", 3, "--hidden-size", 16),
            "--attention-heads 3 does not divide --hidden-size 16",
        ),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    mtkit: Command, prepared: PreparedCorpus, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    given = [prepared.path if word == "PREPARED" else word for word in arguments]
    outcome = mtkit("train", *given, "--out", tmp_path / "model", "--quiet")
    assert outcome.code == 2
    assert message in outcome.message
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--attention-heads", 3), "--attention-heads 3 does not divide --hidden-size 512; choose one that does"),
        (("--preset", "base", "--hidden-size", 333), "--hidden-size 333 is odd, and two directions share it"),
        (("--separate", "--tied-embeddings", "all"), "--tied-embeddings all needs a joint vocabulary"),
    ],
)
def test_sizes_that_do_not_fit_are_caught_before_a_corpus_is_read(
    mtkit: Command, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    text = ("--langs", "en-fr", "--train", tmp_path / "text", "--valid", tmp_path / "text")  # which is not there
    outcome = mtkit("train", *text, "--out", tmp_path / "model", *arguments)
    assert outcome.code == 2
    assert outcome.message.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_of_many_hosts_no_command_of_one_is_told_as_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mtkit", "train", "corpus", "--force"])
    launched = {"TORCHELASTIC_RUN_ID": "1", "LOCAL_WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "1"}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    assert _resume_command() == "torchrun --nproc-per-node 2 -m mtkit train corpus --resume"
    monkeypatch.setenv("GROUP_WORLD_SIZE", "3")
    assert _resume_command() == "all processes started again, on every host, with --resume"


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({"epochs": 10}, "10 epochs"),
        ({"epochs": 10, "diversify": True}, "10 epochs for each of 2 models, 10 for the last"),
        (
            {"epochs": 10, "diversify": True, "models_each_way": 3},
            "10 epochs for each of 6 models, 7 for the last",
        ),
        ({"updates": 9, "diversify": True}, "9 updates for each of 2 models and the last"),
    ],
)
def test_auto_says_how_long_it_trains(prepared: PreparedCorpus, changes: dict[str, Any], length: str) -> None:
    resolved = for_corpus(as_resolved(TrainSettings(**changes)), prepared.size)
    what, why = _choice(resolved, prepared)
    assert what.endswith(f"batches of 1,500 tokens, {length}")
    assert why.startswith("Why: ")


def test_a_missing_out_is_named(mtkit: Command, prepared: PreparedCorpus) -> None:
    outcome = mtkit("train", prepared.path)
    assert (outcome.code, outcome.message) == (2, "--out is missing: the model folder to write")


def test_force_never_removes_another_kind_of_folder(mtkit: Command, prepared: PreparedCorpus, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    outcome = mtkit("train", prepared.path, "--out", tmp_path, "--force", *TINY)
    assert outcome.code == 2
    assert "is no model folder" in outcome.message
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_model_goes_on_with_another_corpus_and_resumes_without_the_model_it_began_from(
    mtkit: Command, parallel_text: Path, tmp_path: Path
) -> None:
    """Its vocabulary is of words, one a language, and its network not the default one: both are taken over."""
    text = ("--langs", "en-fr", "--train", parallel_text / "valid", "--valid", parallel_text / "valid")
    first, second = tmp_path / "first", tmp_path / "second"
    words = ("--vocab-type", "word", "--separate")
    assert mtkit("train", *text, *words, "--out", first, "--updates", 4, *TINY).code == 0
    here = ("--threads", 1, "--precision", "float32", "--device", "cpu")
    begin = ("train", *text, "--init-from", first, "--out", second, "--schedule", "plateau", *here)
    outcome = mtkit(*begin, "--updates", 4)
    assert outcome.code == 0, outcome.err
    assert f"Starting from the weights of {first}" in outcome.err
    configs = [ModelFolder.open(path).config for path in (first, second)]
    assert configs[1].network == configs[0].network
    assert configs[1].vocabularies == configs[0].vocabularies
    given = from_starting_point(resolve(TrainSettings, command="train", flags={"init_from": str(first)}))
    assert not for_corpus(given, 29_000).settings.diversify  # a model has but one direction
    first.rename(tmp_path / "elsewhere")
    resumed = mtkit(*begin, "--updates", 6, "--resume")
    assert resumed.code == 0, resumed.err
    assert "Going on at update 5" in resumed.err


def test_embeddings_give_their_width(mtkit: Command, prepared: PreparedCorpus, tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("a" + " 0.5 1.0" * 6 + "\n", encoding="utf-8")
    shape = ("--hidden-size", 16, "--device", "cpu", "--precision", "float32", "--threads", 1, "--updates", 2)
    outcome = mtkit("train", prepared.path, "--out", tmp_path / "model", "--src-embeddings", file, *shape)
    assert outcome.code == 0, outcome.err
    assert ModelFolder.open(tmp_path / "model").config.network.embedding_size == 12
    refused = mtkit(
        "train", prepared.path, "--out", tmp_path / "other", "--src-embeddings", file, "--embedding-size", 8, *shape
    )
    assert refused.code == 2
    assert "has vectors of 12, and --embedding-size is 8" in refused.message
