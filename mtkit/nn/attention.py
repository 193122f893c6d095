"""How the decoder looks at the source: a fixed context, or attention in one or several heads.

Legend: B sentences, T target positions, S source positions, H the width of queries and of the memory alike. Heads
read slices of the memory; there is no value projection, so that a context stays within the memory's own bounds.
Scores are normalised in float32, or in what is wider.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Attention(nn.Module, ABC):
    """Base of all attentions.

    `project` binds to a source once a sentence; what it returns lives in the decoder's state, never on the module.
    """

    needs_query = True
    """False where the context is known before the decoder's first layer has run, and so may feed it."""

    def __init__(self, hidden_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_size = hidden_size // heads

    @abstractmethod
    def project(self, memory: Tensor, final: Tensor) -> Tensor:
        """Make the keys from the memory (B, S, H) and the encoder's final hidden vector (B, H)."""

    @abstractmethod
    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, src_padding: Tensor) -> tuple[Tensor, Tensor]:
        """Return the contexts (B, T, H) of the queries (B, T, H) and the weights (B, T, S), averaged over heads.

        `src_padding` (B, S) is True at padding, where weights are zero.
        """


class FixedContext(Attention):
    """No attention: every position sees the encoder's final hidden vector (Cho et al. 2014, Sutskever et al. 2014)."""

    needs_query = False

    def project(self, memory: Tensor, final: Tensor) -> Tensor:
        """See `Attention`; the keys are the context itself, (B, 1, H)."""
        return final[:, None]

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, src_padding: Tensor) -> tuple[Tensor, Tensor]:
        """See `Attention`; the weights are uniform over the sentence, for want of any."""
        real = (~src_padding).float()
        weights = (real / real.sum(dim=1, keepdim=True))[:, None]
        return keys.expand(-1, query.shape[1], -1), weights.expand(-1, query.shape[1], -1)


class ScoredAttention(Attention):
    """Softmax over scores of each head, whose values are slices of the memory."""

    def project(self, memory: Tensor, final: Tensor) -> Tensor:
        """See `Attention`; the keys are the memory itself."""
        return memory

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, src_padding: Tensor) -> tuple[Tensor, Tensor]:
        """See `Attention`."""
        scores = self.scores(self._split(query), self._split(keys))
        exact = scores.to(torch.promote_types(scores.dtype, torch.float32))
        weights = exact.masked_fill(src_padding[:, None, None], -math.inf).softmax(dim=3)
        values = self._split(memory)
        context = (weights.to(values.dtype) @ values).transpose(1, 2).flatten(2)
        return context, weights.mean(dim=1)

    @abstractmethod
    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """Return the scores (B, heads, T, S) of queries (B, heads, T, H / heads) against keys of the same form."""

    def _split(self, states: Tensor) -> Tensor:
        return states.view(*states.shape[:2], self.heads, self.head_size).transpose(1, 2)


class DotAttention(ScoredAttention):
    """score = q . k / sqrt(width of a head) (Luong et al. 2015, scaled as in Vaswani et al. 2017)."""

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """See `ScoredAttention`."""
        return query @ keys.transpose(2, 3) / math.sqrt(self.head_size)


class GeneralAttention(DotAttention):
    """score = q . W m / sqrt(width of a head) (Luong et al. 2015); W m is computed once a sentence."""

    def __init__(self, hidden_size: int, heads: int) -> None:
        super().__init__(hidden_size, heads)
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)

    def project(self, memory: Tensor, final: Tensor) -> Tensor:
        """See `Attention`."""
        return self.key(memory)  # type: ignore[no-any-return]


class AdditiveAttention(ScoredAttention):
    """score = v . tanh(W q + U m) (Bahdanau et al. 2015); each head has its own slice of v."""

    target_slice = 16
    """Target positions scored at a time: the table of all of them, (B, T, S, H), would not fit a cache."""

    def __init__(self, hidden_size: int, heads: int) -> None:
        super().__init__(hidden_size, heads)
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.vector = nn.Parameter(torch.empty(heads, self.head_size).uniform_(-1, 1) / math.sqrt(self.head_size))

    def project(self, memory: Tensor, final: Tensor) -> Tensor:
        """See `Attention`."""
        return self.key(memory)  # type: ignore[no-any-return]

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, src_padding: Tensor) -> tuple[Tensor, Tensor]:
        """See `Attention`."""
        return super().forward(self.query(query), keys, memory, src_padding)

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """See `ScoredAttention`."""
        vector = self.vector.to(query.dtype)[:, None, :, None]
        parts = [
            (torch.tanh(part[:, :, :, None] + keys[:, :, None]) @ vector)[..., 0]
            for part in query.split(self.target_slice, dim=2)
        ]
        return torch.cat(parts, dim=2)


ATTENTIONS: dict[str, type[Attention]] = {
    "none": FixedContext,
    "additive": AdditiveAttention,
    "dot": DotAttention,
    "general": GeneralAttention,
}
