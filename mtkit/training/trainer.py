"""The training loop: batches in, updates made, reports, validations and saves on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from mtkit.dataset.batches import Batches
from mtkit.dataset.noise import Noise
from mtkit.errors import Interrupted, OutputError, TrainingError
from mtkit.evaluation import Leading, ModelScore
from mtkit.signals import StopRequest
from mtkit.training.best_weights_and_log import BestWeightsAndLog
from mtkit.training.events import Reported, Validated
from mtkit.training.gradients import SAMPLING_WIDENS, widened
from mtkit.training.intervals import Intervals, StoppingRule
from mtkit.training.processes import Processes
from mtkit.training.recorder import Recorder
from mtkit.training.running_totals import RunningTotals
from mtkit.training.schedule import PLATEAU_PATIENCE
from mtkit.training.training_state import TrainingState
from mtkit.training.updater import Updater
from mtkit.training.validation import Validation

SKIPS_IN_A_ROW = 20
"""Updates that may be skipped one after the other; more of them would hardly end it."""


class Trainer:
    """Trains one network on one prepared corpus into one model folder.

    Everything that decides the outcome is in what it is given and in the state; what the state holds is saved, so that
    a training that was stopped goes on as if it had not been.
    """

    def __init__(
        self,
        state: TrainingState,
        batches: Batches,
        noise: Noise,
        updater: Updater,
        validate: Callable[[], Validation],
        kept: BestWeightsAndLog,
        recorder: Recorder,
        processes: Processes,
        *,
        folder: Path,
        leading: Leading,
        intervals: Intervals,
        stopping: StoppingRule,
        report_every: int,
        clock: Callable[[], float],
    ) -> None:
        self.state = state
        self.batches = batches
        self.noise = noise
        self.updater = updater
        self.validate = validate
        self.kept = kept
        self.recorder = recorder
        self.processes = processes
        self.folder = folder
        self.leading = leading
        """The score that chooses the weights."""
        self.intervals = intervals
        self.stopping = stopping
        self.report_every = report_every
        self.clock = clock
        self.plan = batches.epoch(state.progress.epoch)
        """Of the epoch that the next update is part of: the indices of each batch's pairs."""
        self.totals = RunningTotals(state.device)
        self._tokens_since_report = 0
        self._saved = 0.0

    def resume(self, batches_before: int) -> None:
        """Go on with the log and the totals from where they were when the state was saved.

        Args:
            batches_before: those that an update took then; where it is another number now, there is a warning.
        """
        progress = self.state.progress
        if self.processes.is_first:
            self.kept.log.restore(progress.log_bytes)
        self.totals.read(progress)
        if batches_before != progress.batches_per_update:
            self.recorder.warn(
                f"an update took {batches_before:,} batches so far and takes {progress.batches_per_update:,} from now "
                "on (processes x `accumulate`), so their order and the learning rates are not those of an unbroken "
                "training"
            )

    def run(self, stop: StopRequest) -> str:
        """Train to the end, and return why it is one; raise `Interrupted` after saving where `stop` asks for it.

        Raises:
            TrainingError: too many updates in a row were skipped, or the GPU has no memory for a single pair.
            OutputError: the end, or what there is before the first update, cannot be saved.
        """
        progress, intervals, on_gpu = self.state.progress, self.intervals, self.state.device.type == "cuda"
        self.state.network.train()
        if on_gpu:
            self.find_room()
        if progress.update == 0:
            self.save()  # so that weights which resuming cannot explain are never those of a training just begun
        reported = self._saved = self.clock()
        began = reported - progress.seconds
        while not self.stopping.reason(progress):
            self._update()
            progress.seconds = self.clock() - began
            report_is_due = progress.update % self.report_every == 0
            if report_is_due or not on_gpu:  # on a GPU, asking is waiting
                self._give_up_where_all_is_skipped()
            if report_is_due:
                self._report(self.clock() - reported)
                reported = self.clock()
            if progress.update % intervals.valid == 0 or progress.update == intervals.updates:
                before = self.clock()
                self._validate()
                reported += self.clock() - before  # the speed reported is that of training
            signal_number = self.processes.largest(stop.signal_number or 0)
            if signal_number and progress.update < intervals.updates:
                raise Interrupted(f"stopped after update {progress.update:,}; {self._last_save()}", signal_number)
            if progress.update % intervals.save == 0 or self._save_is_due():
                self._save_or_warn()
        self.save()
        return self.stopping.reason(progress)

    def find_room(self) -> None:
        """Let the GPU's memory be found sufficient for the largest batch, or batches go in parts from the start."""
        largest = self.batches.largest()
        if self.noise.subword_sampling:
            largest = widened(largest, SAMPLING_WIDENS)
        self.updater.find_room(largest)

    def save(self) -> None:
        """Save all that resuming needs; raise `OutputError` where the disk does not take it."""
        self.totals.write(self.state.progress)
        if self.processes.is_first:
            self.kept.flush()
            self.state.progress.log_bytes = self.kept.log.size
            self.state.save(self.folder / "training")

    def _update(self) -> None:
        """Make the next update, and move to the place after it in the epoch."""
        progress = self.state.progress
        first = progress.position
        positions = range(first, min(first + progress.batches_per_update, len(self.plan)))
        mine = self.processes.share(positions)
        made = self.updater.update({at - first: self.noise.load(self.plan[at], progress.epoch, at) for at in mine})
        self.totals.add(*made)
        self._tokens_since_report += made.tokens
        progress.update += 1
        progress.position = positions.stop
        if progress.position == len(self.plan):
            progress.epoch, progress.position = progress.epoch + 1, 0
            self.plan = self.batches.epoch(progress.epoch)

    def _save_is_due(self) -> bool:
        """Whether the last save is long ago. The first process alone saves, so its clock decides."""
        return self.processes.is_first and self.clock() - self._saved >= self.intervals.save_seconds

    def _save_or_warn(self) -> None:
        self._saved = self.clock()
        try:
            self.save()
        except OutputError as error:
            self.recorder.warn(
                f"nothing could be saved ({error.__cause__}); training goes on, and the next save tries again"
            )

    def _last_save(self) -> str:
        """Save, and return what resuming will find."""
        try:
            self.save()
        except OutputError as error:
            return f"this could not be saved ({error.__cause__}), and resuming goes back to the save before it"
        return "everything is saved"

    def _give_up_where_all_is_skipped(self) -> None:
        progress = self.state.progress
        self.totals.write(progress)
        if progress.skipped_in_a_row >= SKIPS_IN_A_ROW:
            raise TrainingError(
                f"at update {progress.update:,} the loss or its gradient has not been finite for "
                f"{progress.skipped_in_a_row} updates in a row; likely the learning rate is too high (`learning_rate`, "
                "`warmup`), or the number format too coarse (`precision=float32` and `resume=True`)"
            )

    def _report(self, seconds: float) -> None:
        progress = self.state.progress
        self.totals.write(progress)
        report = Reported(
            update=progress.update,
            epoch=progress.last_epoch,
            loss=progress.loss_sum / progress.token_sum if progress.token_sum else math.nan,
            learning_rate=self.updater.rate,
            tokens_per_second=self._tokens_since_report / seconds,
            skipped=progress.skipped,
        )
        self.totals.begin()
        self._tokens_since_report = 0
        self.recorder.record(report)

    def _count_towards_patience(self, score: ModelScore) -> None:
        """Count a validation at its interval. One at the very end is no part of the same training made longer."""
        progress = self.state.progress
        if score.shows_progress(progress.best_at_interval, progress.lowest_perplexity):
            progress.validations_without_progress = 0
        else:
            progress.validations_without_progress += 1
            if progress.validations_without_progress % PLATEAU_PATIENCE == 0:
                progress.halvings += 1
        if score.is_better_than(progress.best_at_interval):
            progress.best_at_interval = score
        progress.lowest_perplexity = min(progress.lowest_perplexity, score.perplexity)

    def _validate(self) -> None:
        network, average, progress = self.state.network, self.state.average, self.state.progress
        began = self.clock()
        with average.in_place(network) if average else nullcontext():
            result = self.processes.first(self.validate)
            score, best = result.score, progress.best
            if is_best := score.is_better_than(best):
                best, progress.best, progress.best_update = score, score, progress.update
                if self.processes.is_first:
                    self.kept.keep(network)
        if progress.update % self.intervals.valid == 0:
            self._count_towards_patience(score)
        self.recorder.record(
            Validated(
                update=progress.update,
                epoch=progress.last_epoch,
                loss=result.loss,
                perplexity=result.perplexity,
                metric=result.metric,
                score=result.value,
                best=is_best,
                best_score=(best or score).value,
                best_update=progress.best_update,
                samples=result.samples,
                seconds=self.clock() - began,
            )
        )
