"""SentencePiece vocabularies: text <-> pieces <-> ids, without loss.

Text is normalised before and not inside the SentencePiece model (whose rule is "identity"): the source more strongly
than the target, which is what the model learns to write, and yet both can share one joint vocabulary.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain
from pathlib import Path

import sentencepiece

from mtkit.errors import VocabularyError
from mtkit.settings import VocabType
from mtkit.storage import fault, new_file
from mtkit.text.normalisation import one_line
from mtkit.text.segmentation import MergeSegmenter, Segmenter, UnigramSegmenter, sample
from mtkit.text.sentencepiece_errors import is_for_want_of_sentences, smallest_size

PAD, UNK, BOS, EOS = range(4)
NEVER = [PAD, UNK, BOS]
"""Ids that are never part of a translation; all others follow them."""

SAMPLING: dict[VocabType, float] = {"unigram": 0.25, "bpe": 0.1}
"""For the types with many segmentations: the power of a segmentation's probability, the share of merges left out."""

_NO_PIECE = "\U0010fffe"
"""No character by Unicode's promise, and so never one of a vocabulary."""
_META_PIECES = 4 + 256  # the special ids and one piece for each byte
_AT_ONCE = 200_000  # characters that are trained on within a second or two
_LONGEST = 4_192  # bytes; longer sentences take no part in training a vocabulary


class Vocabulary:
    """A trained SentencePiece model. Encoding never yields unk: what has no piece is spelt in bytes.

    >>> vocabulary.decode(vocabulary.encode("a 😀 <s>"))
    'a 😀 <s>'
    """

    def __init__(self, model: bytes) -> None:
        """Wrap a serialised SentencePiece model; raises VocabularyError where it is not one, or not one of mtkit's."""
        self._model = model
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise VocabularyError("not a SentencePiece model") from error
        ids = tuple(getattr(self._processor, f"{name}_id")() for name in ("pad", "unk", "bos", "eos"))
        if ids != (PAD, UNK, BOS, EOS):
            raise VocabularyError("not trained by mtkit: its pad, unk, bos and eos are not the ids 0 to 3")

    @classmethod
    def train(
        cls, sentences: Iterable[str], *, size: int, vocab_type: VocabType = "unigram", exact: bool = True
    ) -> Vocabulary:
        """Train on normalised sentences, all of them held in memory; the same ones always give the same model.

        Args:
            sentences: normalised text; read twice where `exact` is false and `size` is below the characters alone.
            size: pieces, special ids and bytes included.
            vocab_type: what a piece is.
            exact: whether another size is an error; if not, `size` is taken as far as the sentences have pieces for it,
                and on top of their characters where these alone are more.

        Raises:
            VocabularyError: the sentences do not allow this size; the message names one that works.
        """
        model, smallest = _train(sentences, size, vocab_type)
        if smallest > size:
            if exact:
                raise VocabularyError(
                    f"vocabulary size {size:,} is smaller than the bytes and characters of the text alone; "
                    f"the smallest that works is {smallest:,}"
                )
            model, _ = _train(sentences, smallest + size, vocab_type)
        vocabulary = cls(model)
        if exact and len(vocabulary) < size:
            raise VocabularyError(
                f"vocabulary size {size:,} is more than the text has pieces for; "
                f"the largest that works is {len(vocabulary):,}"
            )
        return vocabulary

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read a vocabulary; raises VocabularyError where the file is not one."""
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise VocabularyError(f"{path}: cannot be read ({error.strerror})") from error
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {fault(path, str(error))}") from error

    def save(self, path: Path) -> None:
        """Write the vocabulary to a file that appears whole or not at all."""
        with new_file(path) as draft:
            draft.write_bytes(self._model)

    def __len__(self) -> int:
        """Pieces, special ids and bytes included."""
        return int(self._processor.get_piece_size())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the file that `save` writes, in hexadecimal digits."""
        return hashlib.sha256(self._model).hexdigest()

    def encode(self, text: str) -> list[int]:
        """Return the ids of normalised text, without bos and eos."""
        # 3 microseconds a sentence; a batch of one takes 40, since SentencePiece starts a thread for each batch
        ids: list[int] = self._processor.encode(text)
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each normalised text, without bos and eos."""
        # One thread encodes 5 million pieces a second; two were 6 % faster.
        ids: list[list[int]] = self._processor.encode(list(texts), num_threads=1)
        return ids

    def encode_marked(self, text: Sequence[tuple[str, bool]]) -> list[int]:
        """Return the ids of normalised text, given as its characters, with those that are marked spelt in bytes.

        They are spelt as if they had no piece, so that what is around them is segmented as it is around unknown ones.
        """
        spelt = iter([character for character, is_marked in text if is_marked or character == _NO_PIECE])
        ids = self.encode("".join(_NO_PIECE if is_marked else character for character, is_marked in text))
        stand_in = [self._first_byte + byte for byte in _NO_PIECE.encode()]
        result, place = list[int](), 0
        while place < len(ids):
            if ids[place : place + len(stand_in)] == stand_in:
                result += [self._first_byte + byte for byte in next(spelt).encode()]
                place += len(stand_in)
            else:
                result.append(ids[place])
                place += 1
        return result

    def fewest_pieces(self, text: str) -> int:
        """Return a bound below the number of ids of normalised text, without encoding it.

        Encoding a line takes up to 80 times its size, so one that is too long anyway is better not encoded.
        """
        return max(text.count(" "), len(text) // self._longest)

    @cached_property
    def _longest(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self.pieces(range(_META_PIECES, len(self)))))

    def sample_batch(self, texts: Sequence[str], vocab_type: VocabType, seed: int) -> list[list[int]]:
        """Return the ids of each normalised text, segmented at random; equal seeds give equal results.

        A unigram vocabulary draws from all segmentations, by their probability to a power that gives 1.2 times as many
        pieces (Kudo 2018); bpe leaves out a share of its merges (Provilkov et al. 2020). Words and characters have one.
        """
        if vocab_type not in SAMPLING:
            return self.encode_batch(texts)
        return sample(texts, self._segmenters[vocab_type], seed)

    @cached_property
    def _segmenters(self) -> dict[VocabType, Segmenter]:
        processor = self._processor
        pieces = {
            processor.id_to_piece(id_): (id_, processor.get_score(id_))
            for id_ in range(_META_PIECES, len(self))  # the special ids and the bytes come before all others
        }

        def spell(character: str) -> list[int]:
            return [self._first_byte + byte for byte in character.encode()]

        return {
            "unigram": UnigramSegmenter(pieces, spell, SAMPLING["unigram"]),
            "bpe": MergeSegmenter(pieces, spell, SAMPLING["bpe"]),
        }

    def decode(self, ids: Sequence[int]) -> str:
        """Return one line of text; special ids are left out, and so are bytes that are part of no character."""
        text = [int(id_) for id_ in ids if id_ > EOS]
        if self.spells(text):  # a network may break off within a character, or begin with its second byte
            text = [id_ for id_, end in zip(text, self.character_ends(text), strict=True) if end]
        # Bytes can spell anything, control characters and the space mark included.
        return one_line(self._processor.decode(text))

    def spells(self, ids: Sequence[int]) -> bool:
        """Whether there are bytes among the ids: of text, whether it has a character that has no piece."""
        return not self._bytes.isdisjoint(ids)

    def character_ends(self, ids: Sequence[int]) -> list[int]:
        """Return for each id where what it is part of ends, among the ids: a character in bytes, or else a piece.

        Of "a" and the bytes of "é", that is [1, 3, 3]. A byte that is part of no character gets 0.
        """
        first = self._first_byte
        values = [id_ - first if first <= id_ < first + 256 else -1 for id_ in ids]
        ends = [0 if value >= 0 else place + 1 for place, value in enumerate(values)]
        place = 0
        while place < len(values):
            size = _character_size(values[place : place + 4])
            ends[place : place + size] = [place + size] * size
            place += size or 1
        return ends

    @cached_property
    def _bytes(self) -> frozenset[int]:
        """The ids of the bytes, as a set: every translation is searched for them."""
        return frozenset(range(self._first_byte, self._first_byte + 256))

    @cached_property
    def _first_byte(self) -> int:
        """The id of the byte 0; the others follow it."""
        return int(self._processor.piece_to_id("<0x00>"))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return the piece of each id, special ids included."""
        return [self._processor.id_to_piece(int(id_)) for id_ in ids]


def _character_size(values: Sequence[int]) -> int:
    """Return how many of up to four bytes spell one character, from the first on; 0 where none do. -1 is not a byte."""
    for size in range(1, len(values) + 1):
        if values[size - 1] < 0:
            break
        with suppress(UnicodeDecodeError):
            bytes(values[:size]).decode()
            return size
    return 0


def _train(sentences: Iterable[str], size: int, vocab_type: VocabType) -> tuple[bytes, int]:
    """Do what `train_model` does: here for little text, in a process that a signal can end for more."""
    text, first, read = iter(sentences), list[str](), 0
    for sentence in text:
        first.append(sentence)
        read += len(sentence)
        if read > _AT_ONCE and sys.executable:
            from mtkit.text.vocabulary_process import train_apart  # not for those that only translate

            return train_apart(chain(first, text), size, vocab_type)
    return train_model(first, size, vocab_type)


def train_model(sentences: Iterable[str], size: int, vocab_type: VocabType) -> tuple[bytes, int]:
    """Return a SentencePiece model, of `size` pieces or as many as the text has, and `size`.

    Where bytes and characters alone need more: an empty model and the smallest size that works.

    Raises:
        VocabularyError: there is no sentence to train on.
    """
    if vocab_type in ("word", "char") and size <= _META_PIECES:
        return b"", _META_PIECES + 1
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type=vocab_type,
            vocab_size=max(size, _META_PIECES),
            hard_vocab_limit=False,  # the size it then falls back to is the largest that works
            normalization_rule_name="identity",
            byte_fallback=True,
            # All but the rarest 0.01 % of running characters get a piece; those are spelt in bytes, so that a few
            # stray CJK characters do not fill a small vocabulary.
            character_coverage=0.9999,
            max_sentence_length=_LONGEST,
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            num_threads=4,  # the order of sums, and so the model, depends on it: pinned
            minloglevel=2,
        )
    except RuntimeError as error:
        if (smallest := smallest_size(error)) is not None:
            return b"", smallest
        if is_for_want_of_sentences(error):
            raise VocabularyError(
                f"vocabulary: no sentence of at most {_LONGEST:,} bytes to train on; give one sentence a line"
            ) from error
        raise
    return model.getvalue(), size
