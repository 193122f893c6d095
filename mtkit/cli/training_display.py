"""Training as it is watched: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from mtkit.cli.console import Console
from mtkit.training import Event, Finished, Note, Reported, Started, Validated, Warned

if TYPE_CHECKING:
    from rich.progress import Progress

PLAIN_SECONDS = 30.0
"""Time between two plain progress lines."""


class TrainingDisplay:
    """Draws training's events. Use it as a context; `draw` takes each event.

    `choice` is what the recipe came to, and why, in lines that are said when training starts.
    """

    def __init__(self, console: Console, choice: Sequence[str] = ()) -> None:
        self.console = console
        self.choice = choice
        self.started: Started | None = None
        self.bar: Progress | None = None
        self.best_bleu: float | None = None
        self._last_line = time.perf_counter()
        self._began = self._last_line

    def __enter__(self) -> TrainingDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()

    def draw(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Note():
                self._say(event.text)
            case Started():
                self._start(event)
            case Reported():
                self._report(event)
            case Validated():
                self._validate(event)
            case Warned():
                self._warn(f"update {event.update:,}: {event.message}")
            case Finished():
                if self.bar:
                    self.bar.update(self.bar.task_ids[0], completed=event.updates, total=event.updates)
                    self.bar.stop()
                self._say(
                    f"Finished after {event.updates:,} updates and {clock(event.seconds)}: {event.reason}. "
                    f"Best validation BLEU {event.best_bleu:.2f}, at update {event.best_update:,}"
                    + _skips(event.skipped)
                )
                self._say(f"Wrote {event.out}; translate with: mtkit translate {shlex.quote(str(event.out))}")

    def _start(self, event: Started) -> None:
        self.started = event
        self._began = time.perf_counter()
        vocabulary = f"{event.src_vocab_size:,}"
        if event.src_vocab_size != event.tgt_vocab_size:
            vocabulary += f" + {event.tgt_vocab_size:,}"
        for line in self.choice:
            self._say(line)
        self._say(
            f"Training {event.langs} on {event.train_pairs:,} pairs, validating on {event.valid_pairs:,}; "
            f"{vocabulary} pieces, {event.parameters / 1e6:.1f} M weights"
        )
        self._say(
            f"On {event.device}, {event.precision}, {event.threads} {'thread' if event.threads == 1 else 'threads'}; "
            f"{event.updates:,} updates, {event.updates_per_epoch:,} an epoch"
        )
        if event.first_update > 1:
            self._say(f"Going on at update {event.first_update:,}")
        if self.console.live:
            self.bar = _bar(event)
            self.bar.start()

    def _report(self, event: Reported) -> None:
        assert self.started is not None  # training starts before it reports
        if self.bar:
            self.bar.update(
                self.bar.task_ids[0],
                completed=event.update,
                loss=f"{event.loss:.3f}",
                speed=f"{event.tokens_per_second:,.0f}",
                bleu="-" if self.best_bleu is None else f"{self.best_bleu:.2f}",
            )
        elif self.console.verbose or time.perf_counter() - self._last_line >= PLAIN_SECONDS:
            done = event.update - self.started.first_update + 1
            left = (time.perf_counter() - self._began) / done * (self.started.updates - event.update)
            self._say(
                f"update {event.update:,} of {self.started.updates:,} | epoch {event.epoch} | loss {event.loss:.3f} | "
                f"{event.tokens_per_second:,.0f} tokens/s | {clock(left)} left" + _skips(event.skipped)
            )
            self._last_line = time.perf_counter()

    def _validate(self, event: Validated) -> None:
        if event.best:
            self.best_bleu = event.bleu
        self._say(
            f"update {event.update:,} | epoch {event.epoch} | validation: perplexity {event.perplexity:.2f}, "
            f"BLEU {event.bleu:.2f}{' (best)' if event.best else ''}"
        )

    def _warn(self, line: str) -> None:
        if self.bar and not self.bar.finished and self.console.live:
            self._say(f"Warning: {line}")
        else:
            self.console.warn(line)

    def _say(self, line: str) -> None:
        if self.bar and not self.bar.finished and self.console.live:
            self.bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            self.console.say(line)


def _skips(skipped: int) -> str:
    return f" | {skipped:,} updates skipped, since their loss or gradient was no number" if skipped else ""


def clock(seconds: float) -> str:
    """Format a duration as minutes and seconds, or hours and minutes: 3:07 min, 1:02 h."""
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def _bar(event: Started) -> Progress:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("update"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("{task.fields[speed]} tokens/s"),
        TextColumn("BLEU {task.fields[bleu]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=RichConsole(stderr=True),
        refresh_per_second=2,
        speed_estimate_period=300,
    )
    bar.add_task("", total=event.updates, completed=event.first_update - 1, loss="-", speed="-", bleu="-")
    return bar
