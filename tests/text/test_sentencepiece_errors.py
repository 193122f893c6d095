"""SentencePiece words its errors as they are looked for."""

from __future__ import annotations

import io

import pytest
import sentencepiece

from mtkit.text.sentencepiece_errors import is_for_want_of_sentences, smallest_size


def error_of(sentences: list[str], size: int) -> RuntimeError:
    with pytest.raises(RuntimeError) as raised:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=io.BytesIO(),
            vocab_size=size,
            byte_fallback=True,
            minloglevel=3,
        )
    return raised.value


def test_a_size_that_is_too_small_names_the_smallest() -> None:
    error = error_of(["abc def ghi"] * 9, 262)
    smallest = smallest_size(error)
    assert smallest is not None, f"SentencePiece {sentencepiece.__version__} words it differently: {error}"
    assert smallest > 262
    assert not is_for_want_of_sentences(error)


def test_no_sentence_is_told_from_other_errors() -> None:
    error = error_of([], 300)
    assert is_for_want_of_sentences(error), f"SentencePiece {sentencepiece.__version__} has other words: {error}"
    assert smallest_size(error) is None


def test_other_errors_are_neither() -> None:
    error = RuntimeError("disk full")
    assert smallest_size(error) is None
    assert not is_for_want_of_sentences(error)
