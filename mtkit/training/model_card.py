"""The model card: what a model is, what it was made from, and how good it is."""

from __future__ import annotations

from pathlib import Path

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.settings import TrainSettings
from mtkit.storage import new_file
from mtkit.training.state import Progress


def write_model_card(folder: Path, settings: TrainSettings, corpus: PreparedCorpus, progress: Progress) -> None:
    """Write README.md into the model folder, from what training knows."""
    with new_file(folder / "README.md") as draft:
        draft.write_text("", encoding="utf-8")
