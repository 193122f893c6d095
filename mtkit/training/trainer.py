"""The training loop: batches in, updates made, reports and saves on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from mtkit.dataset.batches import Batch, Batches
from mtkit.dataset.noise import Noise
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import Interrupted, TrainingError
from mtkit.nn import Loss, Seq2Seq, smoothed_cross_entropy
from mtkit.presets import recipe_for
from mtkit.runtime.weights import save_weights
from mtkit.settings import TrainSettings
from mtkit.signals import StopRequest
from mtkit.text.vocabulary import PAD
from mtkit.training.average import MovingAverage
from mtkit.training.events import Event, Reported, Validated
from mtkit.training.log import append_event, truncate_log
from mtkit.training.memory import estimate_memory
from mtkit.training.schedule import PLATEAU_PATIENCE, Schedule
from mtkit.training.state import Progress, load_state, save_state
from mtkit.training.validation import Validator

REPORT_EVERY = 25
"""Updates between two reports."""


@dataclass(frozen=True)
class Intervals:
    """Training's rhythm, in updates."""

    updates: int
    epoch: int
    valid: int
    save: int

    @classmethod
    def of(cls, settings: TrainSettings, pairs: int, batches_per_epoch: int) -> Intervals:
        """Resolve the settings that are 0 for a corpus of so many pairs and batches."""
        updates = settings.updates or (settings.epochs or recipe_for(pairs).epochs) * batches_per_epoch
        valid = settings.valid_every or max(200, batches_per_epoch)
        return cls(updates, batches_per_epoch, valid, settings.save_every or valid)


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
    ) -> None:
        self.settings = settings
        self.network = network
        self.autocast = autocast
        self.folder = folder
        self.emit = emit
        self.device = next(network.parameters()).device
        self.batches = Batches(corpus.train, settings.batch_tokens, settings.seed)
        self.noise = Noise(corpus, settings.subword_sampling, settings.word_dropout, settings.seed)
        self.plan = self.batches.epoch(0)
        self.intervals = Intervals.of(settings, corpus.size, len(self.plan))
        self.schedule = Schedule(
            settings.schedule,
            settings.learning_rate,
            min(settings.warmup, self.intervals.updates // 10),
            self.intervals.updates,
        )
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True
        )
        self.average = MovingAverage(network, settings.average_decay) if settings.average_decay else None
        self.validate = Validator(corpus, network, settings.batch_tokens, autocast)
        self.progress = Progress()
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self._earlier_tokens = 0  # since the last report, but before training was resumed

    def restore(self, state: Path) -> None:
        """Go back to a saved state, and forget what the log says of later updates."""
        self.progress = load_state(state, self.network, self.optimizer, self.average)
        self._loss_sum.fill_(self.progress.loss_sum)
        self._earlier_tokens = self.progress.token_sum
        self.plan = self.batches.epoch(self.progress.epoch)
        truncate_log(self.folder, self.progress.log_bytes)

    def run(self, stop: StopRequest) -> str:
        """Train to the end, and return why it is one; raise `Interrupted` after saving where `stop` asks for it."""
        progress, intervals = self.progress, self.intervals
        self.network.train()
        reported = time.perf_counter()
        began = reported - progress.seconds
        while progress.update < intervals.updates and not self._out_of_patience and not self._on_target:
            indices = self.plan[progress.position]
            self._update(self.noise.load(indices, progress.epoch, progress.position))
            progress.update += 1
            progress.position += 1
            if progress.position == len(self.plan):
                progress.epoch, progress.position = progress.epoch + 1, 0
                self.plan = self.batches.epoch(progress.epoch)
            progress.seconds = time.perf_counter() - began
            if progress.update % REPORT_EVERY == 0:
                self._report(time.perf_counter() - reported)
                reported = time.perf_counter()
            if progress.update % intervals.valid == 0 or progress.update == intervals.updates:
                before = time.perf_counter()
                self._validate()
                reported += time.perf_counter() - before  # the speed reported is that of training
            if progress.update % intervals.save == 0:
                self.save()
            if stop.signal_number is not None and progress.update < intervals.updates:
                self.save()
                raise Interrupted(f"stopped after update {progress.update:,}; everything is saved", stop.signal_number)
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
        return (self.progress.update - 1) // self.intervals.epoch + 1

    def save(self) -> None:
        """Save all that `restore` needs."""
        self.progress.loss_sum = self._finite_loss_sum()
        save_state(self.folder / "training", self.network, self.optimizer, self.average, self.progress)

    def tell(self, event: Event) -> None:
        """Write an event into the log, and emit it."""
        self.progress.log_bytes = append_event(self.folder, event, self.progress.seconds)
        self.emit(event)

    def estimate_memory(self) -> int:
        """Bytes that training will take at its peak; see `training.memory`."""
        hidden_size = self.settings.network.hidden_size
        return estimate_memory(self.network, hidden_size, self.autocast, self._forward, self.batches.split, self.plan)

    def _update(self, batch: Batch) -> None:
        tokens = batch.tokens
        loss = self._forward(batch)
        (loss.smoothed / tokens).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(self.progress.update + 1)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update(self.network, self.progress.update + 1)
        self._loss_sum += loss.smoothed.detach()
        self.progress.token_sum += tokens

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

    def _finite_loss_sum(self) -> float:
        """The losses since the last report; read only where they are told or saved, since reading waits for the GPU."""
        loss = float(self._loss_sum)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at update {self.progress.update:,}; lower the learning rate")
        return loss

    def _report(self, seconds: float) -> None:
        progress = self.progress
        report = Reported(
            update=progress.update,
            epoch=self._epoch,
            loss=self._finite_loss_sum() / progress.token_sum,
            learning_rate=self._rate(progress.update),
            tokens_per_second=(progress.token_sum - self._earlier_tokens) / seconds,
        )
        self._loss_sum.zero_()
        progress.token_sum = self._earlier_tokens = 0
        self.tell(report)

    def _validate(self) -> None:
        progress = self.progress
        began = time.perf_counter()
        self._finite_loss_sum()  # weights that are no numbers any more must not become the best
        with self.average.in_place(self.network) if self.average else nullcontext():
            result = self.validate()
            best = result.bleu > progress.best_bleu
            if best:
                save_weights(self.network, self.folder / "model.safetensors")
        if best:
            progress.best_bleu, progress.best_update = result.bleu, progress.update
            progress.validations_since_best = 0
        else:
            progress.validations_since_best += 1
            if progress.validations_since_best % PLATEAU_PATIENCE == 0:
                progress.halvings += 1
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
