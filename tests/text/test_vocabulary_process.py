"""A vocabulary trained in a process of its own: the same model, the same errors, and gone when it is to be."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mtkit.errors import VocabularyError
from mtkit.settings import VocabType
from mtkit.text import vocabulary, vocabulary_process
from mtkit.text.vocabulary import Vocabulary, train_model
from mtkit.text.vocabulary_process import train_apart


def sentences(count: int) -> Iterator[str]:
    rng = random.Random(1)
    for _ in range(count):
        yield " ".join("".join(rng.choices("abdeghiklmnoprstué", k=rng.randint(2, 9))) for _ in range(8))


@pytest.mark.parametrize("vocab_type", ["unigram", "bpe", "word", "char"])
def test_the_model_is_the_one_that_is_trained_here(vocab_type: VocabType) -> None:
    assert train_apart(sentences(300), 400, vocab_type) == train_model(list(sentences(300)), 400, vocab_type)


def test_much_text_is_trained_on_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Vocabulary.train(sentences(300), size=400).fingerprint
    monkeypatch.setattr(vocabulary, "_AT_ONCE", 100)
    monkeypatch.setattr(vocabulary, "train_model", None)
    assert Vocabulary.train(sentences(300), size=400).fingerprint == here


def test_errors_are_those_of_training_here() -> None:
    assert train_apart(sentences(300), 20, "unigram") == train_model(list(sentences(300)), 20, "unigram")
    with pytest.raises(VocabularyError, match="no sentence of at most 4,192 bytes to train on"):
        train_apart(["x" * 5_000], 300, "unigram")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_interrupts_the_reading_ends_it(error: type[BaseException]) -> None:
    def broken() -> Iterator[str]:
        yield "a sentence"
        raise error

    with pytest.raises(error):
        train_apart(broken(), 300, "unigram")


def test_a_process_that_ends_without_an_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_process, "_PROGRAM", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(VocabularyError, match="its training ended by signal 9, as the system ends what takes too much"):
        train_apart(sentences(300), 400, "unigram")


@pytest.mark.parametrize("sent", [b"a sentence\n", b"a sentence\n\0\n"], ids=["while it reads", "while it trains"])
def test_it_ends_with_its_parent(sent: bytes) -> None:
    program = (
        "import time; from mtkit.text import vocabulary_process\n"
        "vocabulary_process.serve(lambda sentences, size, kind: (list(sentences), time.sleep(60)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, "400", "unigram"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdin is not None
        child.stdin.write(sent)
        child.stdin.close()
        assert child.wait(timeout=20) == -15
