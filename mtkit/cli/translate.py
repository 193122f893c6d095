"""`mtkit translate`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import typer

from mtkit.cli.console import Console, discard_output
from mtkit.cli.line_input import LineInput, after, paired_lines
from mtkit.cli.options import Argument, add_command
from mtkit.configuration import Resolved
from mtkit.errors import CorpusError, MtkitError, SettingsError
from mtkit.process import shared_onnx_memory
from mtkit.settings import DecodingErrors, TranslateSettings
from mtkit.signals import stop_request

if TYPE_CHECKING:
    from mtkit.cli.output_file import OutputFile
    from mtkit.translation import BatchingTranslator, Translation, Translator

LONG_LINES_NAMED = 5
"""Long lines that a warning names; those that follow are counted."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        "translate",
        TranslateSettings,
        run,
        example="echo 'The old doctor reads a long letter.' | mtkit translate models/en-fr",
        argument=Argument("model", "Folder that mtkit train wrote.", required=True),
    )


def run(resolved: Resolved[TranslateSettings], given: Mapping[str, str | None], console: Console) -> None:
    """Translate lines from standard input to standard output, one for one and in order."""
    settings = resolved.settings
    _check_options(settings)
    from mtkit.translation import BatchingTranslator, Translator

    file: OutputFile | None = None
    try:
        with ExitStack() as stack:
            stack.enter_context(shared_onnx_memory())
            names = [settings.input, *filter(None, [settings.score_against or settings.prefix])]
            inputs = [stack.enter_context(_open_input(name, settings.errors)) for name in names]
            translator = Translator.load(
                str(given["model"]),
                search=settings.search,
                device=settings.device,
                threads=settings.threads,
                precision=settings.precision,
                ensemble=settings.ensemble,
                seed=settings.seed,
            )
            translator.check(n_best=settings.n_best, alignments=settings.alignments, attention=settings.attention)
            sink: BinaryIO = sys.stdout.buffer
            if settings.output:
                from mtkit.cli.output_file import output_file

                file = stack.enter_context(output_file(Path(settings.output), resume=settings.resume))
                sink = file.sink
            live = console.live and bool(settings.output or not sys.stdout.isatty())
            report = stack.enter_context(Report(console, inputs, live=live))
            if file and file.lines:
                console.say(f"Going on after the {file.lines:,} lines of {file.part}")
                report.lines = file.lines
            if settings.score_against:
                answers = _scores(translator, inputs, report)
            else:
                batching = stack.enter_context(BatchingTranslator(translator))
                answers = _translations(batching, inputs, settings, report)
            for window in answers:
                _write(sink, window)
                report.written(len(window))
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None  # what is complete has been written; there is no more to say
    finally:
        if file and file.kept:
            console.say(f"Kept {file.kept:,} lines in {file.part}; the same command with --resume goes on after them")


def _check_options(settings: TranslateSettings) -> None:
    """Raise `SettingsError` where options do not go together, whatever the model."""
    if settings.resume and not settings.output:
        raise SettingsError("--resume goes on with a file of translations; name it with --output")
    several, aligned, jsonl = settings.n_best > 1, settings.alignments != "none", settings.format == "jsonl"
    if settings.score_against:
        refused = {"--prefix": settings.prefix, "--n-best": several, "--alignments": aligned}
        refused |= {"--resume": settings.resume}
        refused |= {"--attention": settings.attention, "--sample": settings.search.sample, "--format jsonl": jsonl}
        for flag, given in refused.items():
            if given:
                raise SettingsError(f"--score-against prints a number a line and translates nothing; leave out {flag}")
    if not jsonl:
        for flag, given in {"--n-best": several, "--attention": settings.attention}.items():
            if given:
                raise SettingsError(f"{flag} does not fit into plain lines; add --format jsonl")


def _translations(
    translator: BatchingTranslator, inputs: Sequence[LineInput], settings: TranslateSettings, report: Report
) -> Iterator[list[str]]:
    """Translate window by window; yield the lines to print."""
    from mtkit.cli.translation_format import as_json, as_text

    printed = as_json if settings.format == "jsonl" else as_text
    windows: Iterator[tuple[list[str], list[str] | None]] = ((window, None) for window in inputs[0].windows())
    if settings.prefix:
        windows = paired_lines(*inputs)
    if report.lines:
        windows = after(windows, report.lines, inputs[0].name)
    for window, prefixes in windows:
        translations = translator.translate(
            window,
            prefixes=prefixes,
            n_best=settings.n_best,
            alignments=settings.alignments,
            attention=settings.attention,
        )
        report.see(translations)
        yield [printed(translation, settings) for translation in translations]


def _scores(translator: Translator, inputs: Sequence[LineInput], report: Report) -> Iterator[list[str]]:
    """Score window by window; yield the log-probabilities to print."""
    from mtkit.evaluation import perplexity_of

    log_prob, tokens = 0.0, 0
    for window, targets in paired_lines(*inputs):
        scores = translator.score(window, targets)
        log_prob += sum(score.log_prob for score in scores)
        tokens += sum(score.tokens for score in scores)
        yield [f"{score.log_prob:.6f}" for score in scores]
    if tokens:
        report.console.say(f"perplexity {perplexity_of(log_prob, tokens):.2f} (a target piece, {report.lines:,} lines)")


class Report:
    """What is said beside the answers: how far it is, where somebody watches, and what is unusual, counted.

    Leaving it sums up, after an error too; not where the user has stopped the work, or nobody reads its output.
    """

    def __init__(self, console: Console, inputs: Sequence[LineInput], *, live: bool) -> None:
        self.console = console
        self.inputs = inputs
        self.live = live
        self.lines = 0
        self.long = self.truncated = self.loops = self.untranslatable = self.unknown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.console.end_progress()
        if kind is None or issubclass(kind, (MtkitError, OSError)):
            self._sum_up()

    def see(self, translations: Sequence[Translation]) -> None:
        """Count what is unusual about the next lines; the first long ones are named at once."""
        for number, translation in enumerate(translations, start=self.lines + 1):
            if translation.parts > 1:
                self.long += 1
                tell = self.console.warn if self.long <= LONG_LINES_NAMED else self.console.detail
                tell(f"line {number:,} is long; it was translated in {translation.parts:,} parts")
            if translation.truncated:
                self.console.detail(f"line {number:,}: the translation did not come to an end and was cut")
            if translation.loop:
                self.console.detail(f"line {number:,}: the translation repeats itself")
            if translation.unknown:
                self.console.detail(f"line {number:,}: holds characters that the vocabulary does not have")
            self.truncated += translation.truncated
            self.loops += translation.loop
            self.untranslatable += translation.untranslatable
            self.unknown += translation.unknown

    def written(self, count: int) -> None:
        """Note that the answers to the next lines are out."""
        self.lines += count
        if self.live:
            self.console.progress(f"{self.lines:,} lines")

    def _sum_up(self) -> None:
        if replaced := sum(lines.replaced for lines in self.inputs):
            self.console.warn(f"{replaced:,} lines are not UTF-8; what is not was replaced by U+FFFD")
        if self.long > LONG_LINES_NAMED:
            more = self.long - LONG_LINES_NAMED
            self.console.warn(f"{more:,} more long lines were translated in parts; --verbose names them")
        if self.untranslatable:
            self.console.warn(
                f"{self.untranslatable:,} lines hold nothing that can be translated; their translations are empty"
            )
        if self.unknown:
            self.console.warn(
                f"{self.unknown:,} lines hold characters that the vocabulary does not have; look their translations "
                "over; --verbose names the lines"
            )
        if self.truncated:
            self.console.warn(
                f"{self.truncated:,} translations did not come to an end and were cut; --verbose names the lines"
            )
        if self.loops:
            self.console.warn(f"{self.loops:,} translations repeat themselves; --verbose names the lines")


@contextmanager
def _open_input(name: str, errors: DecodingErrors) -> Iterator[LineInput]:
    """Open a file of lines, or standard input where it has no name."""
    if not name:
        yield LineInput(sys.stdin.buffer, "standard input", errors)
        return
    try:
        file = open(name, "rb")  # noqa: SIM115 - closed below; what is wrong later is not about opening it
    except OSError as error:
        raise CorpusError(f"{name}: cannot be read ({error.strerror})") from error
    with file:
        yield LineInput(file, name, errors)


def _write(sink: BinaryIO, lines: Sequence[str]) -> None:
    """Write lines, all of them or, where nobody reads on, none; Ctrl-C and SIGTERM wait for the last."""
    rest = memoryview("".join(f"{line}\n" for line in lines).encode())
    with stop_request() as stop:
        try:
            while rest:  # where PYTHONUNBUFFERED is set, a signal ends a write before its end
                rest = rest[sink.write(rest) :]
            sink.flush()
        except BrokenPipeError as error:
            discard_output()
            raise typer.Exit(128 + signal.SIGPIPE) from error  # as if the signal had ended us
    if stop.signal_number is not None:
        signal.raise_signal(stop.signal_number)
