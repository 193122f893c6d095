"""Training: from a prepared corpus to a model folder."""

from mtkit.training.events import Event, Finished, Reported, Started, Validated
from mtkit.training.train import train

__all__ = ["Event", "Finished", "Reported", "Started", "Validated", "train"]
