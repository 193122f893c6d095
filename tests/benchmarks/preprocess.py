"""`mtkit preprocess` on Multi30k English-German with the defaults: time and memory of the whole process."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.memory import peak_memory


def run() -> None:
    """Print seconds and peak memory; the folder of the corpora comes from MTKIT_CORPORA."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mtkit", "preprocess", "--langs", "en-de", "--quiet"]
        command += ["--train", str(text / "train"), "--valid", str(text / "val"), "--out", f"{folder}/prepared"]
        began = time.perf_counter()
        peak = peak_memory(command, Path(os.devnull))
        seconds = time.perf_counter() - began
    print(f"  29,000 pairs in {seconds:.1f} s (to be under 15), peak memory {peak:,.0f} MB (to be under 1,000)")
