"""The line contract, kept by the real process: its pipes, its signals, its memory."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtkit import SearchSettings, Translator
from mtkit.cli.line_input import WINDOW

SENTENCE = b"The red cat sees a dog.\n"


class Filter:
    """`mtkit translate` between two pipes; every question ends in a sentence whose answer is known."""

    def __init__(self, model: Path, *options: str, threads: int = 1, unbuffered: bool = False) -> None:
        command = [sys.executable, *["-u"] * unbuffered, "-m", "mtkit", "translate", str(model)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        self.process = subprocess.Popen(
            [*command, "--threads", str(threads), "--beam-size", "1", *options],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr

    def write(self, data: bytes) -> None:
        self.stdin.write(data)
        self.stdin.flush()

    def ask(self, lines: list[bytes]) -> list[bytes]:
        """Return as many answers, without line ends; hangs where fewer come."""
        self.write(b"".join(line + b"\n" for line in lines))
        return [self.stdout.readline().removesuffix(b"\n") for _ in lines]


@contextmanager
def filtering(model: Path, *options: str) -> Iterator[Filter]:
    """Start a filter, and see that it ends well and says nothing more when its input ends."""
    answering = Filter(model, *options)
    with answering.process:
        yield answering
        answering.stdin.close()
        assert answering.stdout.read() == b""
        answering.stderr.read()
    assert answering.process.returncode == 0


def answers_hold(lines: list[str], answers: list[bytes]) -> None:
    """Fail unless these may be the answers to these lines."""
    for line, answer in zip(lines, answers, strict=True):
        text = answer.decode()
        assert not any(unicodedata.category(character) == "Cc" for character in text)
        assert len(text.splitlines()) <= 1
        if not line.strip():
            assert text == ""


text_lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30), max_size=6)
byte_lines = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=6)
few = settings(max_examples=40, deadline=None)


def test_any_text_is_answered_line_by_line(model_folder: Path) -> None:
    with filtering(model_folder) as mtkit:
        (known,) = mtkit.ask([SENTENCE.strip()])

        @few
        @given(text_lines)
        def holds(lines: list[str]) -> None:
            *answers, last = mtkit.ask([*(line.encode() for line in lines), SENTENCE.strip()])
            assert last == known
            answers_hold(lines, answers)

        holds()


def test_any_bytes_are_answered_line_by_line_where_they_may_be_replaced(model_folder: Path) -> None:
    with filtering(model_folder, "--errors", "replace", "--alignments", "word") as mtkit:
        (known,) = mtkit.ask([SENTENCE.strip()])

        @few
        @given(byte_lines)
        def holds(lines: list[bytes]) -> None:
            *answers, last = mtkit.ask([*lines, SENTENCE.strip()])
            assert last == known
            assert all(b" ||| " in answer for answer in answers)
            texts = [answer.rsplit(b" ||| ", 1)[0] for answer in answers]
            answers_hold([line.decode(errors="replace") for line in lines], texts)

        holds()


def test_any_text_comes_back_beside_its_translation_as_json(model_folder: Path) -> None:
    with filtering(model_folder, "--format", "jsonl", "--attention") as mtkit:

        @few
        @given(text_lines)
        def holds(lines: list[str]) -> None:
            mtkit.ask([b"a"])  # so that no line is the first, whose byte-order mark would be dropped
            answers = mtkit.ask([line.encode() for line in lines])
            answers_hold(["."] * len(lines), answers)
            for line, answer in zip(lines, map(json.loads, answers), strict=True):
                assert answer["source"] == line.removesuffix("\r")
                assert bool(answer["attention"]) == bool(
                    answer["translation"] or "truncated" in answer.get("flags", ())
                )

        holds()


def test_a_slow_pipe_is_answered_line_by_line(model_folder: Path) -> None:
    with filtering(model_folder) as mtkit:
        answers = [mtkit.ask([SENTENCE.strip()]) for _ in range(3)]  # hangs unless each is answered before the next
    assert answers[0] == answers[1] == answers[2] != [b""]


def test_an_answer_is_out_within_a_fifth_of_a_second_of_its_translation(model_folder: Path) -> None:
    """Medians, each question beside a translation without pipes, so that a loaded machine slows both down."""
    translator = Translator.load(model_folder, search=SearchSettings(beam_size=1), device="cpu", threads=1)
    translated, answered = [], []
    with filtering(model_folder) as mtkit:
        mtkit.ask([SENTENCE.strip()])  # the start is not what is measured
        for _ in range(9):
            start = time.perf_counter()
            translator.translate([SENTENCE.decode().strip()])
            between = time.perf_counter()
            mtkit.ask([SENTENCE.strip()])
            translated.append(between - start)
            answered.append(time.perf_counter() - between)
    assert median(answered) < median(translated) + 0.2


def test_a_closed_output_pipe_ends_quietly(model_folder: Path) -> None:
    mtkit = Filter(model_folder)
    with mtkit.process:
        mtkit.ask([SENTENCE.strip()])
        mtkit.stdout.close()
        feeder = threading.Thread(target=_feed, args=(mtkit, SENTENCE * (20 * WINDOW)))
        feeder.start()
        complaint = mtkit.stderr.read()
        feeder.join()
    assert complaint == b""
    assert mtkit.process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("number", "stuck", "unbuffered"),
    [
        (signal.SIGINT, False, False),
        (signal.SIGINT, True, False),
        (signal.SIGINT, True, True),
        (signal.SIGTERM, True, False),
    ],
)
def test_a_signal_leaves_only_complete_lines(
    model_folder: Path, number: signal.Signals, stuck: bool, unbuffered: bool, threads: int
) -> None:
    """Both while the output is read, and while it is not and the process waits in the middle of a write."""
    mtkit = Filter(model_folder, "--format", "jsonl", threads=threads, unbuffered=unbuffered)
    data = SENTENCE * (3 * WINDOW)
    feeder = threading.Thread(target=_feed, args=(mtkit, data))
    feeder.start()
    with mtkit.process:
        select.select([mtkit.stdout], [], [])  # the first window is being written; it is larger than a pipe
        if stuck:
            time.sleep(0.3)
            mtkit.process.send_signal(number)
            out = mtkit.stdout.read()
        else:
            out = b"".join(mtkit.stdout.readline() for _ in range(WINDOW + 1))
            mtkit.process.send_signal(number)
            out += mtkit.stdout.read()
        complaint = mtkit.stderr.read()
        feeder.join()
    assert mtkit.process.returncode == 128 + number
    assert complaint == b""
    assert out.endswith(b"\n")
    answers = [json.loads(line) for line in out.splitlines()]
    assert len(answers) % WINDOW == 0 or not stuck
    assert all(answer == answers[0] for answer in answers)


def _feed(mtkit: Filter, data: bytes) -> None:
    try:
        mtkit.write(data)
        mtkit.stdin.close()
    except BrokenPipeError:
        pass


STUB = """
import sys
from dataclasses import dataclass
import numpy as np
from mtkit.runtime import loading
from mtkit.search import Candidates

@dataclass
class State:
    src: np.ndarray
    said: np.ndarray
    def select(self, rows):
        return State(self.src[rows], self.said[rows])
    def join(self, other):
        return State(np.concatenate((self.src, other.src)), np.concatenate((self.said, other.said)))

class Echo:
    '''Says the first two pieces of each source, then eos.'''
    def start(self, src, src_lengths):
        return State(src, np.zeros(len(src), int))
    def step(self, last_tokens, state, k, **_):
        ids = np.where(state.said < 2, state.src[np.arange(len(state.src)), state.said], 3)[:, None]
        return Candidates(ids, np.full(ids.shape, -0.1)), State(state.src, state.said + 1)

loading.load_stepper = lambda *_, **__: Echo()
from mtkit.cli.app import main
main()
"""


@pytest.mark.parametrize(
    ("early", "late"), [(10_000, 60_000), pytest.param(1_000_000, 10_000_000, marks=pytest.mark.slow)]
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_lines(model_folder: Path, early: int, late: int) -> None:
    """With a stub in the model's place, so that it is the lines that are measured."""
    command = [sys.executable, "-c", STUB, "translate", str(model_folder), "--beam-size", "1"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed() -> None:
        assert process.stdin
        for first in range(0, late, 1000):
            process.stdin.write(b"".join(b"line %d of many\n" % number for number in range(first, first + 1000)))
        process.stdin.close()

    def memory() -> int:
        """Return the peak so far, in MiB."""
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024

    feeder = threading.Thread(target=feed)
    feeder.start()
    with process:
        assert process.stdout
        lines = 0
        for lines, _ in enumerate(process.stdout, start=1):
            if lines == early:
                before = memory()
            if lines == late - WINDOW:
                after = memory()
        feeder.join()
    assert lines == late
    assert process.returncode == 0
    assert after - before < 8
