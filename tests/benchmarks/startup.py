"""How long a command takes that has nothing to compute: whole processes, median of seven."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 7


def seconds(*command: str) -> float:
    """Return the median time of a whole process."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def run() -> None:
    """Print the time of `mtkit --help` beside that of Python alone and of importing torch."""
    python = seconds(sys.executable, "-c", "")
    torch = seconds(sys.executable, "-c", "import torch")
    help_text = seconds(sys.executable, "-m", "mtkit", "--help")
    print(f"  python -c ''             {python:.3f} s")
    print(f"  mtkit --help             {help_text:.3f} s  (to be under 0.3)")
    print(f"  python -c 'import torch' {torch:.3f} s")
