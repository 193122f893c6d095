"""The primary subtag of a language chooses the tokenizer, and what a tokenizer leaves whole is known."""

from __future__ import annotations

import pytest
from sacrebleu.metrics.bleu import BLEU

from mtkit.evaluation.tokenizers import language_of, tokenizer_for, unspaced_letters, unsplit_scripts

CHINESE = ["zh", "zho", "chi", "cmn", "yue", "lzh", "ZH", "zh_CN", "zh-Hant", "zh-Hant-TW", "zho_Hans", "zh@pinyin"]
JAPANESE = ["ja", "jpn", "JA", "ja_JP", "ja-JP", "jpn_Jpan", "ja_JP.UTF-8"]
KOREAN = ["ko", "kor", "ko-KR", "kor_Hang"]
OTHERS = ["", "en", "fr_CA", "zha", "jam", "kok", "enzh", "sr@latin"]


@pytest.mark.parametrize(
    ("languages", "code"),
    [(CHINESE, "zh"), (JAPANESE, "ja"), (KOREAN, "ko"), (OTHERS, "en")],
    ids=["zh", "ja", "ko", "en"],
)
def test_all_spellings_of_a_language_take_the_tokenizer_that_sacrebleu_recommends(
    languages: list[str], code: str
) -> None:
    recommended = BLEU._TOKENIZER_MAP.get(code, BLEU.TOKENIZER_DEFAULT)
    assert {language: tokenizer_for(language) for language in languages} == dict.fromkeys(languages, recommended)


@pytest.mark.parametrize(
    ("file", "language"),
    [
        ("news.zh", "zh"),
        ("news.zh.gz", "zh"),
        ("a.b/news.zh_CN.ZST", "zh_CN"),
        ("news.en-zh.zh-Hant.txt.xz", "zh-Hant"),
        ("news", ""),
        ("news.gz", ""),
        ("", ""),
        (".zh", ""),
    ],
)
def test_the_suffix_names_the_language_unless_it_names_a_way_to_store_text(file: str, language: str) -> None:
    assert language_of(file) == language


SCRIPTS = {
    "Han": "我喜欢读书",
    "Kana": "わたしはネコ",
    "Thai": "ฉันชอบอ่านหนังสือ",
    "Lao": "ຂ້ອຍມັກອ່ານປຶ້ມ",
    "Khmer": "ខ្ញុំចូលចិត្តអានសៀវភៅ",
    "Burmese": "ကျွန်တော်စာဖတ်ရတာကြိုက်တယ်",
    "Tibetan": "ང་དཔེ་ཆ་ཀློག་པར་དགའ།",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_without_spaces_is_known_whole_and_13a_leaves_it_so(script: str) -> None:
    text = SCRIPTS[script]
    letters = unspaced_letters([text])
    assert letters == {other: len(text) if other == script else 0 for other in letters}
    assert unsplit_scripts(letters, "13a") == unsplit_scripts(letters, "none") == [script]
    assert unsplit_scripts(letters, "char") == unsplit_scripts(letters, "flores200") == []


def test_zh_splits_han_alone_and_japanese_needs_its_own() -> None:
    japanese = unspaced_letters(["私はネコが好きです"])
    assert unsplit_scripts(japanese, "zh") == ["Kana"]
    assert unsplit_scripts(japanese, "ja-mecab") == []
    assert unsplit_scripts(unspaced_letters(["我喜欢读书"]), "zh") == []


@pytest.mark.parametrize(
    "text", ["Je vois un chat.", "Я вижу кошку", "나는 책을 읽는다", "أرى قطة", "मैं किताब पढ़ता हूँ", "", "12 + 3"]
)
def test_text_with_spaces_has_no_script_that_is_left_whole(text: str) -> None:
    assert unsplit_scripts(unspaced_letters([text]), "13a") == []


def test_a_few_foreign_words_do_not_count() -> None:
    letters = unspaced_letters(["The city of Beijing, in Chinese 北京, is the capital of the country."])
    assert letters["Han"] == 2
    assert unsplit_scripts(letters, "13a") == []


def test_letters_add_up_over_lines() -> None:
    lines = ["The red cat", "我喜欢 books"]
    assert unspaced_letters(lines) == unspaced_letters(lines[:1]) + unspaced_letters(lines[1:])
    assert unspaced_letters(lines)["other"] == 9 + 5
