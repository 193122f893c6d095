"""Minutes of training until Multi30k English-German validates at BLEU 30, one thread, beside OpenNMT-py.

mtkit trains at its defaults, but that it is validated more than once a pass. OpenNMT-py trains twice: as its script in
MTKIT_PEERS configures it (Adam, one layer, a bidirectional encoder), and with its own defaults for all but the data
(SGD, two LSTM layers of 500); either is given up at the first checkpoint after three times mtkit's minutes. BLEU is
cased, detokenised and greedy.

The clock is the processor time of the training process, which other work on the machine disturbs little. It counts
mtkit's start, its validations and its export; of OpenNMT-py the start and the writing of checkpoints, while training
pauses for their translation, which is not counted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from itertools import count
from pathlib import Path

from mtkit.evaluation import corpus_bleu
from mtkit.text.lines import read_lines
from mtkit.training_log import read_log
from tests.benchmarks.training import mtkit

TARGET = 30.0
VALID_EVERY, CHECKPOINT_EVERY = 160, 200
"""Updates of mtkit, and of OpenNMT-py, from one look at BLEU to the next: 0.44 passes over the corpus for both."""
OF_THE_DATA = (
    "save_data",
    "data",
    "share_vocab",
    "src_vocab",
    "tgt_vocab",
    "num_workers",
    "report_every",
    "save_model",
)
"""Settings of OpenNMT-py that do not say how it learns."""
PATIENCE = 3
"""How many times mtkit's minutes OpenNMT-py is given."""


def run() -> None:
    """Print the minutes that each takes, and their ratio."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    ours = own_minutes(text)
    if "MTKIT_PEERS" not in os.environ or "PEERS_HOME" not in os.environ:
        print("  OpenNMT-py skipped: set MTKIT_PEERS to the folder of its script, PEERS_HOME to one it may write into")
        return
    peer = Peer(Path(os.environ["MTKIT_PEERS"]) / "opennmt", Path(os.environ["PEERS_HOME"]), text)
    for name, settings in peer.settings().items():
        minutes, bleu = peer.minutes(settings, limit=PATIENCE * ours)
        reached = "" if bleu >= TARGET else f", where it stood at {bleu:.2f}"
        print(f"  OpenNMT-py 3.5.1, {name}: {minutes:.1f} min of one processor{reached}")
        print(f"  mtkit takes {'' if bleu >= TARGET else 'less than '}{ours / minutes:.2f} x the time")


def own_minutes(text: Path) -> float:
    """Train at the defaults until a validation has reached the target, and return the minutes of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, out = Path(folder) / "prepared", Path(folder) / "model"
        mtkit("preprocess", "--langs", "en-de", "--train", str(text / "train"), "--valid", str(text / "val"),
              "--out", str(prepared))  # fmt: skip
        training = subprocess.Popen(
            [sys.executable, "-m", "mtkit", "train", prepared, "--out", out, "--target-bleu", str(TARGET),
             "--valid-every", str(VALID_EVERY), "--threads", "1", "--device", "cpu", "--quiet"]
        )  # fmt: skip
        minutes = minutes_of(training)
        if training.returncode:
            sys.exit("mtkit's training has failed")
        for record in read_log(out):
            if record["kind"] == "validation":
                print(f"    mtkit after {record['update']:6,} updates: BLEU {record['bleu']:5.2f}")
    print(f"  mtkit, defaults          {minutes:6.1f} min of one processor")
    return minutes


class Peer:
    """OpenNMT-py, set up by its script in a folder of its own."""

    def __init__(self, script: Path, home: Path, text: Path) -> None:
        threads = dict.fromkeys(("THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.environment = os.environ | {"PEERS_HOME": str(home), "CUDA_VISIBLE_DEVICES": "", **threads}
        self.script = script
        self.folder = home / "opennmt" / "run"
        self.train = home / "opennmt" / "venv" / "bin" / "onmt_train"
        self.sources = text / "val.en"
        self.references = list(read_lines(text / "val.de"))

    def run(self, *words: str) -> None:
        """Run the script."""
        subprocess.run([self.script, *words], check=True, env=self.environment, stdout=subprocess.DEVNULL)

    def settings(self) -> dict[str, str]:
        """Set it up, and return the two settings to train it with."""
        self.run("setup")
        self.run("train", "25")  # for its vocabulary and its settings; its first report, which the script waits for
        lines = (self.folder / "config.yaml").read_text(encoding="utf-8").splitlines()
        length = ("train_steps", "valid_steps", "save_checkpoint_steps", "keep_checkpoint")
        steps = ["train_steps: 1000000", "valid_steps: 1000000", f"save_checkpoint_steps: {CHECKPOINT_EVERY}"]
        tuned = [line for line in lines if not line.startswith(length)]
        own = [line for line in lines if line.startswith((*OF_THE_DATA, " "))]
        return {"as its script sets it": "\n".join(tuned + steps), "its own defaults": "\n".join(own + steps)}

    def minutes(self, settings: str, limit: float) -> tuple[float, float]:
        """Train until a checkpoint reaches the target, or so many minutes have passed; return them, and its BLEU."""
        config = self.folder / "quality.yaml"
        config.write_text(settings + "\n", encoding="utf-8")
        for old in self.folder.glob("model_step_*.pt"):
            old.unlink()
        with (self.folder / "quality.log").open("w") as log:
            training = subprocess.Popen([self.train, "-config", config], env=self.environment, stdout=log, stderr=log)
            try:
                for update in count(CHECKPOINT_EVERY, CHECKPOINT_EVERY):
                    wait_for(self.folder / f"model_step_{update}.pt", training)
                    training.send_signal(signal.SIGSTOP)
                    bleu = self.bleu()
                    print(f"    OpenNMT-py after {update:6,} updates: BLEU {bleu:5.2f}", flush=True)
                    if bleu >= TARGET or minutes_until_now(training) >= limit:
                        break
                    training.send_signal(signal.SIGCONT)
            finally:
                training.kill()
                minutes = minutes_of(training)
        return minutes, bleu

    def bleu(self) -> float:
        """Translate the validation set greedily with the last checkpoint, and score it."""
        with tempfile.TemporaryDirectory() as place:
            self.run("translate", str(self.sources), f"{place}/val", "1", "64")
            return corpus_bleu(list(read_lines(Path(place) / "val")), self.references, "de")


def wait_for(checkpoint: Path, training: subprocess.Popen[bytes]) -> None:
    """Return once the training has written the whole of a checkpoint, which is a zip file."""
    while not (checkpoint.exists() and zipfile.is_zipfile(checkpoint)):
        if training.poll() is not None:
            sys.exit(f"OpenNMT-py has ended before it wrote {checkpoint}; see quality.log beside it")
        time.sleep(0.2)


def minutes_until_now(process: subprocess.Popen[bytes]) -> float:
    """Return the minutes that a process has spent on a processor so far."""
    told = subprocess.run(["ps", "-o", "time=", "-p", str(process.pid)], check=True, capture_output=True, text=True)
    days, _, clock = told.stdout.strip().rpartition("-")
    hours, minutes, seconds = map(int, clock.split(":"))
    return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60


def minutes_of(process: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a process, and return the minutes that it has spent on a processor."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (usage.ru_utime + usage.ru_stime) / 60
