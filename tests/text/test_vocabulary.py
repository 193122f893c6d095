import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.errors import VocabularyError
from mtkit.settings import VocabType
from mtkit.text.normalisation import Normaliser, one_line
from mtkit.text.vocabulary import (
    BOS,
    EOS,
    PAD,
    SAMPLING,
    UNK,
    Vocabulary,
)

TYPES: tuple[VocabType, ...] = get_args(VocabType)
HARD_TEXT = [
    "<s> </s> <unk> <pad> <0x0A> x<s>",
    "<s>",
    "😀 🏳️‍🌈 中文字",
    "שלום ‏עולם",
    "\u200b",
    "\ufffd ▅ ⁇ ",
    "e\u0301 \u0301",
    "x" * 10_000,
]
any_text = st.text(st.characters(codec="utf-8"))


def sentences(count: int = 300) -> list[str]:
    rng = random.Random(1)
    stems = ["".join(rng.choices("abdeghiklmnoprstu", k=rng.randint(2, 7))) for _ in range(200)]
    return [" ".join(rng.choices(stems, k=rng.randint(3, 9))) + " ." for _ in range(count)]


@pytest.fixture(scope="module", params=TYPES)
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    return Vocabulary.train(sentences(), size=400, vocab_type=request.param, exact=False)


def byte_ids(vocabulary: Vocabulary, content: bytes) -> list[int]:
    """Spell bytes as a network could, valid UTF-8 or not."""
    pieces = vocabulary.pieces(range(len(vocabulary)))
    return [pieces.index(f"<0x{byte:02X}>") for byte in content]


class TestRoundTrip:
    @given(text=any_text)
    def test_any_text(self, vocabulary: Vocabulary, text: str) -> None:
        for normaliser, side in product((Normaliser(1), Normaliser()), (Normaliser.source, Normaliser.target)):
            normalised = side(normaliser, text)
            ids = vocabulary.encode(normalised)
            assert vocabulary.decode(ids) == normalised
            assert not {PAD, UNK, BOS, EOS} & set(ids)

    @pytest.mark.parametrize("text", HARD_TEXT)
    def test_hard_text(self, vocabulary: Vocabulary, text: str) -> None:
        normalised = Normaliser().target(text)
        assert vocabulary.decode(vocabulary.encode(normalised)) == normalised

    def test_blank_is_no_ids(self, vocabulary: Vocabulary) -> None:
        assert vocabulary.encode("") == []
        assert vocabulary.decode([]) == ""

    def test_batch_equals_its_sentences_one_by_one(self, vocabulary: Vocabulary) -> None:
        texts = [*sentences(20), "", "<s> 😀"]
        assert vocabulary.encode_batch(texts) == [vocabulary.encode(text) for text in texts]


class TestDecode:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (b"A\nB\r\nC\x00D\x7fE", "A B C D E"),
            ("A\u2028B\u2029C\x85D\u2581E".encode(), "A B C D E"),
            (b"A\xffB", "AB"),
            ("A\ufffdB".encode(), "A\ufffdB"),
            (b"\x98\x80A\xf0\x9f\x98", "A"),
            (b"\xc3\xf0\x9f\x98\x80\xc3A\xc3\xa9", "😀Aé"),
            (b"\xed\xa0\x80\xc0\xafA\xf4\x90\x80\x80", "A"),
            (b"\n", ""),
        ],
    )
    def test_bytes_give_one_line(self, vocabulary: Vocabulary, content: bytes, text: str) -> None:
        assert vocabulary.decode(byte_ids(vocabulary, content)) == text

    @given(content=st.binary())
    def test_bytes_that_spell_no_character_are_left_out(self, vocabulary: Vocabulary, content: bytes) -> None:
        text = vocabulary.decode(byte_ids(vocabulary, content))
        assert text == one_line(content.decode(errors="ignore"))

    def test_where_characters_end(self, vocabulary: Vocabulary) -> None:
        piece = len(vocabulary) - 1
        broken, whole = byte_ids(vocabulary, b"\x80"), byte_ids(vocabulary, "é".encode())
        assert vocabulary.character_ends([piece, *whole, piece, *broken, *whole[:1], piece]) == [1, 3, 3, 4, 0, 0, 7]

    @given(data=st.data())
    def test_any_ids_give_one_line_of_utf8(self, vocabulary: Vocabulary, data: st.DataObject) -> None:
        text = vocabulary.decode(data.draw(st.lists(st.integers(0, len(vocabulary) - 1))))
        assert text.splitlines() in ([], [text])
        text.encode("utf-8")

    def test_leaves_special_ids_out(self, vocabulary: Vocabulary) -> None:
        ids = vocabulary.encode("abba")
        assert vocabulary.decode([BOS, *ids, UNK, EOS, PAD]) == "abba"
        assert vocabulary.pieces([PAD, UNK, BOS, EOS]) == ["<pad>", "<unk>", "<s>", "</s>"]


class TestTrain:
    @pytest.mark.parametrize("vocab_type", TYPES)
    def test_same_sentences_give_the_same_model(self, vocab_type: VocabType) -> None:
        first, second = (Vocabulary.train(sentences(), size=300, vocab_type=vocab_type, exact=False) for _ in range(2))
        assert first.fingerprint == second.fingerprint

    @pytest.mark.parametrize("vocab_type", TYPES)
    def test_too_large_names_the_largest_that_works(self, vocab_type: VocabType) -> None:
        with pytest.raises(VocabularyError, match="the largest that works is") as caught:
            Vocabulary.train(sentences(), size=50_000, vocab_type=vocab_type)
        largest = int(str(caught.value).split()[-1].replace(",", ""))
        assert len(Vocabulary.train(sentences(), size=largest, vocab_type=vocab_type)) == largest
        with pytest.raises(VocabularyError, match=f"the largest that works is {largest:,}"):
            Vocabulary.train(sentences(), size=largest + 1, vocab_type=vocab_type)

    @pytest.mark.parametrize("vocab_type", TYPES)
    @pytest.mark.parametrize("size", [1, 200, 260])
    def test_too_small_names_the_smallest_that_works(self, vocab_type: VocabType, size: int) -> None:
        with pytest.raises(VocabularyError, match="the smallest that works is") as caught:
            Vocabulary.train(sentences(), size=size, vocab_type=vocab_type)
        smallest = int(str(caught.value).split()[-1])
        assert len(Vocabulary.train(sentences(), size=smallest, vocab_type=vocab_type)) == smallest
        with pytest.raises(VocabularyError, match=f"the smallest that works is {smallest}"):
            Vocabulary.train(sentences(), size=smallest - 1, vocab_type=vocab_type)

    def test_inexact_size_shrinks_to_what_the_text_has(self) -> None:
        one = Vocabulary.train(["one short sentence"], size=8_000, exact=False)
        assert one.fingerprint == Vocabulary.train(["one short sentence"], size=len(one)).fingerprint

    def test_inexact_size_comes_on_top_of_the_characters_where_these_are_more(self) -> None:
        characters = ["".join(map(chr, range(start, start + 20))) for start in range(0x4E00, 0x5600, 20)]
        with pytest.raises(VocabularyError, match="the smallest that works is 2,") as caught:
            Vocabulary.train([*characters, *sentences()], size=500)
        smallest = int(str(caught.value).split()[-1].replace(",", ""))
        vocabulary = Vocabulary.train([*characters, *sentences()], size=500, exact=False)
        assert smallest + 100 < len(vocabulary) <= smallest + 500

    @pytest.mark.parametrize("given_sentences", [[], ["x" * 5_000]])
    def test_nothing_to_train_on(self, given_sentences: list[str]) -> None:
        with pytest.raises(VocabularyError, match="no sentence of at most 4,192 bytes to train on"):
            Vocabulary.train(given_sentences, size=300)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
    def test_what_interrupts_the_reading_comes_through(self, error: type[BaseException]) -> None:
        def broken() -> Iterator[str]:
            yield "a sentence"
            raise error

        with pytest.raises(error):
            Vocabulary.train(broken(), size=300)

    def test_is_silent(self, capfd: pytest.CaptureFixture[str]) -> None:
        Vocabulary.train([*sentences(), "x" * 5_000], size=300)
        assert capfd.readouterr() == ("", "")


class TestFile:
    def test_saved_and_loaded_is_the_same(self, vocabulary: Vocabulary, tmp_path: Path) -> None:
        vocabulary.save(tmp_path / "v.spm")
        loaded = Vocabulary.load(tmp_path / "v.spm")
        assert loaded.fingerprint == vocabulary.fingerprint
        assert len(loaded) == len(vocabulary)
        assert loaded.encode("abba 😀") == vocabulary.encode("abba 😀")

    @pytest.mark.parametrize("content", [b"", b"not a model"])
    def test_not_a_model(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "v.spm").write_bytes(content)
        with pytest.raises(VocabularyError, match=r"v\.spm: not a SentencePiece model"):
            Vocabulary.load(tmp_path / "v.spm")

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(VocabularyError, match=r"v\.spm: cannot be read"):
            Vocabulary.load(tmp_path / "v.spm")

    def test_foreign_model(self, tmp_path: Path) -> None:
        import sentencepiece

        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences()), model_prefix=str(tmp_path / "v"), vocab_size=100, minloglevel=2
        )
        with pytest.raises(VocabularyError, match="not trained by mtkit"):
            Vocabulary.load(tmp_path / "v.model")


@pytest.mark.parametrize("vocab_type", TYPES)
def test_sampling_segments_the_same_text_otherwise_by_the_seed_alone(vocab_type: VocabType) -> None:
    texts = sentences()
    vocabulary = Vocabulary.train(texts, size=400, vocab_type=vocab_type, exact=False)
    plain = vocabulary.encode_batch(texts)
    first = vocabulary.sample_batch(texts, vocab_type, seed=5)
    assert [vocabulary.decode(ids) for ids in first] == [vocabulary.decode(ids) for ids in plain]
    assert (first != plain) == (vocab_type in SAMPLING)
    assert (vocabulary.sample_batch(texts, vocab_type, seed=6) != first) == (vocab_type in SAMPLING)
    assert vocabulary.sample_batch(texts, vocab_type, seed=5) == first
