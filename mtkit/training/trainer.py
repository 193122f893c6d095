"""The training loop: batches in, updates made, reports and saves on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtkit.dataset.batches import Batch, Batches
from mtkit.dataset.noise import Noise
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import Interrupted, OutputError, TrainingError
from mtkit.nn import Loss, Seq2Seq, smoothed_cross_entropy
from mtkit.presets import recipe_for
from mtkit.settings import TrainSettings
from mtkit.signals import StopRequest
from mtkit.text.vocabulary import PAD
from mtkit.training.average import MovingAverage
from mtkit.training.conditional_step import step_where
from mtkit.training.events import Event, Reported, Validated, Warned
from mtkit.training.gradients import accumulate, halved, widened
from mtkit.training.keeping import Keeping
from mtkit.training.log import log_line
from mtkit.training.memory import estimate_memory
from mtkit.training.processes import ALONE, Processes
from mtkit.training.schedule import PLATEAU_PATIENCE, Schedule
from mtkit.training.state import Progress, blank_moments, load_state, save_state, tensors_of
from mtkit.training.tally import Tally
from mtkit.training.validation import Validator

REPORT_EVERY = 25
"""Updates between two reports."""

SAMPLING_WIDENS = 1.65
"""How much longer subword sampling makes the two sides of a batch, which are as long as their longest sentence: on
Multi30k 1.4 times where it cuts 5 % of the sentences anew, and 1.65 times where it cuts all."""

SKIPS_IN_A_ROW = 20
"""Updates that may be skipped one after the other; more of them would hardly end it."""


@dataclass(frozen=True)
class Intervals:
    """Training's rhythm, in updates."""

    updates: int
    epoch: int
    valid: int
    save: int

    @classmethod
    def of(cls, settings: TrainSettings, pairs: int, batches: int, progress: Progress) -> Intervals:
        """Resolve the settings that are 0 for a corpus of so many pairs and batches, and a training that got so far."""
        epoch = _updates(batches, progress.batches_per_update)
        epochs_left = (settings.epochs or recipe_for(pairs).epochs) - progress.epoch
        left = _updates(batches - progress.position, progress.batches_per_update) + (epochs_left - 1) * epoch
        valid = settings.valid_every or max(200, epoch)
        return cls(settings.updates or progress.update + left, epoch, valid, settings.save_every or valid)


def _updates(batches: int, batches_per_update: int) -> int:
    """Updates that so many batches of an epoch make; the last one takes what is left."""
    return math.ceil(batches / batches_per_update)


class Trainer:
    """Trains one network on one prepared corpus into one model folder.

    Everything that decides the outcome is in the settings, the corpus and `progress`; what `progress` holds is saved
    with the weights, so that a training that was stopped goes on as if it had not been.
    """

    def __init__(
        self,
        settings: TrainSettings,
        corpus: PreparedCorpus,
        network: Seq2Seq,
        autocast: torch.dtype | None,
        folder: Path,
        emit: Callable[[Event], None],
        processes: Processes = ALONE,
    ) -> None:
        self.settings = settings
        self.network = network
        self.autocast = autocast
        self.folder = folder
        self.emit = emit
        self.processes = processes
        self.device = next(network.parameters()).device
        self.pairs = corpus.size
        self.batches = Batches(corpus.train, settings.batch_tokens, settings.seed)
        self.noise = Noise(corpus, settings.subword_sampling, settings.word_dropout, settings.seed)
        self.plan = self.batches.epoch(0)
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True
        )
        self.average = MovingAverage(network, settings.average_decay) if settings.average_decay else None
        self.validate = Validator(corpus, network, settings.batch_tokens, autocast)
        self.tally = Tally(self.device)
        self.keeping = Keeping(folder)
        self.pass_tokens = 0
        """Tokens that a pass through the network may take at most; 0 is any number. Found anew when resuming, maybe on
        a GPU of another size."""
        self._tokens_since_report = 0
        self._go_on_from(Progress(batches_per_update=processes.count * settings.accumulate))

    def begin(self) -> None:
        """Let all processes begin with the weights of the first: their own may differ in the last bits."""
        self.processes.copy_from_first(tensors_of(self.network, self.optimizer, self.average))

    def restore(self, state: Path) -> None:
        """Go back to a saved state, and forget what the log says of later updates."""
        processes = self.processes
        progress = processes.first(lambda: load_state(state, self.network, self.optimizer, self.average))
        if processes.is_first:
            self.keeping.restore(progress.log_bytes)
        else:
            blank_moments(self.network, self.optimizer, progress)
        processes.copy_from_first(tensors_of(self.network, self.optimizer, self.average))
        before, now = progress.batches_per_update, processes.count * self.settings.accumulate
        progress.batches_per_update = now
        self.plan = self.batches.epoch(progress.epoch)
        self.tally.read(progress)
        self._go_on_from(progress)
        if before != now:
            self._warn(
                f"an update took {before:,} batches so far and takes {now:,} from now on (processes x --accumulate), "
                "so their order and the learning rates are not those of an unbroken training"
            )

    def _go_on_from(self, progress: Progress) -> None:
        self.progress = progress
        self.intervals = Intervals.of(self.settings, self.pairs, len(self.plan), progress)
        self.schedule = Schedule.of(self.settings, self.intervals.updates)

    def run(self, stop: StopRequest) -> str:
        """Train to the end, and return why it is one; raise `Interrupted` after saving where `stop` asks for it.

        Raises:
            TrainingError: too many updates in a row were skipped, or the GPU has no memory for a single pair.
            OutputError: the end, or what there is before the first update, cannot be saved.
        """
        progress, intervals = self.progress, self.intervals
        self.network.train()
        if self.device.type == "cuda":
            self.find_room()
        if progress.update == 0:
            self.save()  # so that weights which resuming cannot explain are never those of a training just begun
        reported = time.perf_counter()
        began = reported - progress.seconds
        while progress.update < intervals.updates and not self._out_of_patience and not self._on_target:
            first = progress.position
            positions = range(first, min(first + progress.batches_per_update, len(self.plan)))
            mine = self.processes.share(positions)
            self._update({at - first: self.noise.load(self.plan[at], progress.epoch, at) for at in mine})
            progress.update += 1
            progress.position = positions.stop
            if progress.position == len(self.plan):
                progress.epoch, progress.position = progress.epoch + 1, 0
                self.plan = self.batches.epoch(progress.epoch)
            progress.seconds = time.perf_counter() - began
            if self.device.type == "cpu" or progress.update % REPORT_EVERY == 0:  # on a GPU, asking is waiting
                self._give_up_where_all_is_skipped()
            if progress.update % REPORT_EVERY == 0:
                self._report(time.perf_counter() - reported)
                reported = time.perf_counter()
            if progress.update % intervals.valid == 0 or progress.update == intervals.updates:
                before = time.perf_counter()
                self._validate()
                reported += time.perf_counter() - before  # the speed reported is that of training
            signal_number = self.processes.largest(stop.signal_number or 0)
            if signal_number and progress.update < intervals.updates:
                raise Interrupted(f"stopped after update {progress.update:,}; {self._last_save()}", signal_number)
            if progress.update % intervals.save == 0:
                self._save_or_warn()
        self.save()
        if progress.update == intervals.updates:
            return "all updates are done"
        if self._on_target:
            return f"validation BLEU has reached {self.settings.target_bleu:g}"
        return f"no better BLEU in {progress.validations_since_best} validations"

    @property
    def _out_of_patience(self) -> bool:
        return 0 < self.settings.patience <= self.progress.validations_since_best

    @property
    def _on_target(self) -> bool:
        return 0 < self.settings.target_bleu <= self.progress.best_bleu

    @property
    def _epoch(self) -> int:
        """The epoch of the last update, counted from 1."""
        return self.progress.epoch + (self.progress.position > 0)

    def save(self) -> None:
        """Save all that `restore` needs; raise `OutputError` where the disk does not take it."""
        self.tally.write(self.progress)
        if self.processes.is_first:
            self.keeping.flush()
            self.progress.log_bytes = self.keeping.log_bytes
            save_state(self.folder / "training", self.network, self.optimizer, self.average, self.progress)

    def tell(self, event: Event) -> None:
        """Write an event into the log, and emit it."""
        if self.processes.is_first:
            self.keeping.write_line(log_line(event, self.progress.seconds))
            self.emit(event)

    def _warn(self, message: str) -> None:
        self.tell(Warned(self.progress.update, message))

    def estimate_memory(self) -> int:
        """Bytes that training will take at its peak; see `training.memory`."""
        return estimate_memory(
            self.network,
            self.settings.network.hidden_size,
            self.autocast,
            self._forward,
            self.batches.split,
            self.plan,
            widens=SAMPLING_WIDENS if self.settings.subword_sampling else 1,
        )

    def _save_or_warn(self) -> None:
        try:
            self.save()
        except OutputError as error:
            self._warn(f"nothing could be saved ({error.__cause__}); training goes on, and the next save tries again")

    def _last_save(self) -> str:
        """Save, and return what `--resume` will find."""
        try:
            self.save()
        except OutputError as error:
            return f"this could not be saved ({error.__cause__}), and resuming goes back to the save before it"
        return "everything is saved"

    def find_room(self) -> None:
        """Run the largest batch; while the GPU has no memory for it, halve the tokens that a pass takes at most.

        A batch beyond the limit goes in parts, whose gradient is that of the whole but for dropout's masks.
        """
        largest = self.batches.largest()
        if self.settings.subword_sampling:
            largest = widened(largest, SAMPLING_WIDENS)
        self._gradients({0: largest}, largest.tokens)
        self._step(torch.zeros((), dtype=torch.bool, device=self.device))  # it makes room for Adam's moments, no more

    def _update(self, batches: Mapping[int, Batch]) -> None:
        """Make an update of this process's batches, by their number in it, and of those of the other processes."""
        tokens = self.processes.total(sum(batch.tokens for batch in batches.values()))
        loss = self._gradients(batches, tokens)
        gradients = [weight.grad for weight in self.network.parameters() if weight.grad is not None]
        self.processes.add_up([*gradients, loss])
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        finite = loss.isfinite() & norm.isfinite()
        self._step(finite)
        self.tally.add(loss, tokens, finite)
        self._tokens_since_report += tokens

    def _gradients(self, batches: Mapping[int, Batch], tokens: int) -> Tensor:
        """Give the weights the gradient of the batches, and return the loss; where it takes smaller passes, stay there.

        Raises:
            TrainingError: the GPU has no memory for a single pair.
        """
        if not batches:  # the last update of an epoch may have none for this process
            for weight in self.network.parameters():
                weight.grad = torch.zeros_like(weight)
            return torch.zeros_like(self.network.output.bias[0])
        while (loss := accumulate(self._forward, self._seeded(batches), tokens, self.pass_tokens)) is None:
            self.optimizer.zero_grad()
            torch.cuda.empty_cache()
            self.pass_tokens = halved(batches.values(), self.pass_tokens)
            self._warn(
                "the GPU's memory does not suffice; from now on batches go in parts of at most "
                f"{self.pass_tokens:,} tokens, and updates stay the same but for dropout's masks"
            )
        return loss

    def _seeded(self, batches: Mapping[int, Batch]) -> Iterator[Batch]:
        for number, batch in batches.items():
            self._seed_dropout(number)
            yield batch

    def _seed_dropout(self, number: int) -> None:
        """Make dropout a pure function of seed, update and number of the batch in it, whoever runs it and when."""
        entropy = np.random.SeedSequence((self.settings.seed, self.progress.update, number))
        torch.manual_seed(int(entropy.generate_state(1)[0]))

    def _step(self, finite: Tensor) -> None:
        """Move weights and average by the gradient they have, where `finite` (); that is decided on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(self.progress.update + 1)
        step_where(self.optimizer, finite)
        self.optimizer.zero_grad()
        if self.average:
            self.average.update(self.network, self.progress.update + 1, finite)

    def _forward(self, batch: Batch) -> Loss:
        src, src_lengths, tgt_in, tgt_out = (
            torch.from_numpy(array).to(self.device, non_blocking=True)
            for array in (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)
        )
        # the output layer is a third of the work: only where there is something to predict
        real = torch.from_numpy((batch.tgt_out != PAD).ravel().nonzero()[0]).to(self.device, non_blocking=True)
        output = self.network.output
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            readout = self.network(src, src_lengths, tgt_in)
            return smoothed_cross_entropy(
                readout.flatten(0, 1)[real],
                output.weight,
                output.bias,
                tgt_out.flatten()[real],
                self.settings.label_smoothing,
            )

    def _rate(self, update: int) -> float:
        return self.schedule.rate(update, self.progress.halvings)

    def _give_up_where_all_is_skipped(self) -> None:
        self.tally.write(self.progress)
        if self.progress.skipped_in_a_row >= SKIPS_IN_A_ROW:
            raise TrainingError(
                f"at update {self.progress.update:,} the loss or its gradient has been no number for "
                f"{self.progress.skipped_in_a_row} updates in a row; likely the learning rate is too high "
                "(--learning-rate, --warmup), or the number format too coarse (--precision float32 --resume)"
            )

    def _report(self, seconds: float) -> None:
        progress = self.progress
        self.tally.write(progress)
        report = Reported(
            update=progress.update,
            epoch=self._epoch,
            loss=progress.loss_sum / progress.token_sum if progress.token_sum else math.nan,
            learning_rate=self._rate(progress.update),
            tokens_per_second=self._tokens_since_report / seconds,
            skipped=progress.skipped,
        )
        self.tally.begin()
        self._tokens_since_report = 0
        self.tell(report)

    def _count_towards_patience(self, bleu: float) -> None:
        """Count a validation at its interval. One at the very end is no part of the same training made longer."""
        progress = self.progress
        if bleu > progress.best_bleu_at_interval:
            progress.best_bleu_at_interval = bleu
            progress.validations_since_best = 0
        else:
            progress.validations_since_best += 1
            if progress.validations_since_best % PLATEAU_PATIENCE == 0:
                progress.halvings += 1

    def _validate(self) -> None:
        progress = self.progress
        began = time.perf_counter()
        with self.average.in_place(self.network) if self.average else nullcontext():
            result = self.processes.first(self.validate)
            best = result.bleu > progress.best_bleu
            if best and self.processes.is_first:
                self.keeping.keep(self.network)
        if best:
            progress.best_bleu, progress.best_update = result.bleu, progress.update
        if progress.update % self.intervals.valid == 0:
            self._count_towards_patience(result.bleu)
        self.tell(
            Validated(
                update=progress.update,
                epoch=self._epoch,
                loss=result.loss,
                perplexity=result.perplexity,
                bleu=result.bleu,
                best=best,
                best_bleu=progress.best_bleu,
                best_update=progress.best_update,
                samples=result.samples,
                seconds=time.perf_counter() - began,
            )
        )
