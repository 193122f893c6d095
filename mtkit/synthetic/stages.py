"""A long recipe in stages. Each leaves a folder that appears whole, so resuming goes on with the first that is missing.

stages = Stages(model / "training" / "back-translation", processes)
pairs = stages.folder("1/pairs", make_pairs)      # made now, or there already
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mtkit.training.processes import Processes


class Stages:
    """The stages of one recipe, below one folder that all processes see."""

    def __init__(self, root: Path, processes: Processes) -> None:
        self.root = root
        self.processes = processes

    @property
    def have_begun(self) -> bool:
        """Whether there is a recipe to resume."""
        return self.processes.first(self.root.is_dir)

    def begin(self) -> bool:
        """Make the folder that holds all stages, and return whether every process sees it."""
        self.processes.first(lambda: self.root.mkdir(exist_ok=True))
        return not self.processes.largest(int(not self.root.is_dir()))

    def folder(self, name: str, make: Callable[[Path], None]) -> Path | None:
        """Return the folder of a stage, after letting it be made where it is missing.

        Args:
            name: of the folder below the root.
            make: called in every process with the folder, which it leaves whole or, where there is nothing to put into
                it, missing.

        Returns:
            The folder, or None where it is still missing.
        """
        folder = self.root / name
        if not self.processes.first(folder.is_dir):
            make(folder)
        return folder if self.processes.first(folder.is_dir) else None
