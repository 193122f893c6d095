"""Run the benchmarks, or those named on the command line: `python -m tests.benchmarks startup training`.

Those that take an hour only run where they are named: `python -m tests.benchmarks quality`.

`python -m tests.benchmarks translation --profile` prints where translating spends its time instead of how fast it is.
"""

from __future__ import annotations

import platform
import sys
from importlib import import_module, metadata

NAMES = ("startup", "preprocess", "loader", "arithmetic", "training", "translation", "gpu")
LONG = ("quality",)
"""Only run where they are named."""


def machine() -> str:
    """Describe the machine and the versions that decide a figure."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux: the name above has to do
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("mtkit", "torch", "onnxruntime", "sentencepiece")
    )
    return f"{model}; Python {platform.python_version()}, {versions}"


def main() -> None:
    """Run what was asked for."""
    names = [word for word in sys.argv[1:] if word != "--profile"] or NAMES
    if unknown := set(names) - {*NAMES, *LONG}:
        sys.exit(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES + LONG)}")
    print(machine())
    if "--profile" in sys.argv:
        import_module("tests.benchmarks.translation").profile()
        return
    for name in names:
        print(f"\n{name}")
        import_module(f"tests.benchmarks.{name}").run()


if __name__ == "__main__":
    main()
