"""The gradient of an update is that of all its tokens, in however many passes it is worked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtkit.dataset.batches import Batch, assemble
from mtkit.errors import TrainingError
from mtkit.nn import Loss, Seq2Seq, smoothed_cross_entropy
from mtkit.settings import NetworkSettings
from mtkit.text.vocabulary import PAD
from mtkit.training.gradients import accumulate, halved, widened

PAIRS = [([4, 5, 6], [7]), ([5, 4], [6, 7, 8]), ([8, 8], [4, 5]), ([6], [5]), ([7, 4, 4, 4], [8, 8, 8, 8, 8])]


def batch_of(pairs: list[tuple[list[int], list[int]]]) -> Batch:
    return assemble([src for src, _ in pairs], [tgt for _, tgt in pairs])


class Pass:
    """A network in float64 without dropout, and the sizes of its batches; too large ones find no memory."""

    def __init__(self, memory: float = np.inf) -> None:
        torch.manual_seed(1)
        shape = NetworkSettings(embedding_size=4, hidden_size=6, dropout=0.0, tied_embeddings="all")
        self.network = Seq2Seq(shape, 9, 9).double()
        self.memory = memory
        self.sizes: list[int] = []

    def __call__(self, batch: Batch) -> Loss:
        self.sizes.append(batch.size)
        if batch.size > self.memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        src, lengths, tgt_in, tgt_out = map(torch.from_numpy, vars(batch).values())
        real = tgt_out != PAD
        output = self.network.output
        return smoothed_cross_entropy(
            self.network(src, lengths, tgt_in)[real], output.weight, output.bias, tgt_out[real], 0.1
        )

    def gradients(self) -> list[torch.Tensor]:
        return [weight.grad for weight in self.network.parameters() if weight.grad is not None]


@pytest.mark.parametrize("pass_tokens", [0, 1, 7, 12, 18, 1000])
@pytest.mark.parametrize("cuts", [[], [2], [1, 2, 4]])
def test_parts_and_batches_make_the_gradient_of_the_whole(cuts: list[int], pass_tokens: int) -> None:
    whole, parts = Pass(), Pass()
    everything = batch_of(PAIRS)
    loss = accumulate(whole, [everything], everything.tokens, 0)
    ends = zip([0, *cuts], [*cuts, len(PAIRS)], strict=True)
    batches = [batch_of(PAIRS[first:last]) for first, last in ends]
    found = accumulate(parts, batches, everything.tokens, pass_tokens)
    torch.testing.assert_close(found, loss, rtol=1e-12, atol=0)
    for one, other in zip(whole.gradients(), parts.gradients(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-12)
    if pass_tokens:
        longest = max(batch.size // len(batch.src) for batch in batches)
        assert max(parts.sizes) <= max(pass_tokens, longest)


def test_no_memory_is_told_by_none() -> None:
    assert accumulate(Pass(memory=10), [batch_of(PAIRS[3:4]), batch_of(PAIRS)], 20, 0) is None


def test_the_limit_is_halved_down_to_single_pairs() -> None:
    batch = batch_of(PAIRS)  # 5 pairs of at most 6 tokens
    assert halved([batch_of(PAIRS[3:4]), batch], 0) == 15
    assert halved([batch], 1000) == 15
    assert halved([batch], 15) == 7
    assert all(len(part.src) == 1 for part in batch.split(7))
    with pytest.raises(
        TrainingError, match="no memory for a single sentence pair of 6 tokens; prepare the corpus with"
    ):
        halved([batch], 7)


def test_a_widened_batch_is_a_batch_whose_longest_sentences_are_as_much_longer() -> None:
    batch = batch_of(PAIRS)
    wide = widened(batch, 1.5)
    assert (wide.src.shape, wide.tgt_in.shape, wide.tgt_out.shape) == ((5, 8), (5, 9), (5, 9))
    assert wide.src_lengths.tolist() == [6, 5, 5, 3, 8]
    assert all((row[:6] == small).all() for row, small in zip(wide.tgt_out, batch.tgt_out, strict=True))
    assert torch.isfinite(Pass()(wide).smoothed)
