"""Parts of a line are joined as their language is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.translation.joining import Joiner, begin_within_words
from mtkit.translation.splitting import split_line


@pytest.mark.parametrize("language", ["en", "fr", "ko", "vi", "hi", "ar", "zu", "zha", "thing", ""])
def test_most_languages_have_a_space_between_parts(language: str) -> None:
    assert Joiner(language).join(["A cat.", "", "北京 sees.", "It."], [False] * 4) == "A cat. 北京 sees. It."


@pytest.mark.parametrize(
    ("language", "parts", "text"),
    [
        ("zh", ["我看见一只猫。", "你好。"], "我看见一只猫。你好。"),
        ("zh_CN", ["你好", "世界"], "你好世界"),
        ("cmn-Hans", ["我用", "Python", "写"], "我用Python写"),
        ("zh", ["I love", "Python"], "I love Python"),
        ("ja", ["猫です。", "", "犬です。"], "猫です。犬です。"),
        ("jpn", ["カタカナ", "ひらがな"], "カタカナひらがな"),
        ("th", ["สวัสดี", "ครับ"], "สวัสดีครับ"),
        ("lo", ["ສະບາຍດີ", "ທ່ານ"], "ສະບາຍດີທ່ານ"),
        ("km", ["សួស្តី", "អ្នក"], "សួស្តីអ្នក"),
        ("my", ["မင်္ဂလာပါ။", "နေကောင်းလား"], "မင်္ဂလာပါ။နေကောင်းလား"),
        ("bo", ["བཀྲ་ཤིས་", "བདེ་ལེགས།"], "བཀྲ་ཤིས་བདེ་ལེགས།"),
        ("yue", ["１２", "３４"], "１２３４"),
    ],
)
def test_languages_that_are_written_without_spaces_have_none(language: str, parts: list[str], text: str) -> None:
    assert Joiner(language).join(parts, [False] * len(parts)) == text


def test_a_word_that_was_cut_is_whole_again() -> None:
    assert Joiner("fr").join(["voyez https://long.", "example", "ici"], [False, True, False]) == (
        "voyez https://long.example ici"
    )
    assert Joiner("fr").join(["", "a", "", "b"], [False, True, False, True]) == "ab"


def test_where_parts_begin_within_words() -> None:
    assert begin_within_words("https://long.example org", ["https://long.", "example", "org"]) == [False, True, False]
    assert begin_within_words("一二三四", ["一二", "三四"]) == [False, False], "each of these may be a word"
    assert begin_within_words("走吧。然后", ["走吧。", "然后"]) == [False, False]
    assert begin_within_words("aa aa", ["aa", "aa"]) == [False, False]


@given(st.text(alphabet="ab一。 .", max_size=60), st.integers(1, 20))
def test_the_parts_of_a_text_in_a_language_with_spaces_give_it_again(text: str, longest: int) -> None:
    """But for spaces after what is written without any."""
    text = " ".join(text.split())
    parts = split_line(text, lambda texts: list(map(len, texts)), longest)
    joined = Joiner("en").join(parts, begin_within_words(text, parts))
    assert "".join(joined.split()) == "".join(text.split())
    if not {"一", "。"} & set(text):
        assert joined == text
