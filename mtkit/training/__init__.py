"""Training: from a prepared corpus to a model folder."""

from mtkit.training.diversification import train
from mtkit.training.events import Event, Finished, Note, Reported, Sample, Started, Validated, Warned
from mtkit.training.memory import available_memory
from mtkit.training.processes import join, may_tell
from mtkit.training.session import open_corpus

__all__ = [
    "Event",
    "Finished",
    "Note",
    "Reported",
    "Sample",
    "Started",
    "Validated",
    "Warned",
    "available_memory",
    "join",
    "may_tell",
    "open_corpus",
    "train",
]
