"""`evaluate`: a model on a test set, or any system's output against references."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from mtkit.corpus import ParallelText
from mtkit.corpus.selection import FirstReading
from mtkit.errors import CorpusError, SettingsError
from mtkit.evaluation.scores import RunningScores, Scores, perplexity_of, score
from mtkit.evaluation.tokenizers import language_of
from mtkit.settings import EvaluateSettings
from mtkit.text.lines import read_lines
from mtkit.translation import Translator

TRANSLATED_TOGETHER = 2_000
"""Pairs that are held at a time: enough for full batches of every length."""


def evaluate(settings: EvaluateSettings, model: str | PathLike[str] | None = None) -> Scores:
    """Score a model on `settings.test`, or `settings.hypotheses` against all of `settings.reference`.

    Texts of any size are read in step and never held whole.

    Raises:
        SettingsError: neither or both ways are asked for, or sacreBLEU has no such tokenizer.
        CorpusError: a file cannot be read, or two do not match line by line.
        MissingExtraError: `settings.tokenize` needs a package that is not installed.
    """
    if model is None:
        return _score_files(settings)
    if settings.hypotheses or settings.reference:
        raise SettingsError("`hypotheses` and `reference` are scored without a MODEL; with one, give `test`")
    if not settings.test:
        raise SettingsError("`test` is missing: the text to translate and score")
    return _score_model(settings, model)


def _score_files(settings: EvaluateSettings) -> Scores:
    if settings.test:
        raise SettingsError("`test` is translated by a MODEL: give the folder that mtkit train wrote")
    if not (settings.hypotheses and settings.reference):
        raise SettingsError("give a MODEL and `test`, or `hypotheses` and `reference`")
    files = (settings.hypotheses, *settings.reference)
    hypotheses, references, *more = (read_lines(Path(file)) for file in files)
    language = settings.language or language_of(settings.reference[0])  # news.zh is scored as Chinese
    return score(hypotheses, references, *more, language=language, tokenize=settings.tokenize, names=files)


def _score_model(settings: EvaluateSettings, model: str | PathLike[str]) -> Scores:
    translator = Translator.load(
        model,
        search=settings.search,
        device=settings.device,
        threads=settings.threads,
        precision=settings.precision,
        seed=settings.seed,
    )
    text = ParallelText.parse(settings.test, translator.src_lang, translator.tgt_lang, settings.columns)
    running = RunningScores(settings.language or translator.tgt_lang, settings.tokenize)
    log_prob, tokens = 0.0, 0
    with _read_once(text) as (text, pairs):
        for sources, targets in _pairs(text):
            running.add([translation.text for translation in translator.translate(sources)], targets)
            for pair in translator.score(sources, targets):
                log_prob += pair.log_prob
                tokens += pair.tokens
    if running.sentences != pairs:
        raise CorpusError(
            f"{settings.test}: had {pairs:,} pairs and, read again, {running.sentences:,}; "
            "give files that nothing writes to"
        )
    return running.scores(perplexity_of(log_prob, tokens))


@contextmanager
def _read_once(text: ParallelText) -> Iterator[tuple[ParallelText, int]]:
    """Read text through, so that what is wrong with it is found before an hour of translating.

    Yields:
        The text to read from then on, in which pipes are copies, and its number of pairs.

    Raises:
        CorpusError: it cannot be read, is misaligned or empty.
    """
    with TemporaryDirectory() as folder:
        reading = FirstReading(Path(folder))
        pairs = sum(1 for _ in text.pairs(reading))
        if not pairs:
            raise CorpusError(f"{text}: is empty; there is nothing to score")
        yield replace(text, copies=reading.copies), pairs


def _pairs(text: ParallelText) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the two sides of `TRANSLATED_TOGETHER` pairs at a time."""
    stream = iter(text)
    while block := list(islice(stream, TRANSLATED_TOGETHER)):
        sources, targets = zip(*block, strict=True)
        yield list(sources), list(targets)
