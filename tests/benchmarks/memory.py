"""The memory of another process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LAUNCHER = """
import resource, subprocess, sys
with open(sys.argv[1], "rb") as lines:
    subprocess.run(sys.argv[2:], stdin=lines, stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def peak_memory(command: list[str], stdin: Path) -> float:
    """Run a command on a file and return its peak memory in megabytes.

    A small process starts it: to its child, a large one would lend its own peak.
    """
    launch = [sys.executable, "-c", LAUNCHER, str(stdin), *command]
    return float(subprocess.run(launch, check=True, capture_output=True, text=True).stdout)
