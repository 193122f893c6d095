"""What a target has to obey: a prefix it begins with, a least and a greatest length, no run of pieces said twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtkit.arrays import Ids, Reals
from mtkit.search.active_hypotheses import ActiveHypotheses
from mtkit.search.stepper import Candidates, S, Stepper
from mtkit.settings import SearchSettings

FREE = -1
"""In the table of prefixes: nothing is prescribed."""


@dataclass(frozen=True)
class Rules:
    """The rules of N sentences.

    `min_pieces` (N,) come before eos, 1 at least, so that no translation is empty; `max_lengths` (N,) are the most
    tokens, eos included, and more than the prefix has; `prefixes` (N, P) hold the pieces that targets begin with, then
    FREE; a run of `no_repeat_ngram` pieces never comes twice, unless that is 0.
    """

    eos: int
    min_pieces: Ids
    max_lengths: Ids
    prefixes: Ids
    no_repeat_ngram: int

    @classmethod
    def of(
        cls, settings: SearchSettings, src_lengths: Ids, *, eos: int, prefixes: Sequence[Sequence[int]] | None
    ) -> Rules:
        """Apply the settings to sources of `src_lengths` (N,), eos included.

        A translation hardly ever gets to the greatest length: what does is a loop. A longer prefix raises it.
        """
        table = prefix_table(prefixes or [()] * len(src_lengths))
        longest = _round_up(settings.max_length_ratio * src_lengths) + 20
        return cls(
            eos=eos,
            min_pieces=np.maximum(_round_up(settings.min_length_ratio * (src_lengths - 1)), 1),
            max_lengths=np.maximum(longest, (table != FREE).sum(axis=1) + 1),
            prefixes=table,
            no_repeat_ngram=settings.no_repeat_ngram,
        )

    def step(self, stepper: Stepper[S], active: ActiveHypotheses, state: S, k: int) -> tuple[Candidates, S]:
        """Take active hypotheses one token further, as `Stepper.step` does, by these rules.

        Where a prefix goes on, its next token is the only candidate, whatever the other rules say. Where they leave no
        candidate at all, eos is the only one.
        """
        prescribed, required = self._prescribed(active), None
        if prescribed is not None:
            required = np.where(prescribed == FREE, self.eos, prescribed)
        elif self.no_repeat_ngram:
            required = np.full(len(active.sentences), self.eos)
        candidates, state = stepper.step(
            active.targets[:, -1],
            state,
            k,
            required=required,
            banned=self._banned(active),
            attention=active.attention is not None,
        )
        if required is not None:
            only = candidates.log_probs[:, 0] == -np.inf
            if prescribed is not None:
                only |= prescribed != FREE
            candidates = _leave_only(candidates, required, only)
        return candidates, state

    def _prescribed(self, active: ActiveHypotheses) -> Ids | None:
        """Return the next token (R,) of each prefix, FREE where it is over; None where all are."""
        width = self.prefixes.shape[1]
        if not (width and (inside := active.lengths < width).any()):
            return None
        return np.where(inside, self.prefixes[active.sentences, active.lengths.clip(max=width - 1)], FREE)

    def _banned(self, active: ActiveHypotheses) -> tuple[Ids, Ids] | None:
        short = active.lengths < self.min_pieces[active.sentences]
        if not self.no_repeat_ngram and not short.any():  # nearly every step
            return None
        rows = np.flatnonzero(short)
        ids = np.full(rows.size, self.eos)
        if self.no_repeat_ngram:
            more_rows, more_ids = completions(active.targets, active.lengths, self.no_repeat_ngram)
            rows, ids = np.concatenate((rows, more_rows)), np.concatenate((ids, more_ids))
        return (rows, ids) if rows.size else None


def prefix_table(prefixes: Sequence[Sequence[int]]) -> Ids:
    """Make one table (N, P) of prefixes: [[5, 6], [7]] gives [[5, 6], [7, FREE]]."""
    table = np.full((len(prefixes), max(map(len, prefixes))), FREE, dtype=np.int64)
    for row, prefix in zip(table, prefixes, strict=True):
        row[: len(prefix)] = prefix
    return table


def completions(targets: Ids, lengths: Ids, n: int) -> tuple[Ids, Ids]:
    """Return rows (M,) and ids (M,): what would make the last n - 1 pieces of a target an n-gram it already holds.

    The target 5 6 7 5 6 holds 5 6 7, so that at n = 3 its next piece must not be 7.

    Args:
        targets: (R, T) ids, the last of which are each target's pieces.
        lengths: (R,) pieces of each target.
        n: length of an n-gram, at least 1.
    """
    width = targets.shape[1]
    if width < n:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    ngrams = np.lib.stride_tricks.sliding_window_view(targets, n, axis=1)  # (R, T - n + 1, n)
    last = targets[:, None, width - n + 1 :]  # (R, 1, n - 1)
    held = np.arange(width - n + 1) >= (width - lengths)[:, None]  # and not begun before the target
    rows, places = np.nonzero((ngrams[:, :, :-1] == last).all(axis=2) & held)
    return rows, ngrams[rows, places, -1]


def _leave_only(candidates: Candidates, tokens: Ids, rows: NDArray[np.bool_]) -> Candidates:
    """Make the required `tokens` (R,) the only candidates of some rows (R,)."""
    assert candidates.required is not None  # a stepper returns what was required
    ids, log_probs = candidates.ids.copy(), candidates.log_probs.copy()
    ids[rows, 0] = tokens[rows]
    log_probs[rows] = -np.inf
    log_probs[rows, 0] = candidates.required[rows]
    return replace(candidates, ids=ids, log_probs=log_probs)


def _round_up(lengths: Reals) -> Ids:
    whole: Ids = np.ceil(lengths - 1e-9).astype(np.int64)  # 1.1 * 10 is 11.000000000000002, and means 11
    return whole
