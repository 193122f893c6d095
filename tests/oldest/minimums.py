"""The oldest versions that pyproject.toml allows, as constraints for pip: `python -m tests.oldest.minimums light`.

They are read from the lower bounds, so that nothing is written twice. torch is left to whoever installs it: it is the
one package whose build has to be chosen, see the Makefile.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
CHOSEN_BY_HAND = "torch"


def minimums(install: str) -> dict[str, str]:
    """Return the oldest version of each package of the `light` or `full` install.

    Raises:
        ValueError: a requirement states no minimum as `name>=version`.
    """
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    requirements: list[str] = project["dependencies"]
    if install == "full":
        requirements = requirements + project["optional-dependencies"]["train"]
    versions = {}
    for requirement in requirements:
        stated = re.fullmatch(r"([A-Za-z0-9_.-]+)>=([0-9.]+)(?:,.*)?", requirement)
        if stated is None:
            raise ValueError(f"{PYPROJECT}: {requirement!r} states no minimum; write it as name>=version")
        versions[stated[1]] = stated[2]
    return versions


if __name__ == "__main__":
    for name, version in minimums(sys.argv[1]).items():
        if name != CHOSEN_BY_HAND:
            print(f"{name}=={version}")
