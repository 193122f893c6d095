"""Translation speed on one thread: 1,000 sentences of Multi30k English-German, beside OpenNMT-py and beside ourselves.

The model has the sizes of OpenNMT-py's in MTKIT_PEERS: 8,000 joint pieces, embeddings of 512 that are not tied, one
bidirectional GRU encoder layer of 2 x 256, one GRU decoder layer of 512, general attention. Both are trained for a few
minutes, so that translations have realistic lengths. Times are those of translating, without start-up, but with the
splitting into pieces on mtkit's side. Sentences a second are medians of five rounds, in which all take their turn.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
import torch

from mtkit import SearchSettings, Translator
from mtkit.evaluation import corpus_bleu
from mtkit.model_folder import ModelFolder
from mtkit.runtime.onnx_export.graph import Graph
from mtkit.runtime.onnx_export.products import Int8
from mtkit.runtime.onnx_stepper import OnnxStepper, session_options
from mtkit.runtime.torch_stepper import TorchStepper, load_torch_stepper
from mtkit.search import Candidates
from mtkit.text.lines import read_lines
from tests.benchmarks.memory import peak_memory
from tests.benchmarks.training import MATCHED, mtkit

RUNS = 5
CACHE = Path("build/benchmarks")
"""Models trained here serve later runs: `make clean` removes them."""
Seconds = Callable[[], float]


def run() -> None:
    """Print sentences a second and their ratios; then start-up, memory, quality and how near the machine we are."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    model = matched_model(text)
    sources = list(read_lines(text / "test_2016_flickr.en"))
    references = list(read_lines(text / "test_2016_flickr.de"))

    with tempfile.TemporaryDirectory() as folder:
        contestants = ours(model, sources) | peers(Path(folder), text / "test_2016_flickr.en")
        times = in_turn(contestants)
        for beam_size in (1, 5):
            print(f"  beam {beam_size}, one thread, {len(sources):,} sentences")
            reference = times[f"mtkit int8, beam {beam_size}"]
            for name, seconds in times.items():
                if name.endswith(f"beam {beam_size}"):
                    print(
                        f"    {name.rsplit(',', 1)[0]:32} {len(sources) / seconds:7,.0f} sentences/s"
                        f"   int8 is {seconds / reference:5.2f} x"
                    )
    print(f"  beam 5 takes {times['mtkit int8, beam 5'] / times['mtkit int8, beam 1']:.2f} x the time of greedy")
    one_at_a_time(model, sources[:100])
    near_the_machine(model, sources, times["mtkit int8, beam 1"])
    for beam_size in (1, 5):
        scores = [quality(model, precision, beam_size, sources, references) for precision in ("float32", "int8")]
        print(f"  BLEU at beam {beam_size}: float32 {scores[0]:.2f}, int8 {scores[1]:.2f}")
    whole_process(model, text / "test_2016_flickr.en")
    on_a_gpu(model, sources)


def profile() -> None:
    """Print where the time goes, by the nodes of both graphs, greedily and at beam 5."""
    if "MTKIT_CORPORA" not in os.environ:
        print("  skipped: set MTKIT_CORPORA to a folder that holds multi30k/")
        return
    text = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    model = matched_model(text)
    for beam_size in (1, 5):
        where_time_goes(model, list(read_lines(text / "test_2016_flickr.en")), beam_size)


def matched_model(text: Path) -> Path:
    """Return the matched model, trained on one thread unless an earlier run did it."""
    model = CACHE / "matched"
    if not (model / "runtime").is_dir():  # not trained to the end yet
        corpus = ("--langs", "en-de", "--train", str(text / "train"), "--valid", str(text / "val"))
        mtkit("preprocess", *corpus, "--vocab-size", "8000", "--out", str(CACHE / "prepared"), "--force")
        mtkit("train", str(CACHE / "prepared"), "--out", str(model), *MATCHED, "--updates", "3000", "--force")
    mtkit("export", str(model))  # the graphs of today's code, whenever the model was trained
    return model


def translator(model: Path, precision: str, beam_size: int, batch_tokens: int | None = None) -> Translator:
    """Load a model for one thread of the CPU; `torch` is the float32 network in torch."""
    settings = SearchSettings(beam_size=beam_size)
    if batch_tokens:
        settings = SearchSettings(beam_size=beam_size, batch_tokens=batch_tokens)
    if precision == "torch":
        torch.set_num_threads(1)
        folder = ModelFolder.open(model)
        return Translator(folder, load_torch_stepper(folder, torch.device("cpu"), "float32"), settings)
    return Translator.load(model, search=settings, device="cpu", threads=1, precision=precision)  # type: ignore[arg-type]


def ours(model: Path, sources: list[str]) -> dict[str, Seconds]:
    """Return what times a translation of the sources, for each precision and beam."""

    def timed(precision: str, beam_size: int) -> Seconds:
        one = translator(model, precision, beam_size)
        one.translate(sources[:64])

        def seconds() -> float:
            began = time.perf_counter()
            one.translate(sources)
            return time.perf_counter() - began

        return seconds

    names = {"int8": "mtkit int8", "float32": "mtkit float32", "torch": "mtkit's network in torch float32"}
    return {f"{name}, beam {beam}": timed(key, beam) for beam in (1, 5) for key, name in names.items()}


def peers(folder: Path, source: Path) -> dict[str, Seconds]:
    """Return what times OpenNMT-py, as it comes and with its int8 repaired, where its script is to be had."""
    if "MTKIT_PEERS" not in os.environ or "PEERS_HOME" not in os.environ:
        print("  OpenNMT-py skipped: set MTKIT_PEERS to the folder of its script, PEERS_HOME to one it may write into")
        return {}
    script, environment = Path(os.environ["MTKIT_PEERS"]) / "opennmt", os.environ | {"THREADS": "1"}

    def call(*arguments: str) -> str:
        command = [str(script), *arguments]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout

    call("setup")
    if not list(Path(os.environ["PEERS_HOME"]).glob("opennmt/run/model_step_*.pt")):
        call("train", "450")

    def timed(beam_size: int, *precision: str) -> Seconds:
        return lambda: float(
            re.findall(
                r"time \(s\): ([\d.]+)",
                call("translate", str(source), f"{folder}/out", str(beam_size), "64", *precision),
            )[0]
        )

    return {
        f"{name}, beam {beam}": timed(beam, *precision)
        for beam in (1, 5)
        for name, precision in (("OpenNMT-py 3.5.1 float32", ()), ("OpenNMT-py 3.5.1 int8, repaired", ("int8",)))
    }


def in_turn(contestants: dict[str, Seconds]) -> dict[str, float]:
    """Return the median time of each, all of them measured once a round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(RUNS):
        for name, seconds in contestants.items():
            times[name].append(seconds())
    return {name: median(each) for name, each in times.items()}


def one_at_a_time(model: Path, sources: list[str]) -> None:
    """Print the time of a sentence that is translated alone."""
    print("  one sentence at a time, greedy")
    milliseconds = {}
    for precision in ("int8", "float32", "torch"):
        one = translator(model, precision, 1)
        one.translate(sources[:3])
        times = []
        for source in sources:
            began = time.perf_counter()
            one.translate([source])
            times.append(time.perf_counter() - began)
        milliseconds[precision] = 1e3 * median(times)
    for name, figure in milliseconds.items():
        print(f"    {name:8} {figure:6.1f} ms   int8 is {figure / milliseconds['int8']:.2f} x")


@dataclass
class Spent:
    """What the nodes of one kind took together, and the multiplications among it."""

    seconds: float = 0.0
    count: int = 0
    products: int = 0


def where_time_goes(model: Path, sources: list[str], beam_size: int) -> None:
    """Print the time of each kind of node, and the rate of each matrix product.

    ONNX Runtime's profiler adds about a microsecond to every node: the time without it stands above the table.
    """
    one = translator(model, "int8", beam_size)
    one.translate(sources)
    began = time.perf_counter()
    one.translate(sources)
    print(f"  beam {beam_size}, one thread, {len(sources):,} sentences: {1e3 * (time.perf_counter() - began):.0f} ms")
    names = ("encoder", "step")
    with tempfile.TemporaryDirectory() as folder:
        sessions = []
        for name in names:
            options = session_options()
            options.enable_profiling, options.profile_file_prefix = True, f"{folder}/{name}"
            path = model / "runtime" / "int8" / f"{name}.onnx"
            sessions.append(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
        assert isinstance(one.stepper, OnnxStepper)
        one.stepper._encoder, one.stepper._step = sessions
        began = time.perf_counter()
        one.translate(sources)
        outside = time.perf_counter() - began
        for name, session in zip(names, sessions, strict=True):
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
            runs = [event["dur"] / 1e6 for event in events if event["name"] == "model_run"]
            outside -= sum(runs)
            print(f"    {name}: {len(runs):,} runs, {1e3 * sum(runs):.0f} ms")
            for kind, spent in sorted(by_kind(events).items(), key=lambda pair: -pair[1].seconds):
                if spent.seconds > 0.002:
                    rate = f"   {spent.products / spent.seconds / 1e9:4.0f} G products/s" if spent.products else ""
                    print(f"      {1e3 * spent.seconds:6.1f} ms {spent.count:7,} x  {kind}{rate}")
    print(f"    outside the graphs: {1e3 * outside:.0f} ms")


def by_kind(events: list[dict[str, Any]]) -> dict[str, Spent]:
    """Add up the nodes of a profile by operator, those of matrix products by operator and shape.

    What the nodes inside a loop or branch take is theirs, not the loop's.
    """
    found: dict[str, Spent] = defaultdict(Spent)
    around, until = Spent(), 0
    nodes = [event for event in events if event["name"].endswith("_kernel_time")]
    for node in sorted(nodes, key=lambda event: (event["ts"], -event["dur"])):
        arguments, products = node["args"], 0
        kind = arguments["op_name"]
        if "MatMul" in kind:
            (left,) = arguments["input_type_shape"][0].values()
            (out,) = arguments["output_type_shape"][0].values()
            products = left[-1] * prod(out)
            # the narrow side of attention's products is the source's width
            kind += f" {left[-1]} -> {out[-1]}" if kind == "MatMulIntegerToFloat" else " (attention)"
        spent = found[kind]
        spent.seconds += node["dur"] / 1e6
        spent.count += 1
        spent.products += products
        if node["ts"] < until:
            around.seconds -= node["dur"] / 1e6
        elif kind in ("Scan", "If"):
            around, until = spent, node["ts"] + node["dur"]
    return found


class Counting:
    """A stepper that counts the rows it steps and the positions it reads."""

    def __init__(self, stepper: Any) -> None:
        self.stepper, self.rows, self.positions = stepper, 0, 0

    def start(self, src: np.ndarray, src_lengths: np.ndarray) -> Any:
        """See `search.Stepper`."""
        self.positions += int(src_lengths.sum())
        return self.stepper.start(src, src_lengths)

    def step(self, last_tokens: np.ndarray, *arguments: Any, **options: Any) -> Any:
        """See `search.Stepper`."""
        self.rows += len(last_tokens)
        return self.stepper.step(last_tokens, *arguments, **options)


def near_the_machine(model: Path, sources: list[str], seconds: float) -> None:
    """Print the rate of 8-bit products that greedy translation needs, over the best that one product alone reaches.

    Counted is what has to be multiplied: the encoder for each position that is not padding, the decoder for each row of
    each step. What embeddings alone are multiplied by is part of the network, but looked up here instead: the share is
    told without these products and with them.
    """
    one, config = translator(model, "int8", 1), ModelFolder.open(model).config
    network = config.network
    hidden, embedding, pieces = network.hidden_size, network.embedding_size, config.tgt_vocab_size
    half = hidden // 2
    counting: Any = Counting(one.stepper)
    one.stepper = counting
    one.translate(sources)
    needed = counting.positions * (2 * 3 * half * half + hidden * hidden)
    needed += counting.rows * (3 * hidden * hidden + 2 * hidden * embedding + embedding * pieces)
    looked_up = counting.positions * 2 * 3 * embedding * half + counting.rows * 3 * embedding * hidden
    rates = {shape: product_rate(*shape) for shape in ((64, hidden, pieces), (256, hidden, pieces), (64, 1024, 2048))}
    best = max(rates, key=rates.__getitem__)
    print(
        f"  greedy: {counting.positions:,} source tokens, {counting.rows:,} target tokens; "
        f"{needed / seconds / 1e9:.0f} of {rates[best] / 1e9:.0f} billion 8-bit products a second, "
        f"{needed / seconds / rates[best]:.0%} of the machine's rate ({best[0]} x {best[1]} -> {best[2]}); with the "
        f"network's products that are looked up, {(needed + looked_up) / seconds / rates[best]:.0%}"
    )


def product_rate(rows: int, width: int, out: int) -> float:
    """Return the products a second of one matrix product (rows, width) x (width, out) in 8 bits, alone."""
    graph, products = Graph(), Int8()
    values = np.random.default_rng(1).normal(size=(out, width)).astype(np.float32)
    operand = products.operand(graph, graph.input("x", np.float32, [rows, width]), 1.0, width)
    product = products.product(graph, [operand], values)
    graph.output(graph.op("Slice", product, *map(graph.constant, ([0], [1], [1]))), np.float32, [rows, 1], name="y")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.model("product").SerializeToString(), options)
    feed, times = {"x": values[:rows]}, []
    for _ in range(100):
        began = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - began)
    return rows * width * out / median(times)


def quality(model: Path, precision: str, beam_size: int, sources: list[str], references: list[str]) -> float:
    """Return cased BLEU on the test set."""
    found = translator(model, precision, beam_size).translate(sources)
    return corpus_bleu([translation.text for translation in found], references)


def whole_process(model: Path, text: Path) -> None:
    """Print what `mtkit translate` takes from start to end: seconds for one sentence, memory for all of them."""
    command = [str(Path(sys.executable).with_name("mtkit")), "translate", str(model), "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one"
        one.write_text(next(read_lines(text)) + "\n", encoding="utf-8")
        seconds = []
        for _ in range(RUNS + 2):
            began = time.perf_counter()
            with one.open("rb") as lines:
                subprocess.run([*command, "--threads", "1"], stdin=lines, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    print(f"  one sentence, whole process: {median(seconds):.2f} s (to be under 0.5)")
    for beam_size in (1, 5):
        for threads in (1, os.cpu_count() or 1):
            memory = peak_memory([*command, "--beam-size", str(beam_size), "--threads", str(threads)], text)
            print(f"  beam {beam_size}, threads {threads}: peak memory {memory:.0f} MB (to be under 250)")


class NaiveStepper(TorchStepper):
    """The yardstick on a GPU: every log-probability is fetched, and what is best is found on the host."""

    def step(self, last_tokens: Any, state: Any, k: int, **options: Any) -> tuple[Candidates, Any]:
        """See `search.Stepper`."""
        banned = options.get("banned")
        found, state = self.distribution(last_tokens, state)
        log_probs = found.log_probs
        if banned is not None:
            log_probs[banned] = -np.inf
        ids = np.argsort(-log_probs, axis=1)[:, :k]
        return Candidates(ids, np.take_along_axis(log_probs, ids, axis=1)), state


def on_a_gpu(model: Path, sources: list[str]) -> None:
    """Print sentences a second in bfloat16, beside the same search written naively, where there is a GPU."""
    if not torch.cuda.is_available():
        print("  GPU skipped: there is none")
        return
    folder = ModelFolder.open(model)
    stepper = load_torch_stepper(folder, torch.device("cuda"), "bfloat16")
    naive = NaiveStepper(stepper.network, autocast=stepper.autocast)
    for beam_size in (1, 5):
        settings = SearchSettings(beam_size=beam_size, batch_tokens=16_384)
        seconds = {}
        for name, one in (("mtkit", stepper), ("naive", naive)):
            each = Translator(folder, one, settings)
            each.translate(sources)
            began = time.perf_counter()
            each.translate(sources)
            seconds[name] = time.perf_counter() - began
        print(
            f"  {torch.cuda.get_device_name()}, bfloat16, beam {beam_size}: {len(sources) / seconds['mtkit']:,.0f} "
            f"sentences/s, {seconds['naive'] / seconds['mtkit']:.2f} x the naive search"
        )
