"""The memory estimate against what a forward pass keeps, and against the peak of a real training."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from msgspec.structs import replace

from mtkit.dataset import Batch, Batches, PreparedCorpus
from mtkit.dataset.noise import Noise
from mtkit.nn import Seq2Seq
from mtkit.process import keep_freed_memory
from mtkit.settings import AttentionType, Cell, NetworkSettings, TrainSettings
from mtkit.text.segmentation import CACHED_BYTES
from mtkit.training import Event, Started, available_memory, train_model
from mtkit.training import memory as memory_file
from mtkit.training.assembly import assemble
from mtkit.training.gradients import SAMPLING_WIDENS, widened
from mtkit.training.memory import estimate_memory
from mtkit.training.training_state import TrainingState
from mtkit.training.updater import Updater

Tiny = Callable[..., TrainSettings]

MEASURE = """if True:
    import sys
    from pathlib import Path
    from mtkit.dataset import PreparedCorpus
    from mtkit.process import training_memory
    from mtkit.settings import TrainSettings
    from mtkit.training import Started, train_model

    corpus, out, tokens = sys.argv[1:]
    settings = TrainSettings(
        out=out, batch_tokens=int(tokens), updates=12, device="cpu", precision="float32", threads=1
    )
    events = []
    with training_memory():
        train_model(settings, PreparedCorpus.open(Path(corpus)), events.append)
    (started,) = (event for event in events if isinstance(event, Started))
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    print(started.memory, peak)
"""


@dataclass(frozen=True)
class Training:
    """A network in training, and the batches of an epoch."""

    settings: TrainSettings
    updater: Updater
    batches: Batches

    @classmethod
    def of(cls, settings: TrainSettings, corpus: PreparedCorpus, folder: Path) -> Training:
        pieces = len(corpus.src_vocabulary)
        network = Seq2Seq(replace(settings.network, tied_embeddings="all"), pieces, pieces)
        batches = Batches(corpus.train, settings.batch_tokens, settings.seed)
        state = TrainingState.of(network, settings.learning_rate, settings.average_decay)
        return cls(settings, assemble(settings, corpus, batches, state, folder).updater, batches)

    @property
    def network(self) -> Seq2Seq:
        return self.updater.state.network

    @property
    def weights(self) -> int:
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def loads(self) -> list[Batch]:
        return [self.batches.load(indices) for indices in self.batches.epoch(0)]

    def estimate(self, **more: float) -> int:
        plan, width = self.batches.epoch(0), self.settings.network.hidden_size
        split = self.batches.split
        return estimate_memory(self.network, width, None, self.updater.forward, split, plan, **cast(Any, more))

    def kept(self, batch: Batch) -> int:
        return memory_file._kept(self.network, self.updater.forward, batch)


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
    training = Training.of(tiny(network=network, batch_tokens=600), few, tmp_path)
    only_what_is_kept(monkeypatch)
    estimated = training.estimate() - 16 * training.weights
    assert estimated == pytest.approx(max(map(training.kept, training.loads)), rel=0.03)


def only_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out of estimates what a process takes beside the weights and what a forward pass keeps."""
    monkeypatch.setattr(memory_file, "PROCESS", {"cpu": 0})
    monkeypatch.setattr(memory_file, "BESIDE", 1)


def test_the_estimate_allows_for_batches_that_become_wider(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_what_is_kept(monkeypatch)
    training = Training.of(tiny(), few, tmp_path)
    wide = [training.kept(widened(batch, SAMPLING_WIDENS)) for batch in training.loads]
    estimated = training.estimate(widens=SAMPLING_WIDENS)
    assert estimated - 16 * training.weights == pytest.approx(max(wide), rel=0.05)
    assert estimated > training.estimate()


def test_what_is_kept_of_words_and_longer_sentences_count(tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> None:
    training = Training.of(tiny(), few, tmp_path)
    assert training.estimate(caches=10**6) == training.estimate() + 10**6
    assert training.estimate(longer=5) > training.estimate()
    assert Noise(few, 0.1, 0.0, seed=1).cached_bytes == CACHED_BYTES
    assert Noise(few, 0.0, 0.1, seed=1, byte_spelling=0.1).cached_bytes == 0


def test_subword_sampling_makes_the_estimate_of_a_training_larger(tiny: Tiny, few: PreparedCorpus) -> None:
    estimates: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Started):
            estimates.append(event.memory)

    for share in (0.0, 0.3):
        train_model(tiny(str(share), subword_sampling=share, updates=1), few, listen)
    assert estimates[0] + CACHED_BYTES < estimates[1]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is another one")
def test_a_tensor_takes_the_pages_that_one_before_it_has_freed() -> None:
    def new_pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(1 << 24)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    assert min(new_pages() for _ in range(5)) < 100, "of 16,384"


def test_estimating_changes_nothing(tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> None:
    """Neither weights nor random generators, and no gradient is left."""
    training = Training.of(tiny(), few, tmp_path)
    before, generator = [weight.clone() for weight in training.network.parameters()], torch.get_rng_state()
    assert training.estimate() == training.estimate()
    assert torch.equal(torch.get_rng_state(), generator)
    for weight, earlier in zip(training.network.parameters(), before, strict=True):
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
    estimated, peak = map(int, done.stdout.split())
    assert estimated == pytest.approx(peak, rel=0.3)
