"""Training on a GPU: a step over its bare cuDNN calls and products, beside a decoder with input feeding, and its speed.

The text is drawn at random, since only its lengths count: 8,000 words, 15 to 30 a sentence. What is timed is one update
on one batch of 4,096 tokens, without the loader; an update that waits for the device is an error.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from mtkit.dataset.batches import Batch, Batches
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.nn import Seq2Seq
from mtkit.nn.attention import Attention
from mtkit.nn.recurrent import CELLS
from mtkit.presets import PRESETS
from mtkit.settings import NetworkSettings, TrainSettings
from mtkit.training.assembly import assemble
from mtkit.training.trainer import Trainer
from mtkit.training.training_state import TrainingState
from tests.benchmarks.training import mtkit

PAIRS = 20_000
WORDS = 8_000
BATCH_TOKENS = 4096
ROUNDS = 7
STEPS = 10
"""In a round."""
WIDTHS = (512, 1024)
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}

BASE = NetworkSettings(
    **{key: value for key, value in PRESETS["base"].items() if key in NetworkSettings.__struct_fields__},
    tied_embeddings="all",
)


class InputFeeding(Seq2Seq):
    """The yardstick: the same network, but its decoder reads its last readout beside the last token.

    So the recurrence depends on the attention, and training must walk the target position by position (Luong et al.
    2015, section 3.3).
    """

    def __init__(self, network: NetworkSettings, src_vocab_size: int, tgt_vocab_size: int) -> None:
        super().__init__(network, src_vocab_size, tgt_vocab_size)
        self.decoder.layers[0] = CELLS[network.cell](2 * network.embedding_size, network.hidden_size)

    def forward(self, src: Tensor, src_lengths: Tensor, tgt: Tensor) -> Tensor:
        """See `Seq2Seq`."""
        state = self.start(src, src_lengths)
        embedded = self.tgt_embedding(tgt) * self.scale
        fed = torch.zeros_like(embedded[:, :1])
        readouts = []
        for position in embedded.split(1, dim=1):
            fed, _, state = self.decoder._run(torch.cat((position, fed.to(position.dtype)), dim=2), state)
            readouts.append(fed)
        return torch.cat(readouts, dim=1)


def run() -> None:
    """Print the ratios and the speeds, where there is a GPU."""
    if not torch.cuda.is_available():
        print("  skipped: there is no GPU")
        return
    print(f"  {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
    measure(torch.device("cuda"))


def measure(device: torch.device) -> None:
    """Print the figures of a device."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = random_corpus(Path(folder))
        for precision, autocast in PRECISIONS.items():
            trainer = trainer_of(corpus, BASE, autocast, device)
            batch = middling_batch(trainer)
            step = seconds(partial(trainer.updater.update, {0: batch}), device)
            bare = seconds(bare_calls(trainer, batch), device)
            walking = trainer_of(corpus, BASE, autocast, device, InputFeeding)
            fed = seconds(partial(walking.updater.update, {0: batch}), device)
            print(f"  base, {batch.tokens:,} target tokens, {precision}: {1e3 * step:.2f} ms an update")
            print(f"    {step / bare:.2f} x its bare cuDNN calls and products, {1e3 * bare:.2f} ms (to be at most 1.5)")
            print(f"    with input feeding {1e3 * fed:.2f} ms, {fed / step:.1f} x the time (to be at least 5)")
        for width in WIDTHS:
            network = msgspec.structs.replace(BASE, hidden_size=width)
            for precision, autocast in PRECISIONS.items():
                trainer = trainer_of(corpus, network, autocast, device)
                step = seconds(partial(trainer.updater.update, {0: batch}), device)
                print(f"  width {width}, {precision}: {batch.tokens / step:,.0f} target tokens/s")


def random_corpus(folder: Path) -> PreparedCorpus:
    """Prepare sentences of random words."""
    chance = random.Random(1)
    words = [f"w{number}" for number in range(WORDS)]
    for name, pairs in (("train", PAIRS), ("valid", 50)):
        for lang in ("en", "fr"):
            sentences = (" ".join(chance.choices(words, k=chance.randint(15, 30))) for _ in range(pairs))
            (folder / f"{name}.{lang}").write_text("\n".join(sentences) + "\n", encoding="utf-8")
    prepared = folder / "prepared"
    mtkit(
        "preprocess", "--langs", "en-fr", "--train", f"{folder}/train", "--valid", f"{folder}/valid",
        "--vocab-type", "word", "--vocab-size", str(WORDS), "--out", str(prepared),
    )  # fmt: skip
    return PreparedCorpus.open(prepared)


def trainer_of(
    corpus: PreparedCorpus,
    network: NetworkSettings,
    autocast: torch.dtype | None,
    device: torch.device,
    kind: type[Seq2Seq] = Seq2Seq,
) -> Trainer:
    """Make what trains a network of one kind; it writes nothing."""
    settings = TrainSettings(network=network, batch_tokens=BATCH_TOKENS, learning_rate=1e-4, epochs=1)
    made = kind(network, len(corpus.src_vocabulary), len(corpus.tgt_vocabulary)).to(device).train()
    batches = Batches(corpus.train, BATCH_TOKENS, settings.seed)
    state = TrainingState.of(made, settings.learning_rate, settings.average_decay)
    return assemble(settings, corpus, batches, state, Path(), autocast=autocast)


def middling_batch(trainer: Trainer) -> Batch:
    """Read the batch in the middle of the lengths."""
    plan = trainer.batches.in_order()
    return trainer.batches.load(plan[len(plan) // 2])


def seconds(step: Callable[[], object], device: torch.device) -> float:
    """Return the median time of a step; none of them may wait for the device."""
    times = []
    for _ in range(ROUNDS + 1):  # the first is to warm up
        synchronise(device)
        began = time.perf_counter()
        with no_waiting(device):
            for _ in range(STEPS):
                step()
        synchronise(device)
        times.append((time.perf_counter() - began) / STEPS)
    return median(times[1:])


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def no_waiting(device: torch.device) -> Iterator[None]:
    """Make it an error to wait for a GPU."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@dataclass(frozen=True)
class Call:
    """A module or a product, and the inputs that a forward pass gave it."""

    run: Callable[..., Any]
    inputs: tuple[Tensor, ...]
    autocast: bool

    def __call__(self, autocast: torch.dtype | None) -> None:
        """Run it forwards and backwards, alone."""
        device = self.inputs[0].device.type
        with torch.autocast(device, dtype=autocast, enabled=self.autocast and autocast is not None):
            result = self.run(*self.inputs)
        output = result[0] if isinstance(result, tuple) else result
        output.backward(torch.empty_like(output))
        for tensor in self.inputs:
            tensor.grad = None  # adding to an older one would count as part of the bare call


def bare_calls(trainer: Trainer, batch: Batch) -> Callable[[], None]:
    """Return the recurrent layers and the products of an update, one after the other, with nothing between them."""
    network, autocast = trainer.state.network, trainer.updater.autocast
    calls: list[Call] = []

    def cast() -> bool:
        return torch.is_autocast_enabled(trainer.state.device.type)

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(module, nn.RNNBase):
            calls.append(Call(partial(module, hx=detached(inputs[1])), leaves(inputs[0]), cast()))
        elif isinstance(module, nn.Linear):
            calls.append(Call(module, leaves(inputs[0]), cast()))
        elif isinstance(module, Attention):
            query, keys, memory, _ = inputs
            weights = output[1].to(memory.dtype)
            calls.append(Call(lambda q, k: q @ k.transpose(1, 2), leaves(query.to(keys.dtype), keys), True))
            calls.append(Call(torch.matmul, leaves(weights, memory), True))

    handles = [module.register_forward_hook(note) for module in network.modules()]
    with torch.no_grad():
        trainer.updater.forward(batch)
    for handle in handles:
        handle.remove()
    width = network.output.in_features
    readout = torch.randn(batch.tokens, width, device=trainer.state.device, dtype=autocast or torch.float32)
    calls.append(Call(network.output, leaves(readout), True))

    def step() -> None:
        for call in calls:
            call(autocast)
        for weight in network.parameters():
            weight.grad = None

    return step


def leaves(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Copy tensors, to have gradients of their own."""
    return tuple(tensor.detach().clone().requires_grad_() for tensor in tensors)


def detached(state: Any) -> Any:
    """Copy a recurrent state, without a gradient."""
    return tuple(map(detached, state)) if isinstance(state, tuple) else state.detach().clone()
