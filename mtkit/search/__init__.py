"""Search for the best translation, in NumPy, over whatever the `Stepper` protocol can step through."""

from mtkit.search.hypothesis import Hypothesis
from mtkit.search.scoring import score_targets
from mtkit.search.stepper import Candidates, Distribution, State, Stepper, numbered
from mtkit.search.strategy import search

__all__ = ["Candidates", "Distribution", "Hypothesis", "State", "Stepper", "numbered", "score_targets", "search"]
