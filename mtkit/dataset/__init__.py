"""The prepared corpus: made from parallel text, kept on disk, read in batches."""

from mtkit.dataset.batches import Batch, Batches
from mtkit.dataset.manifest import Manifest
from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus, Split

__all__ = ["Batch", "Batches", "Manifest", "PreparedCorpus", "Split", "prepare"]
