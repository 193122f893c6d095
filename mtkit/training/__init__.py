"""Training: from a prepared corpus to a model folder."""

from mtkit.training.events import Event, Finished, Reported, Started, Validated, Warned
from mtkit.training.session import open_corpus, train

__all__ = ["Event", "Finished", "Reported", "Started", "Validated", "Warned", "open_corpus", "train"]
