"""Write the parallel corpus next to this file, or check that the committed files are up to date.

Run ``python data/generate.py`` to rewrite the six text files, and add ``--check`` to compare only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from corpusgen.build import build_corpus

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Generate the corpus; the exit status is 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files on disk, write nothing")
    options = parser.parse_args(arguments)
    status = 0
    for name, text in build_corpus(FOLDER).items():
        path = FOLDER / name
        if not options.check:
            path.write_bytes(text.encode("utf-8"))
        elif not path.is_file() or path.read_bytes() != text.encode("utf-8"):
            print(f"{name} differs from what the generator writes", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
