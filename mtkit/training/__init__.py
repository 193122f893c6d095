"""Training one model: from a prepared corpus to a model folder."""

from mtkit.training.collaborators import Collaborators
from mtkit.training.events import Event, Finished, Note, Reported, Sample, Started, Validated, Warned
from mtkit.training.memory import available_memory
from mtkit.training.model_training import train_model
from mtkit.training.processes import join, may_tell
from mtkit.training.raw_text import open_corpus
from mtkit.training.result import TrainingResult

__all__ = [
    "Collaborators",
    "Event",
    "Finished",
    "Note",
    "Reported",
    "Sample",
    "Started",
    "TrainingResult",
    "Validated",
    "Warned",
    "available_memory",
    "join",
    "may_tell",
    "open_corpus",
    "train_model",
]
