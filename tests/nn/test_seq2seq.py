"""The whole network: every shape of it trains and steps, padding and neighbours never show, and the textbook agrees."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor

from mtkit.errors import SettingsError
from mtkit.nn import Seq2Seq, smoothed_cross_entropy
from mtkit.presets import PRESETS
from mtkit.settings import Cell, NetworkSettings, Tying

from . import equations

PAD, BOS, EOS = 0, 2, 3
SRC_PIECES, TGT_PIECES = 11, 13
SMALL = NetworkSettings(embedding_size=5, hidden_size=6, tied_embeddings="target", dropout=0.0)

SOURCES = [[4, 5, 6, 7, EOS], [8, EOS], [9, 10, 4, EOS]]
TARGETS = [[BOS, 5, 6], [BOS, 7, 8, 9, 12], [BOS]]
"""What the decoder reads, so without eos."""


def table(sentences: list[list[int]], filler: int = PAD, extra: int = 0) -> Tensor:
    width = max(map(len, sentences)) + extra
    return torch.tensor([sentence + [filler] * (width - len(sentence)) for sentence in sentences])


def lengths(sentences: list[list[int]]) -> Tensor:
    return torch.tensor([len(sentence) for sentence in sentences])


def make(network: NetworkSettings) -> Seq2Seq:
    """A network in float64 with biases that are not zero."""
    seq2seq = Seq2Seq(network, SRC_PIECES, TGT_PIECES).double().eval()
    for name, weight in seq2seq.named_parameters():
        if "bias" in name:
            torch.nn.init.normal_(weight, std=0.5)
    return seq2seq


def assert_close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tying", ["target", "none"])
def test_every_weight_is_counted_in_one_part(network: NetworkSettings, tying: Tying) -> None:
    seq2seq = Seq2Seq(replace(network, tied_embeddings=tying), SRC_PIECES, TGT_PIECES)
    counts = seq2seq.parameters_by_part()
    assert sum(counts.values()) == sum(weight.numel() for weight in seq2seq.parameters())
    width = network.embedding_size
    assert counts["embeddings"] == (SRC_PIECES + TGT_PIECES) * width
    assert counts["output"] == TGT_PIECES * (1 + width * (tying == "none"))
    assert counts["encoder"] == sum(weight.numel() for weight in seq2seq.encoder.parameters())
    assert counts["attention"] == sum(weight.numel() for weight in seq2seq.decoder.attention.parameters())


def test_every_network_runs_forward_backward_and_step(network: NetworkSettings) -> None:
    """Every parameter gets a finite gradient that is not zero everywhere."""
    seq2seq = make(network).train()
    readout = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))
    assert readout.shape == (3, 5, network.embedding_size)
    real = table(TARGETS) != PAD
    expected = torch.tensor([6, 7, EOS, 8, 9, 10, 11, EOS, 4])
    loss = smoothed_cross_entropy(readout[real], seq2seq.output.weight, seq2seq.output.bias, expected, smoothing=0.1)
    loss.smoothed.backward()
    for name, weight in seq2seq.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name
    logits, weights, _ = seq2seq.step(torch.tensor([BOS] * 3), seq2seq.start(table(SOURCES), lengths(SOURCES)))
    assert logits.shape == (3, TGT_PIECES)
    assert weights.shape == (3, 5)


def test_forward_equals_repeated_step(network: NetworkSettings) -> None:
    seq2seq = make(network)
    logits = seq2seq.logits(seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS)))
    assert logits.shape == (3, 5, TGT_PIECES)
    state = seq2seq.start(table(SOURCES), lengths(SOURCES))
    for position, tokens in enumerate(table(TARGETS).t()):
        one, weights, state = seq2seq.step(tokens, state)
        assert_close(one, logits[:, position])
        assert weights.shape == (3, 5)


def test_padding_never_changes_a_result(network: NetworkSettings) -> None:
    """Neither how much of it there is nor what stands in it, on either side, forward and backward."""
    seq2seq = make(network)
    real = table(TARGETS) != PAD

    def gradients(readout: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad((seq2seq.logits(readout) ** 3).sum(), list(seq2seq.parameters()))

    narrow = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))[real]
    wide = seq2seq(table(SOURCES, filler=9, extra=6), lengths(SOURCES), table(TARGETS, filler=9, extra=4))[:, :5][real]
    assert_close(wide, narrow)
    for one, other in zip(gradients(wide), gradients(narrow), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


def test_padding_gets_no_gradient(network: NetworkSettings) -> None:
    seq2seq = make(network)
    readout = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))
    (readout[table(TARGETS) != PAD] ** 3).sum().backward()
    assert seq2seq.src_embedding.weight.grad is not None
    assert not seq2seq.src_embedding.weight.grad[PAD].any()
    assert seq2seq.src_embedding.weight.grad[EOS].any()


def test_a_batch_equals_its_sentences_one_by_one(network: NetworkSettings) -> None:
    seq2seq = make(network)
    together = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))
    for row, (src, tgt) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        alone = seq2seq(torch.tensor([src]), torch.tensor([len(src)]), torch.tensor([tgt]))
        assert_close(together[row, : len(tgt)], alone[0])


def test_selected_hypotheses_go_on_as_if_they_had_always_stood_there(network: NetworkSettings) -> None:
    seq2seq = make(network)
    rows = torch.tensor([2, 0, 0])
    tokens, more = torch.tensor([5, 6, 7]), torch.tensor([8, 9, 10])
    _, _, state = seq2seq.step(tokens, seq2seq.start(table(SOURCES), lengths(SOURCES)))
    expected = seq2seq.start(table(SOURCES)[rows], lengths(SOURCES)[rows])
    _, _, expected = seq2seq.step(tokens[rows], expected)
    assert_close(seq2seq.step(more, state.select(rows))[0], seq2seq.step(more, expected)[0])


def test_one_seed_gives_one_network(network: NetworkSettings) -> None:
    def draw(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return torch.cat([weight.flatten() for weight in Seq2Seq(network, SRC_PIECES, TGT_PIECES).parameters()])

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))


@pytest.mark.parametrize("tied", ["all", "target", "none"])
def test_tied_tables_are_one(tied: Tying) -> None:
    seq2seq = Seq2Seq(replace(SMALL, tied_embeddings=tied), TGT_PIECES, TGT_PIECES)
    src, tgt, output = seq2seq.src_embedding.weight, seq2seq.tgt_embedding.weight, seq2seq.output.weight
    assert (src is tgt) == (tied == "all")
    assert (tgt is output) == (tied != "none")

    tables = {"all": 1, "target": 2, "none": 3}[tied]
    assert len({table.data_ptr() for table in (src, tgt, output)}) == tables
    total = sum(weight.numel() for weight in seq2seq.parameters())
    rest = sum(weight.numel() for part in (seq2seq.encoder, seq2seq.decoder) for weight in part.parameters())
    assert total == rest + tables * TGT_PIECES * SMALL.embedding_size + TGT_PIECES


@pytest.mark.parametrize("tied", ["all", "target", "none"])
def test_what_is_tied_stays_tied_through_an_update(tied: Tying) -> None:
    seq2seq = Seq2Seq(replace(SMALL, tied_embeddings=tied), TGT_PIECES, TGT_PIECES)
    seq2seq.logits(seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))).square().sum().backward()
    torch.optim.Adam(seq2seq.parameters(), lr=0.1).step()
    src, tgt, output = seq2seq.src_embedding.weight, seq2seq.tgt_embedding.weight, seq2seq.output.weight
    assert torch.equal(src, tgt) == (tied == "all")
    assert torch.equal(tgt, output) == (tied != "none")


def test_embeddings_are_read_at_unit_variance_and_logits_start_at_it() -> None:
    seq2seq = Seq2Seq(NetworkSettings(embedding_size=256, tied_embeddings="target"), 4000, 4000)
    assert (seq2seq.src_embedding.weight * seq2seq.scale).std().item() == pytest.approx(1, abs=0.01)
    assert (seq2seq.output.weight * math.sqrt(256)).std().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"tied_embeddings": "all"},
            "tied_embeddings all needs one joint vocabulary; this corpus has two, of 11 and 13",
        ),
        ({"tied_embeddings": "auto"}, "tied_embeddings auto must be resolved"),
    ],
)
def test_settings_that_do_not_fit_the_vocabularies_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Seq2Seq(replace(SMALL, **change), SRC_PIECES, TGT_PIECES)


def test_bfloat16_stays_close_to_float32(network: NetworkSettings) -> None:
    seq2seq = Seq2Seq(replace(network, embedding_size=32, hidden_size=32), SRC_PIECES, TGT_PIECES).eval()
    exact = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))
    torch.testing.assert_close(rough.float(), exact, rtol=0, atol=0.06)


def assert_equal_losses_and_gradients(network: NetworkSettings) -> None:
    """Those of a padded batch, and those of its sentences by the plain loops of `equations`."""
    seq2seq = make(network)
    tgt_out = table([[*tgt[1:], EOS] for tgt in TARGETS])
    real = tgt_out != PAD
    readout = seq2seq(table(SOURCES), lengths(SOURCES), table(TARGETS))[real]
    loss = smoothed_cross_entropy(readout, seq2seq.output.weight, seq2seq.output.bias, tgt_out[real], smoothing=0.0)
    weights = dict(seq2seq.named_parameters())
    by_hand = torch.stack(
        [
            equations.negative_log_likelihood(network, weights, src, [*tgt, EOS])
            for src, tgt in zip(SOURCES, TARGETS, strict=True)
        ]
    ).sum()
    assert_close(loss.smoothed, by_hand)
    for one, other in zip(
        torch.autograd.grad(loss.smoothed, list(weights.values())),
        torch.autograd.grad(by_hand, list(weights.values())),
        strict=True,
    ):
        assert_close(one, other)


def test_loss_and_gradients_are_those_of_the_equations(network: NetworkSettings) -> None:
    assert_equal_losses_and_gradients(network)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", get_args(Cell))
def test_without_attention_it_is_the_textbook_encoder_decoder(cell: Cell, layers: int) -> None:
    """Dive into Deep Learning, section 10.7, as the preset `tiny` sets it: a fixed context, no residuals, no bridge."""
    tiny = {key: value for key, value in PRESETS["tiny"].items() if key in NetworkSettings.__struct_fields__}
    network = replace(
        NetworkSettings(**tiny),
        cell=cell,
        encoder_layers=layers,
        decoder_layers=layers,
        embedding_size=5,
        hidden_size=6,
    )
    assert (network.attention, network.bidirectional, network.residual) == ("none", False, False)
    assert not any("bridge" in name for name, _ in make(network).named_parameters())
    assert_equal_losses_and_gradients(network)
