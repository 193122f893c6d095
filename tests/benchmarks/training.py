"""Training speed on Multi30k English-German, one thread, beside OpenNMT-py where MTKIT_PEERS names its script.

Both train the same sizes on the same text: 8,000 joint pieces, embeddings of 512 that are not tied, one bidirectional
GRU encoder layer of 2 x 256, one GRU decoder layer of 512, general attention, dropout 0.3, about 64 sentences a batch.
OpenNMT-py feeds the attention back into the recurrence, which mtkit's layout does without.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

UPDATES = 150
PEER_UPDATES = 100
MATCHED = (
    *("--preset", "small", "--cell", "gru", "--encoder-layers", "1", "--decoder-layers", "1"),
    *("--embedding-size", "512", "--hidden-size", "512", "--attention", "general", "--no-lexical"),
    *("--tied-embeddings", "none", "--dropout", "0.3", "--batch-tokens", "1100"),
)


def mtkit(*arguments: str) -> None:
    """Run a command of mtkit, quietly."""
    subprocess.run([sys.executable, "-m", "mtkit", *arguments, "--quiet"], check=True)


def speed(prepared: Path, out: Path, *settings: str) -> float:
    """Train for a while on one thread and return the median of the reported target tokens a second."""
    mtkit(
        "train", str(prepared), "--out", str(out), "--threads", "1", "--device", "cpu",
        "--updates", str(UPDATES), "--valid-every", str(UPDATES), *settings,
    )  # fmt: skip
    records = map(json.loads, (out / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return float(median(record["tokens_per_second"] for record in records if record["kind"] == "report"))


def peer_speed(script: Path, home: str) -> float:
    """Train OpenNMT-py as long, and return the target tokens a second that its last report gives."""
    environment = os.environ | {"PEERS_HOME": home, "THREADS": "1"}
    subprocess.run([script, "setup"], check=True, env=environment, stdout=subprocess.DEVNULL)
    done = subprocess.run(
        [script, "train", str(PEER_UPDATES)], check=True, env=environment, capture_output=True, text=True
    )
    return float(re.findall(r"/\s*(\d+) tok/s", done.stdout)[-1])


def run() -> None:
    """Print target tokens a second, and their ratios to the peer's."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        corpus = ("--langs", "en-de", "--train", str(text / "train"), "--valid", str(text / "val"))
        mtkit("preprocess", *corpus, "--vocab-size", "8000", "--out", str(place / "matched"))
        mtkit("preprocess", *corpus, "--out", str(place / "default"))
        for precision in ("float32", "bfloat16"):
            name = f"mtkit, matched sizes, {precision}"
            figures[name] = speed(place / "matched", place / precision, "--precision", precision, *MATCHED)
        figures["mtkit, defaults"] = speed(place / "default", place / "own")
    peer = None
    if "MTKIT_PEERS" in os.environ and "PEERS_HOME" in os.environ:
        peer = peer_speed(Path(os.environ["MTKIT_PEERS"]) / "opennmt", os.environ["PEERS_HOME"])
        print(f"  {'OpenNMT-py 3.5.1, float32':34} {peer:8,.0f} target tokens/s")
    else:
        print("  OpenNMT-py skipped: set MTKIT_PEERS to the folder of its script, PEERS_HOME to one it may write into")
    for name, figure in figures.items():
        ratio = f"  {figure / peer:.2f} x" if peer and "matched" in name else ""
        print(f"  {name:34} {figure:8,.0f} target tokens/s{ratio}")
