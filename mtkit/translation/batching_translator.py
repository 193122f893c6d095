"""A queue in front of a translator: what callers ask for at one time is translated together.

    caller --- translate(lines) --->  queue  --- all that are there --->  one thread that translates
    caller <--- its translations, in order, or its error -----------------

A batch of many sentences takes less time than its sentences one by one, and never changes a translation, so nobody
loses by it: a caller who is alone is answered at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

from mtkit.errors import MtkitError
from mtkit.settings import AlignmentUnit
from mtkit.translation.parallel import POLL, Stopped, WorkerThreads
from mtkit.translation.translation import Translation
from mtkit.translation.translator import Translator, check_prefixes

A = TypeVar("A")

LINES_TOGETHER = 1024
"""Lines that are translated together at most, unless one caller brings more: enough for full batches."""

REQUESTS_AHEAD = 64
"""Requests that may wait; whoever comes with one more waits to be let in."""

IDLE = 1.0
"""Seconds without a request after which the thread looks whether the program is still there."""


class Closed(MtkitError):
    """Raised to a caller whose lines will not be translated, since the translator was closed."""

    def __init__(self) -> None:
        super().__init__("the translator was closed before it came to these lines")


@dataclass(frozen=True)
class _Options:
    """What is asked for beside the translations; requests that ask for the same go together."""

    n_best: int
    alignments: AlignmentUnit
    attention: bool


@dataclass(frozen=True, eq=False)
class _Request:
    """Lines, and the way back to whoever asked, which one answer takes."""

    lines: list[str]
    prefixes: list[str] | None
    options: _Options
    answer: SimpleQueue[list[Translation] | BaseException] = field(default_factory=SimpleQueue)


class BatchingTranslator:
    """Translates for any number of threads; `close` it, or use it as a context manager.

    Its queues are those that no signal can leave locked: Ctrl-C may come at any time to a thread that waits here.
    """

    def __init__(
        self, translator: Translator, *, lines_together: int = LINES_TOGETHER, requests_ahead: int = REQUESTS_AHEAD
    ) -> None:
        """Begin with an empty queue.

        Args:
            translator: what translates.
            lines_together: most lines in a batch of several requests.
            requests_ahead: most requests that wait.
        """
        self.translator = translator
        self.lines_together = lines_together
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(requests_ahead):
            self._permits.put(None)
        self._stopped = threading.Event()  # what is under way is given up
        self._worker = WorkerThreads(self._work, 1)
        self._worker.start()

    def translate(
        self,
        lines: Iterable[str],
        *,
        prefixes: Iterable[str] | None = None,
        n_best: int = 1,
        alignments: AlignmentUnit = "none",
        attention: bool = False,
    ) -> list[Translation]:
        """Translate lines as `Translator.translate` does, together with what others ask for, and wait for them.

        Raises:
            SettingsError, CorpusError: as `Translator.translate`; an error reaches the caller whose lines raised it.
            Closed: the translator was closed before it came to them.
        """
        self.translator.check(n_best=n_best, alignments=alignments, attention=attention)
        options = _Options(n_best, alignments, attention)
        request = _Request(list(lines), None if prefixes is None else list(prefixes), options)
        check_prefixes(request.lines, request.prefixes)
        self._wait_for(self._permits)
        self._requests.put(request)
        answer = self._wait_for(request.answer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        """Finish what was asked for, and end; callers who come later get `Closed`."""
        self._requests.put(None)
        self._worker.wait()

    def stop(self) -> None:
        """Give up what is under way within a step of the model, and end; callers who wait get `Closed`."""
        self._stopped.set()
        self._requests.put(None)
        self._worker.wait_through()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.close()
        finally:  # after an error or an interruption
            self.stop()

    def _wait_for(self, queue: SimpleQueue[A]) -> A:
        """Take the next thing out of a queue; raise `Closed` where none will come any more."""
        while True:
            over = self._worker.ended  # asked first: what was put before the end is found after it
            with suppress(Empty):  # a signal that another thread received is heard of only between waits
                return queue.get(block=not over, timeout=POLL)
            if over:
                raise Closed

    def _work(self) -> None:
        waiting: deque[_Request] = deque()
        is_open = True
        while (is_open or waiting) and not self._stopped.is_set():
            is_open = is_open and self._take_in(waiting)
            if waiting:
                self._answer(self._next_batch(waiting))

    def _take_in(self, waiting: deque[_Request]) -> bool:
        """Put what has come behind those that wait, a first one as soon as it comes; return False after the last."""
        try:
            while (request := self._requests.get(block=not waiting, timeout=IDLE)) is not None:
                waiting.append(request)
        except Empty:
            return threading.main_thread().is_alive()  # a program that ends unasked does not wait for us
        return False

    def _next_batch(self, waiting: deque[_Request]) -> list[_Request]:
        """Take out the first request, and of those behind it the ones that ask for the same and fit."""
        first = waiting.popleft()
        batch, others, size = [first], [], len(first.lines)
        for request in waiting:
            if request.options == first.options and size + len(request.lines) <= self.lines_together:
                batch.append(request)
                size += len(request.lines)
            else:
                others.append(request)
        waiting.clear()
        waiting.extend(others)
        for _ in batch:
            self._permits.put(None)
        return batch

    def _answer(self, batch: list[_Request]) -> None:
        """Answer the requests of a batch; where that fails, each by itself, so that an error finds whose it is."""
        answers: list[list[Translation] | BaseException]
        try:
            answers = self._translate(batch)
        except Stopped:
            answers = [Closed() for _ in batch]
        except BaseException as error:  # whatever it is, whoever asked must hear of it
            if len(batch) > 1:
                for request in batch:
                    self._answer([request])
                return
            answers = [error]
        for request, answer in zip(batch, answers, strict=True):
            request.answer.put(answer)

    def _translate(self, batch: list[_Request]) -> list[list[Translation] | BaseException]:
        lines = [line for request in batch for line in request.lines]
        prefixes = None
        if any(request.prefixes is not None for request in batch):  # no prefix is an empty one
            prefixes = [prefix for request in batch for prefix in request.prefixes or [""] * len(request.lines)]
        options = batch[0].options
        found = iter(
            self.translator.translate(
                lines,
                prefixes=prefixes,
                n_best=options.n_best,
                alignments=options.alignments,
                attention=options.attention,
                check=self._check,
            )
        )
        return [list(islice(found, len(request.lines))) for request in batch]

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Stopped
