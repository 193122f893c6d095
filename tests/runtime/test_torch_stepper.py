"""The torch network behind the search's protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from mtkit.errors import ModelFolderError, SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.runtime.torch_stepper import TorchStepper, choose_precision, load_torch_stepper, torch_device
from mtkit.search import score_targets, search
from mtkit.settings import NetworkSettings, SearchSettings
from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, NEVER, PAD, UNK

PIECES = 15
CPU = torch.device("cpu")
SENTENCES = [[4, 5, 6, 7], [8], [9, 10, 11, 12, 4, 5], [13, 14]]
SRC, LENGTHS = pad(SENTENCES, after=[EOS]), np.array([len(sentence) + 1 for sentence in SENTENCES])
NETWORKS = [
    NetworkSettings(cell="gru", attention="dot", decoder_layers=2),
    NetworkSettings(cell="lstm", attention="additive", decoder_layers=1),
    NetworkSettings(cell="gru", attention="none", bidirectional=False),
]


@pytest.fixture(params=NETWORKS, ids=lambda network: f"{network.cell}-{network.attention}")
def network(request: pytest.FixtureRequest) -> Seq2Seq:
    """An untrained network with logits of some size, in float64 so that equal means equal."""
    torch.manual_seed(1)
    settings = replace(request.param, embedding_size=12, hidden_size=12, tied_embeddings="target")
    seq2seq = Seq2Seq(settings, PIECES, PIECES).double().eval()
    seq2seq.output.weight.data.mul_(8)
    torch.nn.init.normal_(seq2seq.output.bias)
    return seq2seq


@pytest.fixture
def stepper(network: Seq2Seq) -> TorchStepper:
    return TorchStepper(network)


def step_once(stepper: TorchStepper, k: int = PIECES, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """The candidates after bos: their log-probabilities in a table (N, V), nan where there is none, and their ids."""
    candidates, _ = stepper.step(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), k, **options)
    table = np.full((len(SRC), PIECES), np.nan)
    np.put_along_axis(table, candidates.ids, candidates.log_probs, axis=1)
    return table, candidates.ids


def all_log_probs(stepper: TorchStepper) -> np.ndarray:
    """The log-probability of every piece after bos, (N, V), asked for one by one."""
    columns = []
    for piece in range(PIECES):
        state = stepper.start(SRC, LENGTHS)
        candidates, _ = stepper.step(np.full(len(SRC), BOS), state, 1, required=np.full(len(SRC), piece))
        assert candidates.required is not None
        columns.append(candidates.required)
    return np.stack(columns, axis=1)


def test_log_probabilities_are_normalised_over_the_whole_vocabulary(stepper: TorchStepper) -> None:
    np.testing.assert_allclose(np.exp(all_log_probs(stepper)).sum(axis=1), 1, rtol=1e-5)


def test_candidates_have_the_probabilities_that_can_be_required(stepper: TorchStepper) -> None:
    table, _ = step_once(stepper)
    expected = all_log_probs(stepper)
    expected[:, NEVER] = -np.inf
    np.testing.assert_array_equal(table, expected)


def test_padding_unk_and_bos_are_never_candidates(stepper: TorchStepper) -> None:
    assert set(NEVER) == {PAD, UNK, BOS}
    stepper.network.output.bias.data[NEVER] = 100.0
    table, ids = step_once(stepper, k=PIECES - len(NEVER))
    assert not np.isin(ids, NEVER).any()
    assert np.isfinite(table[:, [EOS, *range(4, PIECES)]]).all()


@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_k_best_come_best_first(stepper: TorchStepper, k: int) -> None:
    whole, order = step_once(stepper)
    table, ids = step_once(stepper, k=k)
    assert ids.shape == (len(SRC), k)
    np.testing.assert_array_equal(ids, order[:, :k])
    ranked = np.take_along_axis(whole, order, axis=1)
    assert (np.diff(ranked[:, :-3], axis=1) <= 0).all()
    assert np.nanmax(table) == np.nanmax(whole)


def test_a_k_beyond_the_vocabulary_gives_all_there_is(stepper: TorchStepper) -> None:
    _, ids = step_once(stepper, k=PIECES + 100)
    assert ids.shape == (len(SRC), PIECES)


def test_banned_pairs_leave_before_the_best_are_taken_and_nothing_else_changes(stepper: TorchStepper) -> None:
    whole, order = step_once(stepper)
    rows, pieces = np.array([0, 0, 2]), np.array([order[0, 0], order[0, 2], order[2, 1]])
    table, ids = step_once(stepper, k=4, banned=(rows, pieces))
    assert ids[0].tolist() == order[0, [1, 3, 4, 5]].tolist()
    assert ids[1].tolist() == order[1, :4].tolist()
    assert ids[2].tolist() == order[2, [0, 2, 3, 4]].tolist()
    some = np.isfinite(table)
    np.testing.assert_array_equal(table[some], whole[some])


def test_what_is_required_is_returned_even_where_it_is_banned(stepper: TorchStepper) -> None:
    expected = all_log_probs(stepper)
    rows, required = np.arange(len(SRC)), np.array([4, EOS, 7, UNK])
    candidates, _ = stepper.step(
        np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), 1, required=required, banned=(rows, required)
    )
    np.testing.assert_array_equal(candidates.required, expected[rows, required])
    assert (candidates.ids[:, 0] != required).all()


def test_a_distribution_is_all_that_can_be_asked_for_one_by_one(stepper: TorchStepper) -> None:
    required = np.array([4, EOS, 7, UNK])
    expected = all_log_probs(stepper)
    found, state = stepper.distribution(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), required=required)
    np.testing.assert_array_equal(found.required, expected[np.arange(len(SRC)), required])
    expected[:, NEVER] = -np.inf
    np.testing.assert_array_equal(found.log_probs, expected)
    assert found.attention is None
    _, after_step = stepper.step(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), 1)
    again, _ = stepper.distribution(np.array([4, 5, 6, 7]), state)
    expected_again, _ = stepper.distribution(np.array([4, 5, 6, 7]), after_step)
    np.testing.assert_array_equal(again.log_probs, expected_again.log_probs)


def test_attention_is_that_of_the_network_and_sums_to_1_over_the_source(
    network: Seq2Seq, stepper: TorchStepper
) -> None:
    bos, state = np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS)
    candidates, _ = stepper.step(bos, state, 1, attention=True)
    distribution, _ = stepper.distribution(bos, state, attention=True)
    with torch.no_grad():
        _, expected, _ = network.step(torch.from_numpy(bos), network.start(torch.tensor(SRC), torch.tensor(LENGTHS)))
    for weights in (candidates.attention, distribution.attention):
        assert weights is not None
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
        assert not weights[SRC == PAD].any()
    assert stepper.step(bos, state, 1)[0].attention is None


def test_numbers_cross_to_numpy_in_the_types_that_search_wants(stepper: TorchStepper) -> None:
    candidates, _ = stepper.step(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), 2)
    assert candidates.ids.dtype == np.int64
    assert candidates.log_probs.dtype == np.float32
    assert candidates.required is None


@pytest.mark.parametrize("order", [[3, 0, 0], [3, 0, 0, 2], [0, 1, 2, 3]], ids=str)
def test_a_selected_state_goes_on_as_its_rows_would(stepper: TorchStepper, order: list[int]) -> None:
    rows = np.array(order)
    _, state = stepper.step(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), 1)
    tokens = np.array([4, 5, 6, 7])
    expected, _ = stepper.step(tokens, state, 5)
    selected, _ = stepper.step(tokens[rows], state.select(rows), 5)
    np.testing.assert_array_equal(selected.ids, expected.ids[rows])
    np.testing.assert_allclose(selected.log_probs, expected.log_probs[rows], rtol=1e-6)


def test_a_joined_state_goes_on_as_both_would(stepper: TorchStepper) -> None:
    """The first one has taken a step, and its rows come from three of four sources."""
    _, old = stepper.step(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), 1)
    old, old_tokens = old.select(np.array([3, 0, 0, 2])), np.array([5, 6, 7, 8])
    new, new_tokens = stepper.start(SRC[1:3], LENGTHS[1:3]), np.full(2, BOS)
    expected = [stepper.step(old_tokens, old, 5)[0], stepper.step(new_tokens, new, 5)[0]]
    joined = old.join(new)
    found, state = stepper.step(np.concatenate((old_tokens, new_tokens)), joined, 5)
    np.testing.assert_array_equal(found.ids, np.concatenate([one.ids for one in expected]))
    np.testing.assert_allclose(found.log_probs, np.concatenate([one.log_probs for one in expected]), rtol=1e-6)
    assert [len(set(joined.sources[rows])) for rows in ([1, 2], [0, 1, 3, 4, 5])] == [1, 5]
    assert len(state.select(np.array([5])).sources) == 1
    again, _ = stepper.step(new_tokens, new, 5)  # what was joined to another stays whole
    np.testing.assert_array_equal(again.ids, expected[1].ids)
    np.testing.assert_array_equal(again.log_probs, expected[1].log_probs)


def test_the_memory_stays_where_it_is_while_rows_keep_their_sources(stepper: TorchStepper) -> None:
    pairs = stepper.start(SRC, LENGTHS).select(np.array([0, 0, 1, 1]))
    swapped = pairs.select(np.array([1, 0, 2, 2]))
    assert swapped.decoder.memory is pairs.decoder.memory
    assert swapped.decoder.keys is pairs.decoder.keys
    fewer = pairs.select(np.array([0, 2, 3]))
    torch.testing.assert_close(fewer.decoder.memory, pairs.decoder.memory[[0, 2, 3]], rtol=0, atol=0)
    assert fewer.sources.tolist() == [0, 1, 1]


def test_greedy_search_equals_an_argmax_loop_over_the_whole_forward_pass(
    network: Seq2Seq, stepper: TorchStepper
) -> None:
    settings = SearchSettings(beam_size=1, max_length_ratio=0.1)  # at most 21 tokens
    found = search(stepper, SRC, LENGTHS, settings, bos=BOS, eos=EOS)
    for sentence, (hypothesis,) in zip(SENTENCES, found, strict=True):
        src, tgt, total = torch.tensor([[*sentence, EOS]]), [BOS], 0.0
        while len(tgt) <= 21 and tgt[-1] != EOS:
            with torch.no_grad():
                readout = network(src, torch.tensor([src.shape[1]]), torch.tensor([tgt]))
                log_probs = network.logits(readout[0, -1]).log_softmax(dim=0)
            allowed = log_probs.clone()
            allowed[[PAD, UNK, BOS, *([EOS] if len(tgt) == 1 else [])]] = -torch.inf
            tgt.append(int(allowed.argmax()))
            total += float(log_probs[tgt[-1]])
        assert hypothesis.ids == tuple(piece for piece in tgt[1:] if piece != EOS)
        assert hypothesis.truncated == (tgt[-1] != EOS)
        assert hypothesis.log_prob == pytest.approx(total, rel=1e-5)


def test_the_score_of_a_hypothesis_is_its_forced_decoding_score(stepper: TorchStepper) -> None:
    stepper.network.output.bias.data[EOS] += 2  # so that hypotheses end, at different lengths
    found = search(stepper, SRC, LENGTHS, SearchSettings(beam_size=3), bos=BOS, eos=EOS, n_best=3)
    ended = [(row, one) for row, hypotheses in enumerate(found) for one in hypotheses if not one.truncated]
    assert len({len(hypothesis.ids) for _, hypothesis in ended}) > 2
    rows = [row for row, _ in ended]
    targets = [hypothesis.ids for _, hypothesis in ended]
    forced = score_targets(
        stepper,
        SRC[rows],
        LENGTHS[rows],
        pad(targets, after=[EOS]),
        np.array([len(target) + 1 for target in targets]),
        bos=BOS,
    )
    np.testing.assert_allclose(forced, [hypothesis.log_prob for _, hypothesis in ended], rtol=1e-5)


def test_stepping_leaves_no_graph_behind(stepper: TorchStepper) -> None:
    _, state = stepper.step(np.full(len(SRC), BOS), stepper.start(SRC, LENGTHS), 1)
    assert not any(part.requires_grad for layer in state.decoder.hidden for part in layer)


def test_bfloat16_stays_close_to_float32(network: Seq2Seq) -> None:
    lstm = any(isinstance(module, torch.nn.LSTM) for module in network.modules())
    if lstm and not torch.cpu.get_capabilities().get("avx512_f"):
        pytest.skip("torch 2.13 has no LSTM in bfloat16 for this processor")
    network = network.float()
    exact, _ = step_once(TorchStepper(network))
    rough, _ = step_once(TorchStepper(network, autocast=torch.bfloat16))
    some = np.isfinite(exact)
    np.testing.assert_allclose(rough[some], exact[some], atol=0.5)


def test_precision_is_what_is_asked_for() -> None:
    assert choose_precision("float32", CPU) is None
    assert choose_precision("bfloat16", CPU) is torch.bfloat16


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_f": True}, None),
        ({}, None),
    ],
)
def test_auto_precision_takes_bfloat16_where_the_cpu_multiplies_it(
    capabilities: dict[str, bool], precision: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision("auto", CPU) is precision


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, kind in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert torch_device("auto").type == kind
        assert torch_device("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="`device=cuda`: torch sees no GPU here; use `device=cpu` or auto"):
        torch_device("cuda")


def test_a_loaded_stepper_evaluates_in_float32(model_folder: Path) -> None:
    stepper = load_torch_stepper(ModelFolder.open(model_folder), torch.device("cpu"), "float32")
    assert not stepper.network.training
    assert stepper.autocast is None
    assert {weight.dtype for weight in stepper.network.parameters()} == {torch.float32}


def test_a_model_without_weights_is_refused(model_folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "joint.spm"):
        (tmp_path / name).write_bytes((model_folder / name).read_bytes())
    with pytest.raises(ModelFolderError, match=r"model\.safetensors: is missing; if training stopped"):
        load_torch_stepper(ModelFolder.open(tmp_path), torch.device("cpu"), "float32")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_nothing_waits_but_the_fetch_of_the_results(network: Seq2Seq, monkeypatch: pytest.MonkeyPatch) -> None:
    stepper = TorchStepper(network.float().cuda())
    state, tokens = stepper.start(SRC, LENGTHS), np.full(len(SRC), BOS)
    stepper.step(tokens, state, 2)  # what is set up on first use may wait
    monkeypatch.setattr(stepper, "_fetch", lambda *results: [np.zeros((len(SRC), 2))] * len(results))
    torch.cuda.set_sync_debug_mode("error")
    try:
        _, state = stepper.step(tokens, state, 2, banned=(np.array([0]), np.array([EOS])), required=tokens)
        stepper.step(tokens, state.select(np.array([1, 0, 3, 2])), 2)
    finally:
        torch.cuda.set_sync_debug_mode("default")
