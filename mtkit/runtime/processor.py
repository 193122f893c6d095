"""What this machine can multiply fast, found out without torch."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "asimddp"}
"""Names under which Linux lists instructions that sum four 8-bit products into 32 bits."""


def has_int8_instructions() -> bool:
    """Whether the processor sums 8-bit products into 32 bits: VNNI on x86, dot product on ARM."""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return not _INT8_FLAGS.isdisjoint(flags.split())


def may_have_gpu() -> bool:
    """Whether an NVIDIA driver is installed, so that asking torch for a GPU is worth the time to import it."""
    return shutil.which("nvidia-smi") is not None
