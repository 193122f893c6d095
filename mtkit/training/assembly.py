"""A trainer put together from settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch

from mtkit.dataset.batches import Batches
from mtkit.dataset.noise import Noise
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.evaluation import LeadingMetric
from mtkit.settings import TrainSettings
from mtkit.training.best_weights_and_log import BestWeightsAndLog
from mtkit.training.collaborators import USUAL, Collaborators
from mtkit.training.events import Event, ignore
from mtkit.training.intervals import Intervals, StoppingRule, last_update, updates_of
from mtkit.training.processes import ALONE, Processes
from mtkit.training.recorder import Recorder
from mtkit.training.schedule import Schedule
from mtkit.training.trainer import Trainer
from mtkit.training.training_state import TrainingState
from mtkit.training.updater import Updater


def assemble(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    batches: Batches,
    state: TrainingState,
    folder: Path,
    *,
    autocast: torch.dtype | None = None,
    emit: Callable[[Event], None] = ignore,
    processes: Processes = ALONE,
    collaborators: Collaborators = USUAL,
) -> Trainer:
    """Return what trains `state` on a corpus into a model folder; nothing is written yet.

    Args:
        settings: with none of the lengths and intervals left open.
        corpus: what to learn from and to validate on.
        batches: its training pairs, in batches.
        state: where the training is.
        folder: the model folder.
        autocast: the type of the products where that is not float32.
        emit: called with each event.
        processes: those that train together.
        collaborators: clock, validator, and how often there is a report.
    """
    updates = last_update(settings.updates, settings.epochs, len(batches), state.progress)
    epoch = updates_of(len(batches), state.progress.batches_per_update)
    schedule = Schedule.over(
        updates, name=settings.schedule, learning_rate=settings.learning_rate, warmup=settings.warmup
    )
    metric = LeadingMetric(corpus.tgt_lang, corpus.valid.tgt_texts(range(len(corpus.valid))))
    kept = BestWeightsAndLog(folder)
    recorder = Recorder(kept.log, state, processes, emit)
    updater = Updater(
        state,
        schedule,
        processes,
        recorder,
        clip_norm=settings.clip_norm,
        label_smoothing=settings.label_smoothing,
        seed=settings.seed,
        autocast=autocast,
    )
    return Trainer(
        state,
        batches,
        Noise(corpus, settings.subword_sampling, settings.word_dropout, settings.seed, settings.byte_spelling),
        updater,
        collaborators.validator(corpus, state.network, settings.batch_tokens, autocast, metric),
        kept,
        recorder,
        processes,
        folder=folder,
        leading=metric.leading,
        intervals=Intervals(
            updates, epoch, settings.valid_every, settings.save_every, 60 * settings.save_minutes or math.inf
        ),
        stopping=StoppingRule(updates, settings.patience, settings.target_bleu),
        report_every=collaborators.report_every,
        clock=collaborators.clock,
    )
