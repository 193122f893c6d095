"""Training: from a prepared corpus to a model folder."""

from mtkit.training.events import Event, Finished, Note, Reported, Sample, Started, Validated
from mtkit.training.memory import available_memory
from mtkit.training.session import open_corpus, train

__all__ = [
    "Event",
    "Finished",
    "Note",
    "Reported",
    "Sample",
    "Started",
    "Validated",
    "available_memory",
    "open_corpus",
    "train",
]
