"""Search for the best translation, in NumPy, over whatever the `Stepper` protocol can step through."""

from mtkit.search.beam import beam_search
from mtkit.search.greedy import greedy_search
from mtkit.search.hypothesis import Hypothesis, length_limits
from mtkit.search.scoring import score_targets
from mtkit.search.stepper import Candidates, State, Stepper

__all__ = [
    "Candidates",
    "Hypothesis",
    "State",
    "Stepper",
    "beam_search",
    "greedy_search",
    "length_limits",
    "score_targets",
]
