"""`evaluate`: a model on a test set, or any system's output against references."""

from __future__ import annotations

from pathlib import Path

from mtkit.corpus import ParallelText
from mtkit.errors import CorpusError, SettingsError
from mtkit.evaluation.scores import Scores, perplexity_of, score
from mtkit.settings import EvaluateSettings
from mtkit.text.lines import read_lines
from mtkit.translation import Translator


def evaluate(settings: EvaluateSettings, model: str | Path | None = None) -> Scores:
    """Score a model on `settings.test`, or `settings.hypotheses` against `settings.reference`.

    Raises:
        SettingsError: neither or both ways are asked for.
        CorpusError: a file cannot be read, or two do not match line by line.
    """
    if model is None:
        if settings.test:
            raise SettingsError("--test is translated by a MODEL: give the folder that mtkit train wrote")
        if not (settings.hypotheses and settings.reference):
            raise SettingsError("give a MODEL and --test, or --hypotheses and --reference")
        hypotheses, references = list(read_lines(Path(settings.hypotheses))), list(read_lines(Path(settings.reference)))
        language = Path(settings.reference).suffix.removeprefix(".")  # news.zh is scored as Chinese
        return score(hypotheses, references, language=language, names=(settings.hypotheses, settings.reference))
    if settings.hypotheses or settings.reference:
        raise SettingsError("--hypotheses and --reference are scored without a MODEL; with one, give --test")
    if not settings.test:
        raise SettingsError("--test is missing: the text to translate and score")
    translator = Translator.load(
        model,
        search=settings.search,
        device=settings.device,
        threads=settings.threads,
        precision=settings.precision,
        seed=settings.seed,
    )
    text = ParallelText.parse(settings.test, translator.src_lang, translator.tgt_lang)
    pairs = list(text)
    if not pairs:
        raise CorpusError(f"{settings.test}: is empty; there is nothing to score")
    sources, targets = [src for src, _ in pairs], [tgt for _, tgt in pairs]
    translations = [translation.text for translation in translator.translate(sources)]
    pairs_scored = translator.score(sources, targets)
    perplexity = perplexity_of(sum(pair.log_prob for pair in pairs_scored), sum(pair.tokens for pair in pairs_scored))
    return score(translations, targets, language=translator.tgt_lang, perplexity=perplexity)
