"""The live display of a training: progress, loss and speed, scores, and what the model makes of three sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mtkit.cli.time_estimate import TimeEstimate, clock
from mtkit.evaluation import LABELS
from mtkit.training import Reported, Sample, Started, Validated

ROWS = ("source", "reference", "model")
_BETWEEN = "   "  # two figures on a line
_OTHER_ROWS = 11  # of the display on a narrow terminal, without the texts of its samples
_MOST_LINES = 3  # of one text


class Dashboard:
    """Draws itself again twice a second, in the width there is; its texts get as many lines as the height allows."""

    def __init__(self, started: Started, estimate: TimeEstimate, console: Console | None = None) -> None:
        self.estimate = estimate
        self.updates = started.updates
        self.update = started.first_update - 1
        self.reported: Reported | None = None
        self.validated: Validated | None = None
        self._live = Live(self, console=console or Console(stderr=True), refresh_per_second=2)

    def start(self) -> None:
        """Begin to draw. Lines that are printed on standard error meanwhile appear above."""
        self._live.start()

    def stop(self) -> None:
        """Draw for the last time, and leave the terminal as it was found."""
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the parts, from the top."""
        progress = Table.grid(padding=(0, 2), expand=True)
        progress.add_column(no_wrap=True)
        progress.add_column(ratio=1)
        progress.add_row(
            f"update {self.update:,} of {self.updates:,}",
            ProgressBar(total=self.updates, completed=self.update),
            f"{100 * self.update // self.updates} %",
        )
        yield progress
        yield from _flow(self._figures(), options.max_width)
        yield from _flow(self._times(), options.max_width)
        if self.validated:
            yield from _flow(_scores(self.validated), options.max_width)
            texts = max(1, len(ROWS) * len(self.validated.samples))
            lines = min(_MOST_LINES, max(1, (options.size.height - _OTHER_ROWS) // texts))
            for sample in self.validated.samples:
                yield Text()
                yield _table(sample, options.max_width, lines)

    def _figures(self) -> Iterator[str]:
        if self.reported:
            yield f"epoch {self.reported.epoch}"
            yield f"loss {self.reported.loss:.3f}"
            yield f"learning rate {self.reported.learning_rate:.3g}"
            yield f"{self.reported.tokens_per_second:,.0f} tokens/s"

    def _times(self) -> Iterator[str]:
        yield f"{clock(self.estimate.elapsed)} so far"
        if self.estimate.left is not None:
            yield f"{clock(self.estimate.left)} left"


def fitted(text: str, width: int, lines: int) -> list[str]:
    """Wrap a text to a width in terminal cells, wide characters taking two, and end it with … where it has more lines.

    Characters that do not print become spaces: what a corpus holds shall not command the terminal.
    """
    printable = "".join(character if character.isprintable() else " " for character in text)
    wrapped = [line.plain for line in Text(printable).wrap(Console(width=width), width)]
    if len(wrapped) > lines:
        last = Text("".join(wrapped[lines - 1 : lines + 1]))
        last.truncate(width, overflow="ellipsis")
        wrapped[lines - 1 :] = [last.plain]
    return [line.rstrip() for line in wrapped]


def _scores(event: Validated) -> Iterator[str]:
    yield f"validation: perplexity {event.perplexity:.2f}"
    yield f"{LABELS[event.metric]} {event.score:.2f}"
    yield "the best yet" if event.best else f"best {event.best_score:.2f} at update {event.best_update:,}"


def _flow(figures: Iterable[str], width: int) -> Iterator[Text]:
    """Set figures on as few lines as they need, none of them broken."""
    line = ""
    for figure in figures:
        if line and len(line) + len(_BETWEEN) + len(figure) > width:
            yield Text(line)
            line = ""
        line += _BETWEEN * bool(line) + figure
    if line:
        yield Text(line)


def _table(sample: Sample, width: int, lines: int) -> Table:
    table = Table.grid(padding=(0, 2))
    room = max(2, width - max(map(len, ROWS)) - 2)
    for label, text in zip(ROWS, (sample.source, sample.reference, sample.translation), strict=True):
        shown = Text("\n".join(fitted(text, room, lines)), style="bold" if label == "model" else "")
        table.add_row(Text(label, style="dim"), shown)
    return table
