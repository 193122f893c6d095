"""What an update is: the gradient of some batches, clipped, and a step of Adam along it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mtkit.dataset.batches import Batch
from mtkit.nn import Loss, smoothed_cross_entropy
from mtkit.text.vocabulary import PAD
from mtkit.training.conditional_step import step_where
from mtkit.training.gradients import accumulate, halved
from mtkit.training.processes import Processes
from mtkit.training.recorder import Recorder
from mtkit.training.schedule import Schedule
from mtkit.training.training_state import TrainingState


class Made(NamedTuple):
    """An update: the loss () summed over its tokens, and whether (), all being finite, the weights have moved."""

    loss: Tensor
    tokens: int
    """Of all processes."""
    finite: Tensor


class Updater:
    """Makes the updates of one training state."""

    def __init__(
        self,
        state: TrainingState,
        schedule: Schedule,
        processes: Processes,
        recorder: Recorder,
        *,
        clip_norm: float,
        label_smoothing: float,
        seed: int,
        autocast: torch.dtype | None,
    ) -> None:
        self.state = state
        self.schedule = schedule
        self.processes = processes
        self.recorder = recorder
        self.clip_norm = clip_norm
        self.label_smoothing = label_smoothing
        self.seed = seed
        self.autocast = autocast
        self.device = state.device
        self.pass_tokens = 0
        """Tokens that a pass through the network may take at most; 0 is any number. Found again when resuming, maybe
        on a GPU of another size."""

    @property
    def rate(self) -> float:
        """Learning rate of the last update."""
        return self._rate(self.state.progress.update)

    def update(self, batches: Mapping[int, Batch]) -> Made:
        """Make an update of this process's batches, by their number in it, and of those of the other processes.

        Raises:
            TrainingError: the GPU has no memory for a single pair.
        """
        tokens = self.processes.total(sum(batch.tokens for batch in batches.values()))
        parameters = list(self.state.network.parameters())
        loss = self._gradients(batches, tokens)
        gradients = [weight.grad for weight in parameters if weight.grad is not None]
        self.processes.add_up([*gradients, loss])
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        finite = loss.isfinite() & norm.isfinite()
        self._step(finite)
        return Made(loss, tokens, finite)

    def find_room(self, batch: Batch) -> None:
        """Run a batch; while the GPU has no memory for it, halve the tokens that a pass takes at most.

        A batch beyond the limit goes in parts, whose gradient is that of the whole but for dropout's masks.
        """
        self._gradients({0: batch}, batch.tokens)
        self._step(torch.zeros((), dtype=torch.bool, device=self.device))  # it makes room for Adam's moments, no more

    def forward(self, batch: Batch) -> Loss:
        """Return the loss of a batch, summed over its tokens."""
        src, src_lengths, tgt_in, tgt_out = (
            torch.from_numpy(array).to(self.device, non_blocking=True)
            for array in (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)
        )
        # the output layer is a third of the work: only where there is something to predict
        real = torch.from_numpy((batch.tgt_out != PAD).ravel().nonzero()[0]).to(self.device, non_blocking=True)
        network = self.state.network
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            readout = network(src, src_lengths, tgt_in)
            return smoothed_cross_entropy(
                readout.flatten(0, 1)[real],
                network.output.weight,
                network.output.bias,
                tgt_out.flatten()[real],
                self.label_smoothing,
            )

    def seed_dropout(self, number: int) -> None:
        """Make dropout a pure function of seed, update and number of the batch in it, whoever runs it and when."""
        entropy = np.random.SeedSequence((self.seed, self.state.progress.update, number))
        torch.manual_seed(int(entropy.generate_state(1)[0]))

    def _gradients(self, batches: Mapping[int, Batch], tokens: int) -> Tensor:
        """Give the weights the gradient of the batches, and return the loss; where it takes smaller passes, stay there.

        Raises:
            TrainingError: the GPU has no memory for a single pair.
        """
        network = self.state.network
        if not batches:  # the last update of an epoch may have none for this process
            for weight in network.parameters():
                weight.grad = torch.zeros_like(weight)
            return torch.zeros_like(network.output.bias[0])
        while (loss := accumulate(self.forward, self._seeded(batches), tokens, self.pass_tokens)) is None:
            self.state.optimizer.zero_grad()
            torch.cuda.empty_cache()
            self.pass_tokens = halved(batches.values(), self.pass_tokens)
            self.recorder.warn(
                "the GPU's memory does not suffice; from now on batches go in parts of at most "
                f"{self.pass_tokens:,} tokens, and updates stay the same but for dropout's masks"
            )
        return loss

    def _seeded(self, batches: Mapping[int, Batch]) -> Iterator[Batch]:
        for number, batch in batches.items():
            self.seed_dropout(number)
            yield batch

    def _step(self, finite: Tensor) -> None:
        """Move weights and average by the gradient they have, where `finite` (); that is decided on the device."""
        number = self.state.progress.update + 1
        optimizer, average = self.state.optimizer, self.state.average
        for group in optimizer.param_groups:
            group["lr"] = self._rate(number)
        step_where(optimizer, finite)
        optimizer.zero_grad()
        if average:
            average.update(self.state.network, number, finite)

    def _rate(self, update: int) -> float:
        return self.schedule.rate(update, self.state.progress.halvings)
