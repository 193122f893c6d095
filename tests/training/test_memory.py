"""The memory estimate against what a forward pass keeps, and against the peak of a real training."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from mtkit.dataset import PreparedCorpus
from mtkit.nn import Seq2Seq
from mtkit.process import keep_freed_memory
from mtkit.settings import AttentionType, Cell, NetworkSettings, TrainSettings
from mtkit.training import available_memory
from mtkit.training import memory as memory_file
from mtkit.training.gradients import widened
from mtkit.training.trainer import SAMPLING_WIDENS, Trainer

Tiny = Callable[..., TrainSettings]

MEASURE = """if True:
    import sys
    from pathlib import Path
    from mtkit.dataset import PreparedCorpus
    from mtkit.process import training_memory
    from mtkit.settings import TrainSettings
    from mtkit.training import Started, train

    corpus, out, tokens = sys.argv[1:]
    settings = TrainSettings(
        out=out, batch_tokens=int(tokens), updates=12, device="cpu", precision="float32", threads=1
    )
    told = []
    with training_memory():
        train(settings, PreparedCorpus.open(Path(corpus)), told.append)
    (started,) = (event for event in told if isinstance(event, Started))
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    print(started.memory, peak)
"""


def make_trainer(settings: TrainSettings, corpus: PreparedCorpus, folder: Path) -> Trainer:
    pieces = len(corpus.src_vocabulary)
    network = Seq2Seq(replace(settings.network, tied_embeddings="all"), pieces, pieces)
    return Trainer(settings, corpus, network, None, folder, lambda event: None)


@pytest.mark.parametrize(
    ("cell", "attention"),
    [("gru", "general"), ("lstm", "additive"), ("gru-original", "dot"), ("lstm", "none")],
)
def test_five_small_batches_tell_what_the_largest_one_keeps(
    cell: Cell,
    attention: AttentionType,
    tiny: Tiny,
    few: PreparedCorpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = NetworkSettings(cell=cell, attention=attention, embedding_size=24, hidden_size=32, dropout=0.3)
    trainer = make_trainer(tiny(network=network, batch_tokens=600), few, tmp_path)
    for constant in ("PROCESS", "BESIDE"):
        monkeypatch.setattr(memory_file, constant, {"cpu": 0} if constant == "PROCESS" else 1)
    weights = sum(weight.numel() for weight in trainer.network.parameters())
    told = trainer.estimate_memory() - 16 * weights
    counted = [
        memory_file._kept(trainer.network, trainer._forward, trainer.batches.load(indices)) for indices in trainer.plan
    ]
    assert told == pytest.approx(max(counted), rel=0.03)


def test_the_estimate_allows_for_what_subword_sampling_makes_of_the_largest_batch(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_file, "PROCESS", {"cpu": 0})
    monkeypatch.setattr(memory_file, "BESIDE", 1)
    plain, sampled = (make_trainer(tiny(subword_sampling=share), few, tmp_path) for share in (0.0, 0.3))
    weights = sum(weight.numel() for weight in plain.network.parameters())
    loads = [plain.batches.load(indices) for indices in plain.plan]
    wide = [memory_file._kept(plain.network, plain._forward, widened(batch, SAMPLING_WIDENS)) for batch in loads]
    assert sampled.estimate_memory() - 16 * weights == pytest.approx(max(wide), rel=0.05)
    assert sampled.estimate_memory() > plain.estimate_memory()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is another one")
def test_a_tensor_takes_the_pages_that_one_before_it_has_freed() -> None:
    def new_pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(1 << 24)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    assert min(new_pages() for _ in range(5)) < 100, "of 16,384"


def test_estimating_changes_nothing(tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> None:
    """Neither weights nor chance, and no gradient is left."""
    trainer = make_trainer(tiny(), few, tmp_path)
    before, chance = [weight.clone() for weight in trainer.network.parameters()], torch.get_rng_state()
    assert trainer.estimate_memory() == trainer.estimate_memory()
    assert torch.equal(torch.get_rng_state(), chance)
    for weight, earlier in zip(trainer.network.parameters(), before, strict=True):
        assert torch.equal(weight, earlier)
        assert weight.grad is None


def test_what_is_free_is_less_than_there_is() -> None:
    free = available_memory()
    assert free is None or 0 < free < 2**50


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("tokens", [2_000, 8_000])
def test_the_estimate_is_within_30_percent_of_the_peak(tokens: int, prepared: PreparedCorpus, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURE, str(prepared.path), str(tmp_path / "model"), str(tokens)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told, peak = map(int, done.stdout.split())
    assert told == pytest.approx(peak, rel=0.3)
