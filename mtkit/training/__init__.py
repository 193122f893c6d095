"""Training: from a prepared corpus to a model folder."""

from mtkit.training.events import Event, Finished, Note, Reported, Started, Validated, Warned
from mtkit.training.processes import join, may_tell
from mtkit.training.session import open_corpus, train

__all__ = [
    "Event",
    "Finished",
    "Note",
    "Reported",
    "Started",
    "Validated",
    "Warned",
    "join",
    "may_tell",
    "open_corpus",
    "train",
]
