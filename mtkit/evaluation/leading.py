"""Which score can tell models apart, and which of two models is the better one by it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from mtkit.errors import MissingExtraError
from mtkit.evaluation.blocks import blocks, normalised
from mtkit.evaluation.tokenizers import splitting_choice, tokenizer_for, unspaced_letters, unsplit_scripts

if TYPE_CHECKING:
    from mtkit.evaluation.statistics import RunningBleu

MetricName = Literal["bleu", "chrf"]
LABELS: dict[MetricName, str] = {"bleu": "BLEU", "chrf": "chrF2"}

BLEU_ORDER = 4
_LEAST_SHARE = 0.1
"""Of the references that must have `BLEU_ORDER` words; fewer of them would decide BLEU alone, at random."""


class Leading(msgspec.Struct, frozen=True):
    """The score that can tell models apart on given references: BLEU wherever it can be counted, and else chrF2."""

    name: MetricName = "bleu"
    reason: str = ""
    """Why it is not BLEU."""
    advice: str = ""
    """What lets BLEU be counted, where that is in the user's hands."""

    @property
    def label(self) -> str:
        """The name that is printed: BLEU or chrF2."""
        return LABELS[self.name]

    def __str__(self) -> str:
        """Return one line for the user: `chrF2 leads: BLEU needs runs of 4 words, which 0 of 12 references have`."""
        return f"{self.label} leads: {'; '.join(filter(None, (self.reason, self.advice)))}".removesuffix(": ")


class ReferenceProfile:
    """What of the references decides whether BLEU can be counted, added up line by line."""

    def __init__(self) -> None:
        self.lines = 0
        self.long_lines = 0
        self.letters: Counter[str] = Counter()

    def add(self, lines: Sequence[str], words: Iterable[int]) -> None:
        """Add references and the number of words that BLEU's tokenizer makes of each."""
        self.lines += len(lines)
        self.long_lines += sum(count >= BLEU_ORDER for count in words)
        self.letters += unspaced_letters(lines)

    def leading(self, tokenizer: str) -> Leading:
        """Return the score that leads where BLEU splits words by this tokenizer."""
        if scripts := unsplit_scripts(self.letters, tokenizer):
            reason = f"BLEU's tokenizer {tokenizer} does not split {' and '.join(scripts[:2])} into words"
            return Leading("chrf", reason, f"{splitting_choice(scripts[0])} does")
        if self.long_lines < _LEAST_SHARE * self.lines:
            counts = f"{self.long_lines:,} of {self.lines:,} references"
            return Leading("chrf", f"BLEU needs runs of {BLEU_ORDER} words, which {counts} have")
        return Leading()


def bleu_for(language: str) -> RunningBleu | Leading:
    """Return BLEU with the tokenizer of a target language, or what leads because its package is not installed."""
    from mtkit.evaluation.statistics import RunningBleu

    try:
        return RunningBleu(tokenizer_for(language))
    except MissingExtraError as error:
        reason, _, advice = str(error).partition(": ")
        return Leading("chrf", reason, advice)


def leading_for(language: str, references: Iterable[str] = ()) -> Leading:
    """Return the score that leads for a target language and, where there are any, on these references.

    Without references, before any text is read, only a missing package speaks against BLEU.
    """
    bleu = bleu_for(language)
    if isinstance(bleu, Leading):
        return bleu
    profile = ReferenceProfile()
    for (block,) in blocks((references,), ("references",)):
        lines = normalised(block)
        profile.add(lines, map(bleu.words, lines))
    return profile.leading(tokenizer_for(language))


class ModelScore(msgspec.Struct, frozen=True):
    """What a model is worth on validation text: the score that leads there, from 0 to 100, and its perplexity."""

    metric: MetricName
    value: float
    perplexity: float

    def is_better_than(self, other: ModelScore | None) -> bool:
        """Whether it is the better model of two; equal scores leave it to the perplexity, and so do different metrics.

        A perplexity that is not finite is worse than every other.
        """
        if other is None:
            return True
        if self.metric == other.metric and self.value != other.value:
            return self.value > other.value
        return _finite(self.perplexity) < _finite(other.perplexity)

    def shows_progress(self, best: ModelScore | None, lowest_perplexity: float) -> bool:
        """Whether training still gains: it is better than the best so far, or its perplexity is lower than ever.

        Where this is so, patience does not run and the learning rate is not halved.
        """
        return self.is_better_than(best) or self.perplexity < lowest_perplexity

    def reaches(self, *, bleu: float, chrf: float) -> bool:
        """Whether the score is at least the threshold for its metric."""
        return self.value >= (bleu if self.metric == "bleu" else chrf)

    def __str__(self) -> str:
        """Return it as it is printed: `BLEU 34.20`."""
        return f"{LABELS[self.metric]} {self.value:.2f}"


def _finite(perplexity: float) -> float:
    return perplexity if math.isfinite(perplexity) else math.inf
