"""What a training works with apart from its settings and its corpus. Those who test it give it others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.evaluation import LeadingMetric
from mtkit.nn import Seq2Seq
from mtkit.signals import StopRequest, stop_request
from mtkit.training.validation import Validation, Validator

MakeValidator = Callable[[PreparedCorpus, Seq2Seq, int, torch.dtype | None, LeadingMetric], Callable[[], Validation]]
"""Takes a corpus, a network, the tokens of a batch, the type of products and the score that leads on the validation
references; returns what validates the network."""


@dataclass(frozen=True, kw_only=True)
class Collaborators:
    """Clock, validator and signals, and how often there is a report."""

    report_every: int = 25
    """Updates between two reports."""
    clock: Callable[[], float] = time.perf_counter
    """Seconds from any moment on."""
    validator: MakeValidator = Validator
    stop_request: Callable[[], AbstractContextManager[StopRequest]] = stop_request
    """Listens to the wish to stop for as long as the context lasts."""


USUAL = Collaborators()
