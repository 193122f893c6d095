"""The training of one model, from settings to its finished folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import Interrupted, OutputError, SettingsError, TrainingError
from mtkit.lock import locked
from mtkit.nn import Seq2Seq
from mtkit.process import torch_as_it_was
from mtkit.report import BestModel
from mtkit.runtime.torch_stepper import choose_precision, torch_device
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.training.assembly import assemble
from mtkit.training.collaborators import USUAL, Collaborators
from mtkit.training.events import Event, Finished, Note, Started, ignore
from mtkit.training.memory_check import check_network, checked_memory
from mtkit.training.output_folder import OutputFolder
from mtkit.training.plan import Plan
from mtkit.training.processes import ALONE, Processes
from mtkit.training.result import TrainingResult
from mtkit.training.trainer import Trainer
from mtkit.training.training_state import TrainingState
from mtkit.training.whole_state import refusal


def train_model(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    emit: Callable[[Event], None] = ignore,
    processes: Processes = ALONE,
    collaborators: Collaborators = USUAL,
) -> TrainingResult:
    """Train a model on a prepared corpus into the folder `settings.out`; torch's threads and seeds stay as they were.

    Args:
        settings: all of them; `out` must be given, and `updates` or `epochs`. The preset is not looked at.
        corpus: what to learn from and to validate on.
        emit: called with each event, in this thread; of several processes, only in the first.
        processes: those that train together, from `join`.
        collaborators: clock, validator and signals, where they are not the usual ones.

    Raises:
        SettingsError: settings do not fit together, or (resuming) with those the training began with, or need more
            memory than there is.
        PreparedError: another process was given another corpus.
        TrainingError: too many updates in a row were skipped, a GPU has no memory for a single pair, the disk is full
            at the end, or another process has ended.
        OutputError: there is something at `out` that neither `resume` nor `force` allows to touch, or another process
            writes it.
        ModelFolderError: a model to resume, or to start from, is damaged.
        Interrupted: SIGINT or SIGTERM came, and everything is saved.
    """
    if not settings.out:
        raise SettingsError("`out` is missing: the model folder to write")
    output = OutputFolder(settings.out, corpus)
    device = torch_device(settings.device)
    with torch_as_it_was(), locked(output.path) if processes.is_first else nullcontext():
        if settings.threads:
            torch.set_num_threads(settings.threads)
        plan = Plan.of(settings, corpus, output, processes)
        trainer = _begun(plan, corpus, output, device, emit, processes, collaborators)
        reason = _run(trainer, output, plan.settings.network, collaborators)
        result = TrainingResult.of(output.path, trainer.state.progress, reason)
        trainer.recorder.record(Finished.of(result, Path(settings.out)))
    return result


def _begun(
    plan: Plan,
    corpus: PreparedCorpus,
    output: OutputFolder,
    device: torch.device,
    emit: Callable[[Event], None],
    processes: Processes,
    collaborators: Collaborators,
) -> Trainer:
    """Return what makes the first update, or the next one; the model folder has begun, and the log says so."""
    settings, found = plan.settings, plan.found
    check_network(settings, corpus, device)
    torch.manual_seed(settings.seed)
    network = Seq2Seq(settings.network, len(corpus.src_vocabulary), len(corpus.tgt_vocabulary)).to(device)
    state = TrainingState.of(network, settings.learning_rate, settings.average_decay, plan.batches_per_update)
    notes: list[Event] = []  # for the log, which has not begun yet
    if found:
        processes.first(lambda: state.load(found.state))
    else:
        processes.first(lambda: plan.start.load(network, settings.network, corpus, notes.append))
    state.copy_from_first(processes)
    if found and state.progress.position >= len(plan.batches):
        position = f"progress.json: position {state.progress.position:,} of an epoch of {len(plan.batches):,} batches"
        raise refusal(output.path, (f"{found.state}: is damaged ({position})",))
    batches_before, state.progress.batches_per_update = state.progress.batches_per_update, plan.batches_per_update
    autocast = choose_precision(settings.precision, device)
    trainer = assemble(
        settings,
        corpus,
        plan.batches,
        state,
        output.path,
        autocast=autocast,
        emit=emit,
        processes=processes,
        collaborators=collaborators,
    )
    memory = checked_memory(trainer, settings, corpus)
    if found:
        now = trainer.updater.schedule
        began = plan.schedule_before(now, state.progress)
        processes.first(lambda: output.resume(plan.before, plan.saved, began, now, state.progress.update))
        trainer.resume(batches_before)
        for line in found.damaged:
            trainer.recorder.warn(f"{line}; training goes on from {found.state}, which is whole")
    else:
        may_replace = settings.force or settings.resume
        processes.first(lambda: output.begin(settings.network, plan.saved, may_replace=may_replace))
    if processes.is_first:
        report = trainer.recorder.emit if found else trainer.recorder.record  # a resumed one has it in its log
        if trainer.leading.reason:
            notes.append(Note(f"{trainer.leading}; it chooses the weights"))
        for event in (_started(trainer, corpus, memory, plan.fingerprint), *notes):
            report(event)
    return trainer


def _run(trainer: Trainer, output: OutputFolder, network: NetworkSettings, collaborators: Collaborators) -> str:
    """Train to the end, and return why it is one, with the folder finished."""
    processes, progress = trainer.processes, trainer.state.progress
    with collaborators.stop_request() as stop:
        try:
            reason = trainer.run(stop)
            best = BestModel(progress.score_kept, trainer.leading, progress.best_update, progress.update)
            processes.first(lambda: output.finish(network, best))
        except Interrupted:
            processes.first(output.leave_usable)
            raise
        except OutputError as error:
            raise TrainingError(f"{error}; `resume=True` goes on from the last save") from error
    return reason


def _started(trainer: Trainer, corpus: PreparedCorpus, memory: int, settings: str) -> Started:
    autocast, state = trainer.updater.autocast, trainer.state
    return Started(
        out=trainer.folder,
        langs=f"{corpus.src_lang}-{corpus.tgt_lang}",
        settings=settings,
        corpus=corpus.fingerprint,
        train_pairs=len(corpus.train),
        train_pieces=(int(corpus.train.src_lengths.sum()), int(corpus.train.tgt_lengths.sum())),
        valid_pairs=len(corpus.valid),
        src_vocab_size=len(corpus.src_vocabulary),
        tgt_vocab_size=len(corpus.tgt_vocabulary),
        joint=corpus.joint,
        parameters=state.network.parameters_by_part(),
        device=str(state.device),
        precision="float32" if autocast is None else str(autocast).removeprefix("torch."),
        threads=torch.get_num_threads(),
        memory=memory,
        updates=trainer.intervals.updates,
        updates_per_epoch=trainer.intervals.epoch,
        first_update=state.progress.update + 1,
    )
