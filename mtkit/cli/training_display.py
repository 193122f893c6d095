"""Training as it is watched: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from mtkit.cli.console import Console
from mtkit.cli.time_estimate import TimeEstimate, clock
from mtkit.configuration import as_flags
from mtkit.evaluation import LABELS
from mtkit.training import Event, Finished, Note, Reported, Started, Validated, Warned, available_memory

if TYPE_CHECKING:
    from mtkit.cli.training_dashboard import Dashboard

PLAIN_SECONDS = 30.0
"""Time between two plain progress lines."""


class TrainingDisplay:
    """Draws training's events. Use it as a context; `draw` takes each event.

    `choice` is what the recipe came to, and why, in lines that are printed before all else.
    """

    def __init__(self, console: Console, choice: Sequence[str] = ()) -> None:
        self.console = console
        self.choice = choice
        self.estimate = TimeEstimate(1, 1)
        self.dashboard: Dashboard | None = None
        self._end_printed = False
        self._last_line = time.perf_counter()

    def __enter__(self) -> TrainingDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.dashboard:
            self.dashboard.stop()

    def draw(self, event: Event) -> None:
        """Show one event."""
        for line in self.choice:
            self.console.say(line)
        self.choice = ()
        match event:
            case Note():
                self.console.say(as_flags(event.text))
            case Started():
                self._start(event)
            case Reported():
                self._report(event)
            case Validated():
                self._validate(event)
            case Warned():
                when = f"update {event.update:,}: " if event.update else ""
                self.console.warn(when + as_flags(event.message))
            case Finished():
                self._finish(event)

    def _start(self, event: Started) -> None:
        for line in summary(event):
            self.console.say(line)
        self._end_printed = False
        free = available_memory() if event.device == "cpu" else None
        if free is not None and event.memory > free:
            self.console.warn(
                f"training needs about {size(event.memory)} of memory, and {size(free)} are free; a smaller "
                "--batch-tokens needs less"
            )
        self.estimate = TimeEstimate(event.first_update, event.updates)
        if self.console.live:
            from mtkit.cli.training_dashboard import Dashboard

            self.dashboard = Dashboard(event, self.estimate)
            self.dashboard.start()

    def _report(self, event: Reported) -> None:
        self.estimate.advance(event.update)
        if self.dashboard:
            self.dashboard.update, self.dashboard.reported = event.update, event
            return
        left = self.estimate.left
        if left is not None and not self._end_printed:
            end = time.strftime("%a %H:%M", time.localtime(time.time() + left))
            self.console.say(f"About {clock(left)} to the last update, at {end}")
            self._end_printed = True
        if self.console.verbose or time.perf_counter() - self._last_line >= PLAIN_SECONDS:
            self.console.say(
                f"update {event.update:,} of {self.estimate.updates:,} | epoch {event.epoch} | loss {event.loss:.3f} | "
                f"{event.tokens_per_second:,.0f} tokens/s"
                + (f" | {clock(left)} left" if left is not None else "")
                + _skips(event.skipped)
            )
            self._last_line = time.perf_counter()

    def _validate(self, event: Validated) -> None:
        self.console.say(
            f"update {event.update:,} | epoch {event.epoch} | validation: perplexity {event.perplexity:.2f}, "
            f"{LABELS[event.metric]} {event.score:.2f}{' (best)' if event.best else ''}"
        )
        if self.dashboard:
            self.dashboard.update, self.dashboard.validated = event.update, event
            return
        for sample in event.samples:
            self.console.detail(f"  source     {sample.source}")
            self.console.detail(f"  reference  {sample.reference}")
            self.console.detail(f"  model      {sample.translation}")

    def _finish(self, event: Finished) -> None:
        if self.dashboard:
            self.dashboard.stop()
        self.console.say(
            f"Finished after {event.updates:,} updates and {clock(event.seconds)}: {event.reason}. "
            f"Best validation {LABELS[event.metric]} {event.best_score:.2f}, at update {event.best_update:,}"
            + _skips(event.skipped)
        )
        if event.out:
            self.console.say(f"Wrote {event.out}; translate with: mtkit translate {shlex.quote(str(event.out))}")


def summary(event: Started) -> list[str]:
    """Return the lines that say what is about to be trained, on what, and where."""
    src, tgt = event.train_pieces
    vocabulary = f"{event.src_vocab_size:,} pieces for both languages"
    if not event.joint:
        vocabulary = f"{event.src_vocab_size:,} source and {event.tgt_vocab_size:,} target pieces"
    parts = ", ".join(f"{part} {count(weights)}" for part, weights in event.parameters.items() if weights)
    lines = [
        f"Training {event.langs} on {event.train_pairs:,} pairs ({src:,} + {tgt:,} pieces), "
        f"validating on {event.valid_pairs:,}",
        f"Vocabulary: {vocabulary}",
        f"Network: {count(sum(event.parameters.values()))} weights",
        f"  {parts}",
        f"On {event.device}, {event.precision}, {event.threads} {'thread' if event.threads == 1 else 'threads'}, "
        f"about {size(event.memory)} of memory",
        f"{event.updates:,} updates, {event.updates_per_epoch:,} an epoch",
    ]
    return [*lines, f"Going on at update {event.first_update:,}"] if event.first_update > 1 else lines


def _skips(skipped: int) -> str:
    return f" | {skipped:,} updates skipped, since their loss or gradient was not finite" if skipped else ""


def count(weights: int) -> str:
    """Format a number of weights: 5.9 M, 262 k, 2,000."""
    if weights >= 1e6:
        return f"{weights / 1e6:.1f} M"
    return f"{weights / 1e3:.0f} k" if weights >= 1e4 else f"{weights:,}"


def size(memory: int) -> str:
    """Format bytes: 640 MB, 1.3 GB."""
    return f"{memory / 1e9:.1f} GB" if memory >= 1e9 else f"{memory / 1e6:.0f} MB"
