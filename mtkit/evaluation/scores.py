"""BLEU and chrF as sacreBLEU computes them (Post 2018), and perplexity.

sacreBLEU is imported where it is used: it takes 80 ms, which a command that does not score should not pay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from mtkit.errors import CorpusError, InputError, MissingExtraError, SettingsError


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Corpus scores: BLEU and chrF2 from 0 to 100, their sacreBLEU signatures, and with a model its perplexity."""

    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str
    sentences: int
    perplexity: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that have a value, in their order."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}

    def as_json(self) -> str:
        """Return `as_dict` as JSON, in which an infinite perplexity is null."""
        return msgspec.json.encode(self.as_dict()).decode()


def score(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    language: str = "",
    tokenize: str = "",
    names: tuple[str, str] = ("hypotheses", "references"),
    perplexity: float | None = None,
) -> Scores:
    """Score translations against one reference each: detokenised text, cased.

    Args:
        hypotheses: translations, one a sentence.
        references: their references.
        language: target language code; it chooses how BLEU splits words.
        tokenize: sacreBLEU's name of another way to split them: 13a, intl, char, none, ...
        names: what messages call the two sides: file names, where there are files.
        perplexity: of the model, to be reported with the rest.

    Raises:
        CorpusError: there are no lines, or not as many on both sides.
        SettingsError: sacreBLEU has no such `tokenize`.
        MissingExtraError: `tokenize` needs a package that is not installed.
        InputError: `tokenize` needs a model that cannot be downloaded.
    """
    if len(hypotheses) != len(references):
        raise CorpusError(
            f"{names[0]} has {len(hypotheses)} lines but {names[1]} has {len(references)}; line by line they must match"
        )
    if not hypotheses:
        raise CorpusError(f"{names[0]} and {names[1]} are empty: there is nothing to score")

    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = _bleu(tokenize or _tokenize(language)), CHRF()
    return Scores(
        bleu=bleu.corpus_score(hypotheses, [references]).score,
        chrf=chrf.corpus_score(hypotheses, [references]).score,
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
        sentences=len(hypotheses),
        perplexity=perplexity,
    )


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], language: str = "") -> float:
    """Return only the BLEU of `score`, for lines that are known to match."""
    return float(_bleu(_tokenize(language)).corpus_score(hypotheses, [references]).score)


def perplexity_of(log_prob: float, tokens: int) -> float:
    """Return the perplexity of `tokens` (eos included) whose natural log-probabilities sum to `log_prob`; maybe inf."""
    try:
        return math.exp(-log_prob / tokens)
    except OverflowError:
        return math.inf


def _tokenize(language: str) -> str:
    """Return how sacreBLEU recommends to split a language's words."""
    return {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}.get(language, "13a")


def _bleu(tokenize: str) -> Any:
    """Return sacreBLEU's metric; `force` keeps it from printing a warning where text looks tokenised."""
    from sacrebleu.metrics.bleu import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise SettingsError(f"tokenize={tokenize}: sacreBLEU knows {', '.join(BLEU.TOKENIZERS)}")
    try:
        return BLEU(tokenize=tokenize, force=True)
    except RuntimeError as error:
        package = f"sacrebleu[{tokenize.removesuffix('-mecab')}]"
        raise MissingExtraError(f"BLEU with {tokenize} needs a package: pip install '{package}'") from error
    except OSError as error:
        raise InputError(f"BLEU with {tokenize} needs a model that sacreBLEU could not download: {error}") from error
