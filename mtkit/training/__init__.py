"""Training: from a prepared corpus to a model folder."""

from mtkit.training.events import Event, Finished, Note, Reported, Started, Validated
from mtkit.training.session import open_corpus, train

__all__ = ["Event", "Finished", "Note", "Reported", "Started", "Validated", "open_corpus", "train"]
