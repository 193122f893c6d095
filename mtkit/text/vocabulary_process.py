"""Training a vocabulary in a process of its own, which can be ended at any time.

SentencePiece trains for minutes on large text, in one call during which Python sees no signal: a scheduler that waits
ten seconds after SIGTERM would kill, and leave drafts behind. A process is ended at once, and here it ends as well when
whoever started it is gone, in whatever way.

    parent to child     the sentences, a line each, and a line that ends them; then nothing, as long as the parent lives
    child to parent     a line of JSON, with the smallest size or an error, and the bytes of the model
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO

from mtkit.errors import VocabularyError
from mtkit.settings import VocabType

Trainer = Callable[[Iterable[str], int, VocabType], tuple[bytes, int]]
"""Trains a model on sentences; returns it and its size, or no bytes and the smallest size that works."""

_END = b"\0\n"  # normalised sentences have no control characters

_PROGRAM = """
import sys
sys.path[:] = {path!r}
from mtkit.text import vocabulary, vocabulary_process
vocabulary_process.serve(vocabulary.train_model)
"""


def train_apart(sentences: Iterable[str], size: int, vocab_type: VocabType) -> tuple[bytes, int]:
    """Do what `mtkit.text.vocabulary.train_model` does, in a process of its own.

    Whatever ends the wait, a signal or an error of the sentences, ends that process first.

    Raises:
        VocabularyError: as `train_model`; the process ended without an answer.
    """
    command = [sys.executable, "-c", _PROGRAM.format(path=sys.path), str(size), vocab_type]
    # a session of its own: Ctrl-C reaches the parent alone, which decides
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(BrokenPipeError):  # it has ended: how, the answer shows
            child.stdin.writelines(sentence.encode() + b"\n" for sentence in sentences)
            child.stdin.write(_END)
            child.stdin.flush()
        head, model = child.stdout.readline(), child.stdout.read()
        status = child.wait()
    finally:
        child.kill()
        child.wait()
        with suppress(BrokenPipeError):
            child.stdin.close()
        child.stdout.close()
    if not head:
        how = f"signal {-status}, as the system ends what takes too much memory" if status < 0 else f"status {status}"
        raise VocabularyError(f"vocabulary: its training ended by {how}; give a smaller size, or less text")
    answer = json.loads(head)
    if "error" in answer:
        raise VocabularyError(answer["error"])
    return model, int(answer["size"])


def serve(train: Trainer) -> None:
    """Be the child: read the sentences, train, answer."""
    size, vocab_type = int(sys.argv[1]), sys.argv[2]
    try:
        model, found = train(_received(sys.stdin.buffer), size, vocab_type)  # type: ignore[arg-type]
        answer: dict[str, object] = {"size": found}
    except VocabularyError as error:
        model, answer = b"", {"error": str(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + model)
    sys.stdout.buffer.flush()


def _received(source: BinaryIO) -> Iterator[str]:
    """Yield the sentences that the parent sends; from their end on, end with the parent."""
    for line in source:
        if line == _END:
            threading.Thread(target=_end_with_parent, daemon=True).start()
            return
        yield line[:-1].decode()
    _end()


def _end_with_parent() -> None:
    os.read(0, 1)  # below Python's buffer, whose lock must be free when the program ends; nothing comes but the end
    _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
