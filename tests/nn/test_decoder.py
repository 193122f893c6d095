"""The decoder: `forward` and repeated `step` are one, and its recurrence stands below its attention."""

from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor, nn

from mtkit.nn.decoder import Bridge, Decoder, DecoderState
from mtkit.nn.recurrent import CELLS
from mtkit.settings import NetworkSettings

SRC_LENGTHS = torch.tensor([4, 1, 3])
TARGETS = 5
SMALL = NetworkSettings(decoder_layers=3, embedding_size=5, hidden_size=6, dropout=0.0)


class Example:
    """A decoder in float64, bound to three sources, and target embeddings to run it over."""

    def __init__(self, network: NetworkSettings) -> None:
        self.decoder = Decoder(network).double().eval()
        for weight in self.decoder.parameters():
            torch.nn.init.normal_(weight, std=0.5)
        self.memory = torch.randn(3, 4, network.hidden_size, dtype=torch.float64)
        self.src_padding = torch.arange(4)[None] >= SRC_LENGTHS[:, None]
        self.finals = [torch.randn_like(self.memory[:, 0]).tanh() for _ in range(network.encoder_layers)]
        self.words = torch.randn(3, 4, network.embedding_size, dtype=torch.float64)
        self.embedded = torch.randn(3, TARGETS, network.embedding_size, dtype=torch.float64)

    def start(self) -> DecoderState:
        return self.decoder.start(self.memory, self.src_padding, self.finals, self.words)

    def forward(self) -> tuple[Tensor, Tensor]:
        readout, weights = self.decoder(self.embedded, self.start())
        return readout, weights


def assert_close(one: object, other: object) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_forward_equals_repeated_step(network: NetworkSettings) -> None:
    example = Example(network)
    readout, weights = example.forward()
    state = example.start()
    for position in range(TARGETS):
        one, one_weights, state = example.decoder.step(example.embedded[:, position], state)
        assert_close(one, readout[:, position])
        assert_close(one_weights, weights[:, position])


def test_a_position_never_sees_those_after_it(network: NetworkSettings) -> None:
    example = Example(network)
    readout, weights = example.forward()
    example.embedded[:, 3:] += 1
    changed, changed_weights = example.forward()
    assert_close(changed[:, :3], readout[:, :3])
    assert_close(changed_weights[:, :3], weights[:, :3])
    assert not torch.allclose(changed[:, 3], readout[:, 3])


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("attention", ["none", "dot"])
@pytest.mark.parametrize("cell", CELLS)
def test_layers_stand_as_the_docstring_says(cell: str, attention: str, layers: int, residual: bool) -> None:
    """Without attention the context feeds layer 1; with attention it is asked for by layer 1 and feeds those above."""
    network = replace(SMALL, cell=cell, attention=attention, decoder_layers=layers, residual=residual)
    example = Example(network)
    decoder, start = example.decoder, example.start()

    def attend(query: Tensor) -> Tensor:
        context: Tensor = decoder.attention(query, start.keys, start.memory, start.src_padding)[0]
        return context

    if attention == "none":
        context = attend(example.embedded)
        hidden, _ = decoder.layers[0](torch.cat((example.embedded, context), dim=2), start.hidden[0])
    else:
        hidden, _ = decoder.layers[0](example.embedded, start.hidden[0])
        context = attend(hidden)
    for depth in range(1, layers):
        below = hidden if attention == "none" else torch.cat((hidden, context), dim=2)
        above, _ = decoder.layers[depth](below, start.hidden[depth])
        hidden = hidden + above if residual else above
    assert_close(example.forward()[0], torch.tanh(decoder.readout(torch.cat((hidden, context), dim=2))))


@pytest.mark.parametrize("attention", ["additive", "dot", "general"])
def test_the_first_layer_never_reads_the_attention(attention: str) -> None:
    example = Example(replace(SMALL, attention=attention))
    _, _, state = example.decoder.step(example.embedded[:, 0], example.start())
    example.memory = example.memory + 1
    _, _, other = example.decoder.step(example.embedded[:, 0], example.start())
    assert torch.equal(other.hidden[0][0], state.hidden[0][0])
    assert not torch.allclose(other.hidden[1][0], state.hidden[1][0])


def test_the_readout_is_bounded_by_one_and_with_a_lexicon_by_three(network: NetworkSettings) -> None:
    example = Example(network)
    for weight in [*example.decoder.parameters(), example.words]:
        weight.data.mul_(100)
    assert example.forward()[0].abs().max() <= (1 if example.decoder.lexicon is None else 3)


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("attention", ["additive", "dot", "general"])
def test_a_lexicon_adds_to_the_readout_and_touches_nothing_else(attention: str, heads: int) -> None:
    example = Example(replace(SMALL, attention=attention, attention_heads=heads, lexical=True))
    lexicon = example.decoder.lexicon
    assert lexicon is not None
    _, _, state = example.decoder.step(example.embedded[:, 0], example.start())
    readout, weights = example.forward()
    example.decoder.lexicon = None
    _, _, plain_state = example.decoder.step(example.embedded[:, 0], example.start())
    plain, plain_weights = example.forward()
    attended = torch.tanh(torch.einsum("bts,bse->bte", weights, example.words))
    assert_close(readout - plain, torch.tanh(lexicon.linear(attended)) + attended)
    assert_close(weights, plain_weights)
    assert_close(state.hidden, plain_state.hidden)


def test_without_attention_there_is_no_lexicon() -> None:
    example = Example(replace(SMALL, attention="none", lexical=True))
    assert example.decoder.lexicon is None
    assert example.start().words.shape == (3, 4, 0)


def test_select_reorders_repeats_and_drops(network: NetworkSettings) -> None:
    """Stepping what was selected equals selecting from what was stepped."""
    example = Example(network)
    _, _, state = example.decoder.step(example.embedded[:, 0], example.start())
    readout, weights, after = example.decoder.step(example.embedded[:, 1], state)
    for rows in ([2, 0, 1], [1, 1, 1, 0, 2, 2], [2], [0, 1, 2]):
        selected = state.select(torch.tensor(rows))
        some, some_weights, some_after = example.decoder.step(example.embedded[rows, 1], selected)
        assert_close(some, readout[rows])
        assert_close(some_weights, weights[rows])
        expected = after.select(torch.tensor(rows))
        assert_close(some_after.hidden, expected.hidden)
        assert torch.equal(some_after.memory, example.memory[rows])
        assert torch.equal(some_after.src_padding, example.src_padding[rows])
        assert torch.equal(expected.keys, after.keys[rows])
        assert torch.equal(expected.words, after.words[rows])


def test_join_puts_hypotheses_behind_others(network: NetworkSettings) -> None:
    """Joining what was selected equals selecting all at once."""
    example = Example(network)
    _, _, state = example.decoder.step(example.embedded[:, 0], example.start())
    joined = state.select(torch.tensor([2, 0])).join(state.select(torch.tensor([1, 2, 2])))
    expected = state.select(torch.tensor([2, 0, 1, 2, 2]))
    for name in ("memory", "keys", "src_padding", "words"):
        assert torch.equal(getattr(joined, name), getattr(expected, name))
    assert_close(joined.hidden, expected.hidden)


def test_a_step_leaves_the_state_it_came_from_alone(network: NetworkSettings) -> None:
    """Hypotheses share a past: whoever holds a state may step it again."""
    example = Example(network)
    state = example.start()
    before = [part.clone() for layer in state.hidden for part in layer]
    example.decoder.step(example.embedded[:, 0], state)
    assert_close([part for layer in state.hidden for part in layer], before)


def test_a_bridge_passes_vectors_on_where_both_sides_are_alike() -> None:
    network = NetworkSettings(bidirectional=False, encoder_layers=2, decoder_layers=2, hidden_size=6)
    bridge, finals = Bridge(network), [torch.randn(3, 6), torch.randn(3, 6)]
    assert not list(bridge.parameters())
    for one, final in zip(bridge(finals), finals, strict=True):
        assert one is final


@pytest.mark.parametrize(
    ("encoder_layers", "decoder_layers", "bidirectional", "sources"),
    [(1, 1, True, [0]), (2, 2, True, [0, 1]), (1, 3, False, [0, 0, 0]), (2, 3, False, [0, 1, 1]), (3, 1, False, [0])],
)
def test_a_bridge_maps_where_they_differ_and_a_deeper_decoder_starts_from_the_last_layer(
    encoder_layers: int, decoder_layers: int, bidirectional: bool, sources: list[int]
) -> None:
    network = NetworkSettings(
        bidirectional=bidirectional, encoder_layers=encoder_layers, decoder_layers=decoder_layers, hidden_size=6
    )
    bridge, finals = Bridge(network), [torch.randn(3, 6) for _ in range(encoder_layers)]
    mapped = bridge(finals)
    assert len(mapped) == decoder_layers
    for one, mapping, source in zip(mapped, bridge.maps, sources, strict=True):
        assert isinstance(mapping, nn.Sequential)
        linear = mapping[0]
        assert isinstance(linear, nn.Linear)
        torch.testing.assert_close(one, torch.tanh(finals[source] @ linear.weight.t() + linear.bias))


def test_keys_are_projected_once_a_sentence_and_kept_in_the_state_alone() -> None:
    example = Example(replace(SMALL, attention="general"))
    state = example.start()
    projection = example.decoder.attention.get_parameter("key.weight")
    assert_close(state.keys, example.memory @ projection.t())
    _, _, after = example.decoder.step(example.embedded[:, 0], state)
    assert after.keys is state.keys
    assert not list(example.decoder.buffers())
