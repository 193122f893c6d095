"""What the command line sets in its process is put back, and library calls leave a process as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from mtkit.process import (
    exiting_on_termination,
    onnx_memory_is_shared,
    shared_onnx_memory,
    torch_as_it_was,
    training_memory,
    without_tf32,
)
from mtkit.signals import TERMINATING

CACHE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"

PROGRAM = """if True:
    import os, signal, sys
    import numpy, torch
    import mtkit
    from mtkit import process
    from mtkit.settings import CorpusSettings, NetworkSettings

    text, folder = sys.argv[1:]

    def seen():
        return {
            # torch 2.13 sets variables of this name when an optimizer is first made
            "environment": {name: value for name, value in os.environ.items() if "TORCHINDUCTOR" not in name},
            "folder": os.getcwd(),
            "handlers": [signal.getsignal(number) for number in signal.valid_signals()],
            "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
            "gradients": torch.is_grad_enabled(),
            "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
            "type": torch.get_default_dtype(),
            "tf32": (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32),
            "precision": torch.get_float32_matmul_precision(),
            "flags": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
            "strict": torch.are_deterministic_algorithms_enabled(),
            "random": torch.get_rng_state().tolist(),
            "numpy": (numpy.geterr(), str(numpy.random.get_state())),
            "streams": (sys.stdout, sys.stderr, sys.stdin),
            "hook": sys.excepthook,
        }

    def leaves_all(name, call):
        before = seen()
        result = call()
        after = seen()
        for what, value in before.items():
            now = after[what]
            print(name, what, "is the same" if now == value else f"was {str(value)[-300:]}, is {str(now)[-300:]}")
        return result

    kept = []
    process.keep_freed_memory = lambda: kept.append("memory")
    import onnxruntime
    onnxruntime.create_and_register_allocator = lambda *_: kept.append("allocator")

    torch.set_num_threads(3)
    corpus = CorpusSettings(langs="en-fr", train=(f"{text}/train",), valid=(f"{text}/valid",))
    settings = mtkit.PreprocessSettings(corpus=corpus, out=f"{folder}/prepared")
    prepared = leaves_all("prepare", lambda: mtkit.prepare(settings))
    network = NetworkSettings(decoder_layers=1, embedding_size=8, hidden_size=8)
    settings = mtkit.TrainSettings(
        network=network, out=f"{folder}/model", updates=3, valid_every=3, device="cpu", threads=1, diversify=False
    )
    leaves_all("train", lambda: mtkit.train(settings, prepared))
    search = mtkit.SearchSettings(beam_size=2, max_length_ratio=0.5)
    translator = leaves_all("load", lambda: mtkit.Translator.load(f"{folder}/model", search=search, threads=2))
    leaves_all("translate", lambda: translator.translate(["The red cat sees a dog."] * 40))
    settings = mtkit.EvaluateSettings(test=f"{text}/valid", search=search)
    leaves_all("evaluate", lambda: mtkit.evaluate(settings, f"{folder}/model"))
    print("kept", *kept)
"""


def test_library_calls_leave_the_process_as_it_was(parallel_text: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(parallel_text), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, kept = done.stdout.splitlines()
    assert len(lines) == 5 * 15
    assert [line for line in lines if not line.endswith("is the same")] == []
    assert kept == "kept", "what nobody can undo was done"


@pytest.mark.parametrize("number", TERMINATING)
def test_what_asks_to_end_exits_inside_and_does_what_it_did_outside(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, exiting_on_termination():
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == before


def test_outside_of_the_main_thread_sigterm_stays_as_it_is() -> None:
    seen = []

    def work() -> None:
        with exiting_on_termination():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("given", [None, "7"])
def test_the_environment_is_put_back_and_what_the_user_set_stays(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CACHE, raising=False)
    if given:
        monkeypatch.setenv(CACHE, given)
    with pytest.raises(ValueError, match="inside"), training_memory():  # noqa: PT012 - what holds inside counts
        assert os.environ[CACHE] == (given or "128")
        raise ValueError("inside")
    assert os.environ.get(CACHE) == given


def test_memory_is_shared_inside_alone() -> None:
    assert not onnx_memory_is_shared()
    with shared_onnx_memory():
        assert onnx_memory_is_shared()
    assert not onnx_memory_is_shared()


def test_torch_is_put_back() -> None:
    threads, state, tf32 = torch.get_num_threads(), torch.get_rng_state(), torch.backends.cudnn.allow_tf32
    with torch_as_it_was(), without_tf32():
        torch.set_num_threads(threads + 1)
        torch.manual_seed(12345)
        assert not torch.backends.cudnn.allow_tf32
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.cudnn.allow_tf32 == tf32
