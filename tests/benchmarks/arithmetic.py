"""How near training comes to the machine: its products a second over those of one large product alone, one thread.

What is counted are the products of a whole step, three times those of its forward pass, over the padded positions that
a batch really has; the output layer over real positions. Everything else a step does counts as time alone.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from mtkit.dataset.batches import Batch, Batches
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.nn import Seq2Seq
from mtkit.nn.attention import Attention
from mtkit.runtime.torch_stepper import choose_precision
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.training.assembly import assemble
from mtkit.training.training_state import TrainingState
from tests.benchmarks.training import mtkit

ROUNDS = 5
UPDATES = 8
"""In a round."""
BATCH_TOKENS = 4096
NETWORK = NetworkSettings(embedding_size=512, hidden_size=512, decoder_layers=2, tied_embeddings="all")
WARM = 12
"""Updates before any is timed: oneDNN compiles its code for each new shape."""


def run() -> None:
    """Print the shares, and bfloat16's speed over float32's."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    torch.set_num_threads(1)
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        mtkit(
            "preprocess", "--langs", "en-de", "--train", str(text / "train"), "--valid", str(text / "val"),
            "--vocab-size", "8000", "--out", str(place / "prepared"),
        )  # fmt: skip
        corpus = PreparedCorpus.open(place / "prepared")
        for precision in ("float32", "bfloat16"):
            dtype = choose_precision("auto" if precision == "bfloat16" else "float32", torch.device("cpu"))
            if precision == "bfloat16" and dtype is None:
                print("  bfloat16 skipped: this machine is not fast at it")
                continue
            seconds[precision] = _share(corpus, dtype, precision, place / precision)
    if len(seconds) == 2:
        print(f"  bfloat16 over float32: {seconds['float32'] / seconds['bfloat16']:.2f} x")


def _share(corpus: PreparedCorpus, dtype: torch.dtype | None, precision: str, folder: Path) -> float:
    """Print the share of one number format, and return the seconds of an update."""
    settings = TrainSettings(network=NETWORK, batch_tokens=BATCH_TOKENS, threads=1, epochs=1)
    network = Seq2Seq(NETWORK, len(corpus.src_vocabulary), len(corpus.tgt_vocabulary))
    loader = Batches(corpus.train, BATCH_TOKENS, settings.seed)
    state = TrainingState.of(network, settings.learning_rate, settings.average_decay)
    updater = assemble(settings, corpus, loader, state, folder, autocast=dtype).updater
    network.train()
    # all of one shape, as far as padding allows: middling lengths
    plan = sorted(loader.epoch(0), key=lambda indices: int(corpus.train.tgt_lengths[indices].max()))
    batches = [loader.load(indices) for indices in plan[len(plan) // 2 :][:UPDATES]]
    products = sum(3 * _counted(network, batch, updater.forward) for batch in batches)
    for number in range(WARM):
        updater.update({0: batches[number % UPDATES]})
    training, machine = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for batch in batches:
            updater.update({0: batch})
        training.append(time.perf_counter() - began)
        machine.append(_rate(dtype or torch.float32))
    rate, best = products / median(training), median(machine)
    print(
        f"  width 512, {BATCH_TOKENS:,} tokens a batch, {precision}: {rate / 1e9:.0f} of {best / 1e9:.0f} GFLOP/s, "
        f"{rate / best:.2f} of it"
    )
    return median(training) / UPDATES


def _rate(dtype: torch.dtype) -> float:
    """Return the floating-point operations a second of one large product, the best of a few."""
    one, other = torch.randn(4096, 1024).to(dtype), torch.randn(1024, 4096).to(dtype)
    times = []
    for _ in range(6):
        began = time.perf_counter()
        one @ other
        times.append(time.perf_counter() - began)
    return 2 * 4096 * 1024 * 4096 / min(times)


def _counted(network: Seq2Seq, batch: Batch, forward: Callable[[Batch], Any]) -> int:
    """Return the floating-point operations of the products of a forward pass over a batch."""
    with _counting(network) as counts, torch.no_grad():
        forward(batch)
    return sum(counts) + 2 * batch.tokens * network.output.weight.numel()


@contextmanager
def _counting(network: Seq2Seq) -> Iterator[list[int]]:
    counts: list[int] = []

    def count(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        if isinstance(module, nn.RNNBase):
            positions = inputs[0].shape[0] * inputs[0].shape[1]
            counts.append(2 * positions * sum(weight.numel() for weight in module.parameters() if weight.dim() == 2))
        elif isinstance(module, nn.Linear):
            counts.append(2 * inputs[0].numel() // module.in_features * module.weight.numel())
        elif isinstance(module, Attention):
            query, _, memory, _ = inputs  # scores and contexts
            counts.append(2 * 2 * query.numel() * memory.shape[1])

    handles = [module.register_forward_hook(count) for module in network.modules()]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()
