"""sacreBLEU's metrics over a corpus of any size: the counts of each block of lines are added up.

`corpus_score` keeps the n-grams of all references, 65 kB for a line of 190 bytes; here they are kept for one block.
The classes override what `sacrebleu.metrics.base.Metric` gives to derive from, seen with 2.6.0: `corpus_score` hands
the counts of all its lines to `_aggregate_and_compute`, and `_compute_score_from_stats` makes a score of their sum.
tests/evaluation/test_statistics.py fails where another version does it differently.

Importing this file imports sacreBLEU, which takes 80 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

from mtkit.errors import InputError, MissingExtraError, SettingsError

_MECAB = {"ja-mecab": "MeCab", "ko-mecab": "mecab_ko"}
"""The packages that sacreBLEU's extras bring, as they are imported."""


class _Running(Metric):
    """A metric whose every `corpus_score` is that of all lines it was ever given."""

    totals: list[int] | None = None
    counts_of_references: frozenset[int] = frozenset()
    num_refs: int

    def add(self, hypotheses: Sequence[str], references: Sequence[Sequence[str | None]]) -> None:
        """Add a block of lines, at least one.

        Args:
            hypotheses: translations, N of them.
            references: one list of N for each reference; None leaves a reference out for one line.
        """
        self.score = float(self.corpus_score(hypotheses, references).score)  # type: ignore[arg-type]
        self.counts_of_references |= {self.num_refs}
        if len(self.counts_of_references) > 1:
            self.num_refs = -1  # sacreBLEU's mark of a number that varies from line to line
        _forget_lines()

    @property
    def signature(self) -> str:
        """Signature of sacreBLEU; there is none before the first block."""
        return str(self.get_signature())

    def _aggregate_and_compute(self, stats: list[list[int]]) -> Any:
        rows = stats if self.totals is None else [self.totals, *stats]
        self.totals = [sum(column) for column in zip(*rows, strict=True)]
        return self._compute_score_from_stats(self.totals)


class RunningBleu(_Running, BLEU):
    """BLEU, cased; `force` keeps sacreBLEU from printing a warning where text looks tokenised.

    Raises:
        SettingsError: sacreBLEU has no such `tokenize`.
        MissingExtraError: `tokenize` needs a package that is not installed, or does not work.
        InputError: `tokenize` needs a model that cannot be downloaded.
    """

    def __init__(self, tokenize: str) -> None:
        if tokenize not in BLEU.TOKENIZERS:
            raise SettingsError(f"`tokenize={tokenize}`: sacreBLEU knows {', '.join(BLEU.TOKENIZERS)}")
        try:
            super().__init__(tokenize=tokenize, force=True)
        except (RuntimeError, AssertionError) as error:  # it asserts that MeCab has the dictionary it knows
            if tokenize not in _MECAB:
                raise
            raise _without_mecab(tokenize) from error
        except OSError as error:
            raise InputError(
                f"BLEU with {tokenize} needs a model that sacreBLEU could not download: {error}"
            ) from error

    def words(self, line: str) -> int:
        """Return how many words the tokenizer makes of a line."""
        return len(self.tokenizer(line.rstrip()).split())


class RunningChrf(_Running, CHRF):
    """chrF2."""


def _without_mecab(tokenize: str) -> MissingExtraError:
    """Say what a tokenizer needs: its package or, where that is there, the dictionary that comes with it."""
    extra = f"'sacrebleu[{tokenize.removesuffix('-mecab')}]'"
    if find_spec(_MECAB[tokenize]):
        return MissingExtraError(f"BLEU with {tokenize} finds no dictionary: pip install --force-reinstall {extra}")
    return MissingExtraError(f"BLEU with {tokenize} needs a package: pip install {extra}")


def _forget_lines() -> None:
    """Empty the tokenizers' caches, which keep 65,536 lines each, whatever their length."""
    for tokenizer in BaseTokenizer.__subclasses__():
        if clear := getattr(tokenizer.__call__, "cache_clear", None):
            clear()
