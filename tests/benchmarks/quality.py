"""Minutes of training until Multi30k English-German validates at BLEU 30, one thread, beside OpenNMT-py.

mtkit trains at its defaults, but that it is validated more than once a pass; OpenNMT-py as its script in MTKIT_PEERS
configures it. BLEU is cased, detokenised and greedy. The clock is the processor time of the training process, which
other work on the machine disturbs little. It counts mtkit's start, its validations and its export; of OpenNMT-py the
start and the writing of checkpoints, while training pauses for their translation, which is not counted.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from itertools import count
from pathlib import Path

from mtkit.evaluation import corpus_bleu
from mtkit.text.corpus import read_lines
from mtkit.training.log import read_log
from tests.benchmarks.training import mtkit

TARGET = 30.0
VALID_EVERY, CHECKPOINT_EVERY = 160, 200
"""Updates of mtkit, and of OpenNMT-py, from one look at BLEU to the next: 0.44 passes over the corpus for both."""


def run() -> None:
    """Print the minutes that each takes, and their ratio."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    ours = own_minutes(text)
    if "MTKIT_PEERS" in os.environ and "PEERS_HOME" in os.environ:
        peer = peer_minutes(Path(os.environ["MTKIT_PEERS"]) / "opennmt", Path(os.environ["PEERS_HOME"]), text)
        print(f"  mtkit takes {ours / peer:.2f} x the time")
    else:
        print("  OpenNMT-py skipped: set MTKIT_PEERS to the folder of its script, PEERS_HOME to one it may write into")


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


def peer_minutes(script: Path, home: Path, text: Path) -> float:
    """Train OpenNMT-py until a checkpoint has reached the target, and return the minutes of processor time."""
    environment = os.environ | {"PEERS_HOME": str(home), "THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

    def peer(*words: str) -> None:
        subprocess.run([script, *words], check=True, env=environment, stdout=subprocess.DEVNULL)

    peer("setup")
    peer("train", "25")  # for its vocabulary and its settings; its first report, which the script waits for, is at 25
    folder = home / "opennmt" / "run"
    settings = (folder / "config.yaml").read_text(encoding="utf-8")
    settings = re.sub(r"(?m)^(train|valid)_steps: .*", r"\1_steps: 1000000", settings)
    settings = re.sub(r"(?m)^save_checkpoint_steps: .*", f"save_checkpoint_steps: {CHECKPOINT_EVERY}", settings)
    (folder / "quality.yaml").write_text(settings, encoding="utf-8")
    for old in folder.glob("model_step_*.pt"):
        old.unlink()
    references = list(read_lines(text / "val.de"))
    with (folder / "quality.log").open("w") as log, tempfile.TemporaryDirectory() as place:
        training = subprocess.Popen(
            [home / "opennmt" / "venv" / "bin" / "onmt_train", "-config", folder / "quality.yaml"],
            env=environment | {"CUDA_VISIBLE_DEVICES": ""},
            stdout=log,
            stderr=log,
        )
        try:
            for update in count(CHECKPOINT_EVERY, CHECKPOINT_EVERY):
                wait_for(folder / f"model_step_{update}.pt", training)
                training.send_signal(signal.SIGSTOP)
                peer("translate", str(text / "val.en"), f"{place}/val", "1", "64")
                bleu = corpus_bleu(list(read_lines(Path(place) / "val")), references, "de")
                print(f"    OpenNMT-py after {update:6,} updates: BLEU {bleu:5.2f}", flush=True)
                if bleu >= TARGET:
                    break
                training.send_signal(signal.SIGCONT)
        finally:
            training.kill()
            minutes = minutes_of(training)
    print(f"  OpenNMT-py 3.5.1         {minutes:6.1f} min of one processor")
    return minutes


def wait_for(checkpoint: Path, training: subprocess.Popen[bytes]) -> None:
    """Return once the training has written the whole of a checkpoint, which is a zip file."""
    while not (checkpoint.exists() and zipfile.is_zipfile(checkpoint)):
        if training.poll() is not None:
            sys.exit(f"OpenNMT-py has ended before it wrote {checkpoint}; see quality.log beside it")
        time.sleep(0.2)


def minutes_of(process: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a process, and return the minutes that it has spent on a processor."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (usage.ru_utime + usage.ru_stime) / 60
