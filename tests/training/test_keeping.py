"""The log and the best weights: what the disk does not take waits, in order, and is written once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mtkit.errors import OutputError
from mtkit.nn import Seq2Seq
from mtkit.runtime.weights import distinct_weights
from mtkit.settings import NetworkSettings
from mtkit.training.keeping import Keeping


@pytest.fixture
def network() -> Seq2Seq:
    return Seq2Seq(NetworkSettings(embedding_size=4, hidden_size=4, tied_embeddings="all"), 7, 7)


def kept(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_lines_and_weights_are_written_at_once(network: Seq2Seq, tmp_path: Path) -> None:
    keeping = Keeping(tmp_path)
    for line in (b"one", b"two"):
        keeping.write_line(line)
    keeping.keep(network)
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\ntwo\n"
    assert keeping.log_bytes == 8
    assert all(torch.equal(kept(tmp_path)[name], weight) for name, weight in distinct_weights(network).items())


def test_what_a_full_disk_does_not_take_is_written_when_it_can_be(network: Seq2Seq, disk, tmp_path: Path) -> None:
    keeping = Keeping(tmp_path)
    keeping.write_line(b"one")
    keeping.keep(network)
    before = kept(tmp_path)
    disk.fill()
    keeping.write_line(b"two")
    keeping.write_line(b"three")
    with torch.no_grad():
        network.output.bias += 1
    keeping.keep(network)
    with torch.no_grad():
        network.output.bias += 1  # training goes on: what is kept is what was best
    with pytest.raises(OutputError, match="no space left"):
        keeping.flush()
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\n"
    assert torch.equal(kept(tmp_path)["output.bias"], before["output.bias"])
    disk.heal()
    keeping.flush()
    keeping.write_line(b"four")
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\ntwo\nthree\nfour\n"
    assert torch.equal(kept(tmp_path)["output.bias"], before["output.bias"] + 1)


def test_the_log_is_taken_back_to_what_a_state_knows_of_it(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"one\ntwo\nthr")
    keeping = Keeping(tmp_path)
    keeping.restore(4)
    keeping.write_line(b"2")
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\n2\n"


def test_a_log_that_was_removed_begins_anew(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path)
    keeping.restore(100)
    keeping.write_line(b"later")
    assert (tmp_path / "log.jsonl").read_bytes() == b"later\n"
    assert keeping.log_bytes == 6
