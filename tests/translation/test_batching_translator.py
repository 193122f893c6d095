"""Callers are translated together, and each gets what it would get alone: its lines in order, or its own error."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mtkit import SearchSettings, Translator
from mtkit.errors import CorpusError, SettingsError
from mtkit.translation import BatchingTranslator, Translation
from mtkit.translation.batching_translator import Closed


@dataclass
class Recorder:
    """In a translator's place: it answers in capital letters, notes each call, and may be held up or fail."""

    calls: list[tuple[list[str], list[str] | None, int]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def check(self, **_: Any) -> None:
        pass

    def translate(
        self,
        lines: list[str],
        *,
        prefixes: list[str] | None,
        n_best: int,
        check: Callable[[], None],
        **_: Any,
    ) -> list[Translation]:
        self.calls.append((lines, prefixes, n_best))
        self.begun.release()
        while not self.gate.wait(0.01):
            check()
        if "bad" in lines:
            raise ValueError("bad")
        return [Translation(line, line.upper(), 0.0) for line in lines]


def queue_of(recorder: Recorder, **options: int) -> BatchingTranslator:
    return BatchingTranslator(recorder, **options)  # type: ignore[arg-type]


class Callers:
    """Threads that ask, each for its lines; their answers or errors by number."""

    def __init__(self, queue: BatchingTranslator) -> None:
        self.queue = queue
        self.threads: list[threading.Thread] = []
        self.found: dict[int, list[str] | BaseException] = {}

    def ask(self, *lines: str, **options: Any) -> None:
        number = len(self.threads)

        def call() -> None:
            try:
                self.found[number] = [one.text for one in self.queue.translate(lines, **options)]
            except Exception as error:
                self.found[number] = error

        self.threads.append(threading.Thread(target=call))
        self.threads[-1].start()

    def wait(self) -> dict[int, list[str] | BaseException]:
        for thread in self.threads:
            thread.join(timeout=20)
            assert not thread.is_alive()
        return self.found


def settle(condition: Callable[[], bool]) -> None:
    """Wait for what other threads are about to do."""
    waiting = threading.Event()
    for _ in range(2000):
        if condition():
            return
        waiting.wait(0.005)
    raise AssertionError("it never came to that")


def test_what_is_there_together_is_translated_together_and_each_gets_its_own() -> None:
    recorder = Recorder()
    with queue_of(recorder) as queue:
        callers = Callers(queue)
        callers.ask("first")
        recorder.begun.acquire()
        for name in ("a", "b", "c"):
            callers.ask(f"{name}1", f"{name}2")
        settle(lambda: queue._requests.qsize() == 3)
        recorder.gate.set()
        assert callers.wait() == {0: ["FIRST"], 1: ["A1", "A2"], 2: ["B1", "B2"], 3: ["C1", "C2"]}
    assert [sorted(lines) for lines, *_ in recorder.calls] == [["first"], ["a1", "a2", "b1", "b2", "c1", "c2"]]


def test_a_batch_has_a_bound_which_one_caller_alone_may_pass() -> None:
    recorder = Recorder()
    with queue_of(recorder, lines_together=3) as queue:
        callers = Callers(queue)
        callers.ask("first")
        recorder.begun.acquire()
        for count in (2, 2, 1, 7):
            callers.ask(*map(str, range(count)))
            settle(lambda: queue._requests.qsize() == len(callers.threads) - 1)
        recorder.gate.set()
        callers.wait()
    assert [len(lines) for lines, *_ in recorder.calls] == [1, 3, 2, 7]


def test_the_queue_has_a_bound_and_whoever_comes_next_waits() -> None:
    recorder = Recorder()
    with queue_of(recorder, requests_ahead=2) as queue:
        callers = Callers(queue)
        for number in range(6):
            callers.ask(str(number))
        recorder.begun.acquire()
        settle(lambda: queue._requests.qsize() == 2)
        assert not threading.Event().wait(0.1)
        assert queue._requests.qsize() == 2, "the others have not been let in"
        recorder.gate.set()
        assert sorted(map(str, callers.wait().values())) == sorted(str([str(number)]) for number in range(6))


def test_requests_that_ask_for_other_things_do_not_mix_and_prefixes_stay_with_their_lines() -> None:
    recorder = Recorder()
    with queue_of(recorder) as queue:
        callers = Callers(queue)
        callers.ask("first")
        recorder.begun.acquire()
        for lines, options in (
            (["a"], {}),
            (["b"], {"n_best": 2}),
            (["c", "d"], {"prefixes": ["C", ""]}),
            (["e"], {"n_best": 2}),
        ):
            callers.ask(*lines, **options)
            settle(lambda: queue._requests.qsize() == len(callers.threads) - 1)
        recorder.gate.set()
        callers.wait()
    assert recorder.calls[1:] == [(["a", "c", "d"], ["", "C", ""], 1), (["b", "e"], None, 2)]


def test_an_error_reaches_the_caller_whose_lines_raised_it_and_nobody_else() -> None:
    recorder = Recorder()
    with queue_of(recorder) as queue:
        callers = Callers(queue)
        callers.ask("first")
        recorder.begun.acquire()
        for line in ("a", "bad", "b"):
            callers.ask(line)
            settle(lambda: queue._requests.qsize() == len(callers.threads) - 1)
        recorder.gate.set()
        found = callers.wait()
        assert isinstance(found.pop(2), ValueError)
        assert found == {0: ["FIRST"], 1: ["A"], 3: ["B"]}
        assert [one.text for one in queue.translate(["later"])] == ["LATER"]


def test_closing_finishes_what_is_in_and_turns_away_what_comes_later() -> None:
    recorder = Recorder()
    queue = queue_of(recorder)
    callers = Callers(queue)
    callers.ask("first")
    recorder.begun.acquire()
    callers.ask("second")
    settle(lambda: queue._requests.qsize() == 1)
    closer = threading.Thread(target=queue.close)
    closer.start()
    recorder.gate.set()
    closer.join(timeout=20)
    assert callers.wait() == {0: ["FIRST"], 1: ["SECOND"]}
    for _ in range(2):
        with pytest.raises(Closed):
            queue.translate(["too late"])
    queue.close()


def test_stopping_gives_up_what_is_under_way_and_answers_all_who_wait() -> None:
    recorder = Recorder()  # its gate never opens
    queue = queue_of(recorder)
    callers = Callers(queue)
    for number in range(3):
        callers.ask(str(number))
    recorder.begun.acquire()
    queue.stop()
    assert all(isinstance(answer, Closed) for answer in callers.wait().values())
    assert len(callers.found) == 3


def test_an_error_inside_the_context_stops_it() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="inside"), queue_of(recorder) as queue:  # noqa: PT012 - it is under way
        callers = Callers(queue)
        callers.ask("first")
        recorder.begun.acquire()
        raise ValueError("inside")
    assert isinstance(callers.wait()[0], Closed)


def test_no_lines_and_wrong_options_are_answered_as_by_the_translator(model_folder: Path) -> None:
    with BatchingTranslator(Translator.load(model_folder, device="cpu", threads=1)) as queue:
        assert queue.translate([]) == []
        with pytest.raises(SettingsError, match="more than a beam"):
            queue.translate(["a"], n_best=50)
        with pytest.raises(CorpusError, match="2 lines have 1 prefixes"):
            queue.translate(["a", "b"], prefixes=["x"])


@pytest.mark.parametrize("threads", [1, 2])
def test_company_never_changes_a_translation(model_folder: Path, parallel_text: Path, threads: int) -> None:
    lines = (parallel_text / "train.en").read_text(encoding="utf-8").splitlines()[:60]
    lines += ["", "The cat.", " ".join(lines[:3])]
    search = SearchSettings(beam_size=2)
    alone = Translator.load(model_folder, search=search, device="cpu", threads=1)
    expected = {line: alone.translate([line], alignments="word")[0] for line in lines}
    found: dict[int, Iterable[Translation]] = {}
    with BatchingTranslator(Translator.load(model_folder, search=search, device="cpu", threads=threads)) as queue:

        def call(number: int) -> None:
            mine = random.Random(number).sample(lines, 5 + 3 * number)
            found[number] = queue.translate(mine, alignments="word")
            assert [one.source for one in found[number]] == mine

        callers = [threading.Thread(target=call, args=(number,)) for number in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert len(found) == 8
    for translations in found.values():
        for one in translations:
            assert one == expected[one.source]


FORGOTTEN = """
import sys
from mtkit import Translator
from mtkit.translation import BatchingTranslator
queue = BatchingTranslator(Translator.load(sys.argv[1], device="cpu", threads=1))
print(queue.translate(["The red cat sees a dog."])[0].text)
"""


def test_a_program_that_forgets_to_close_ends_all_the_same(model_folder: Path) -> None:
    command = [sys.executable, "-c", FORGOTTEN, str(model_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Le chat rouge voit un chien.\n", "")


def test_an_interrupted_caller_leaves_the_queue_whole() -> None:
    recorder = Recorder()
    with queue_of(recorder) as queue:

        def interrupt() -> None:
            recorder.begun.acquire()
            signal.raise_signal(signal.SIGINT)

        timer = threading.Thread(target=interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            queue.translate(["a"])
        timer.join()
        recorder.gate.set()
        assert [one.text for one in queue.translate(["b"])] == ["B"]
