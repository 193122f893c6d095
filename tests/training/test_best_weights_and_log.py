"""The log and the best weights: what the disk does not take waits, in order, and is written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from mtkit.errors import OutputError
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import distinct_weights
from mtkit.settings import NetworkSettings
from mtkit.training.best_weights_and_log import BestWeightsAndLog

if TYPE_CHECKING:
    from tests.training.conftest import Disk


@pytest.fixture
def network() -> Seq2Seq:
    return Seq2Seq(NetworkSettings(embedding_size=4, hidden_size=4, tied_embeddings="all"), 7, 7)


def kept(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_lines_and_weights_are_written_at_once(network: Seq2Seq, tmp_path: Path) -> None:
    written = BestWeightsAndLog(tmp_path)
    for line in (b"one", b"two"):
        written.log.write(line)
    written.keep(network)
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\ntwo\n"
    assert all(torch.equal(kept(tmp_path)[name], weight) for name, weight in distinct_weights(network).items())


def test_what_a_full_disk_does_not_take_is_written_when_it_can_be(network: Seq2Seq, disk: Disk, tmp_path: Path) -> None:
    written = BestWeightsAndLog(tmp_path)
    written.log.write(b"one")
    written.keep(network)
    before = kept(tmp_path)
    disk.fill()
    written.log.write(b"two")
    written.log.write(b"three")
    with torch.no_grad():
        network.output.bias.add_(1)
    written.keep(network)
    with torch.no_grad():
        network.output.bias.add_(1)  # training goes on: what is kept is what was best
    with pytest.raises(OutputError, match="no space left"):
        written.flush()
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\n"
    assert torch.equal(kept(tmp_path)["output.bias"], before["output.bias"])
    disk.heal()
    written.flush()
    written.log.write(b"four")
    assert (tmp_path / "log.jsonl").read_bytes() == b"one\ntwo\nthree\nfour\n"
    assert torch.equal(kept(tmp_path)["output.bias"], before["output.bias"] + 1)
