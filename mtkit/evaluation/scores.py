"""BLEU and chrF as sacreBLEU computes them (Post 2018), of a corpus of any size, and perplexity.

sacreBLEU is imported where it is used: it takes 80 ms, which a command that does not score should not pay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from mtkit.errors import CorpusError
from mtkit.evaluation.blocks import NORMALISATION, blocks, normalised, without_blanks
from mtkit.evaluation.leading import Leading, ReferenceProfile, bleu_for, leading_for
from mtkit.evaluation.tokenizers import tokenizer_for


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Corpus scores: BLEU and chrF2 from 0 to 100, their sacreBLEU signatures, and with a model its perplexity.

    `bleu` and its signature are None where the language's tokenizer needs a package that is not installed.
    """

    bleu: float | None
    chrf: float
    bleu_signature: str | None
    chrf_signature: str
    normalisation: str = NORMALISATION
    """What both sides went through before they were compared; sacreBLEU's signatures do not know of it."""
    leading: Leading
    """The score that can tell systems apart on these references, and why it is not BLEU."""
    sentences: int
    blank_references: int
    """Lines of references without a word; those beside others for the same line are left out."""
    perplexity: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that have a value, in their order."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in fields.items() if value is not None}

    def as_json(self) -> str:
        """Return `as_dict` as JSON, in which an infinite perplexity is null."""
        return msgspec.json.encode(self.as_dict()).decode()


class RunningScores:
    """Scores of translations that are added block by block: detokenised text, cased, in the target's normal form.

    Args:
        language: target language code; it chooses how BLEU splits words.
        tokenize: sacreBLEU's name of another way to split them: 13a, intl, char, none, ...

    Raises:
        SettingsError: sacreBLEU has no such `tokenize`.
        MissingExtraError: `tokenize` needs a package that is not installed.
        InputError: `tokenize` needs a model that cannot be downloaded.
    """

    def __init__(self, language: str = "", tokenize: str = "") -> None:
        from mtkit.evaluation.statistics import RunningBleu, RunningChrf

        self.tokenizer = tokenize or tokenizer_for(language)
        bleu = RunningBleu(tokenize) if tokenize else bleu_for(language)
        self._bleu = None if isinstance(bleu, Leading) else bleu
        self._without_bleu = bleu if isinstance(bleu, Leading) else None
        self._chrf = RunningChrf()
        self._profile = ReferenceProfile()
        self.sentences = 0
        self.blank_references = 0

    def add(self, hypotheses: Iterable[str], *references: Iterable[str]) -> None:
        """Add lines, as many from each side."""
        translations, sides = normalised(hypotheses), [normalised(lines) for lines in references]
        self.sentences += len(translations)
        self.blank_references += sum(lines.count("") for lines in sides)
        kept = without_blanks(sides)
        if self._bleu:
            for lines in sides:
                self._profile.add(lines, map(self._bleu.words, lines))
            self._bleu.add(translations, kept)
        self._chrf.add(translations, kept)

    def scores(self, perplexity: float | None = None) -> Scores:
        """Return the scores of all lines, at least one, and a model's perplexity with them."""
        return Scores(
            bleu=self._bleu.score if self._bleu else None,
            chrf=self._chrf.score,
            bleu_signature=self._bleu.signature if self._bleu else None,
            chrf_signature=self._chrf.signature,
            leading=self._without_bleu or self._profile.leading(self.tokenizer),
            sentences=self.sentences,
            blank_references=self.blank_references,
            perplexity=perplexity,
        )


def score(
    hypotheses: Iterable[str],
    references: Iterable[str],
    *more_references: Iterable[str],
    language: str = "",
    tokenize: str = "",
    names: Sequence[str] = (),
    perplexity: float | None = None,
) -> Scores:
    """Score translations against one reference or several each: detokenised text, cased.

    All sides are read once, in step, and no more than a block of lines is kept.

    Args:
        hypotheses: translations, one a sentence.
        references: their references, one for each sentence.
        more_references: other references of the same sentences.
        language: target language code; it chooses how BLEU splits words.
        tokenize: sacreBLEU's name of another way to split them: 13a, intl, char, none, ...
        names: what messages call the sides, in their order: file names, where there are files.
        perplexity: of the model, to be reported with the rest.

    Raises:
        CorpusError: there are no lines, or not as many on all sides.
        SettingsError, MissingExtraError, InputError: as `RunningScores`.
    """
    running = RunningScores(language, tokenize)
    for block in blocks((hypotheses, references, *more_references), names):
        running.add(*block)
    if not running.sentences:
        raise CorpusError(f"{' and '.join(names) or 'hypotheses and references'} are empty: there is nothing to score")
    return running.scores(perplexity)


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], language: str = "") -> float:
    """Return only the BLEU of `score`, for lines that are known to match; errors are those of `RunningScores`."""
    from mtkit.evaluation.statistics import RunningBleu

    bleu = RunningBleu(tokenizer_for(language))
    for block in blocks((hypotheses, references)):
        bleu.add(*_pair(block))
    return bleu.score


def corpus_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Return only the chrF2 of `score`, for lines that are known to match."""
    from mtkit.evaluation.statistics import RunningChrf

    chrf = RunningChrf()
    for block in blocks((hypotheses, references)):
        chrf.add(*_pair(block))
    return chrf.score


class LeadingMetric:
    """The score that leads on validation references, chosen once and computed again and again.

    `leading` says which one it is and, where it is not BLEU, why.

    Args:
        language: target language code.
        references: the references, at least one line; they are kept.
    """

    def __init__(self, language: str, references: Sequence[str]) -> None:
        self.language = language
        self.references = references
        self.leading = leading_for(language, references)

    def __call__(self, hypotheses: Sequence[str]) -> float:
        """Return the score, from 0 to 100, of translations that match the references line by line."""
        if self.leading.name == "bleu":
            return corpus_bleu(hypotheses, self.references, self.language)
        return corpus_chrf(hypotheses, self.references)


def perplexity_of(log_prob: float, tokens: int) -> float:
    """Return the perplexity of `tokens` (eos included) whose natural log-probabilities sum to `log_prob`; maybe inf."""
    try:
        return math.exp(-log_prob / tokens)
    except OverflowError:
        return math.inf


def _pair(block: Sequence[list[str]]) -> tuple[list[str], list[list[str]]]:
    hypotheses, references = map(normalised, block)
    return hypotheses, [references]
