"""Which of sacreBLEU's tokenizers a language takes, and which scripts a tokenizer leaves in one piece."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

DEFAULT = "13a"

_CHINESE = ("zh", "zho", "chi", "cdo", "cjy", "cmn", "cpx", "czh", "czo", "gan", "hak", "hsn", "lzh", "mnp", "nan")
_OF_LANGUAGE = {
    **dict.fromkeys((*_CHINESE, "wuu", "yue"), "zh"),
    **dict.fromkeys(("ja", "jpn"), "ja-mecab"),
    **dict.fromkeys(("ko", "kor"), "ko-mecab"),
}
"""By primary subtag, in ISO 639-1 and in both forms of ISO 639-2 and 639-3, members of macrolanguages included."""

_NO_LANGUAGE = frozenset({".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".z", ".zip", ".txt"})
"""Suffixes that say how a text is stored, not what it is written in."""

# Scripts written without spaces between words: those of Unicode's line-breaking class SA, Tibetan, Han and Kana.
_UNSPACED = {
    "Han": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "Kana": "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "Thai": "\u0e00-\u0e7f",
    "Lao": "\u0e80-\u0eff",
    "Tibetan": "\u0f00-\u0fff",
    "Burmese": "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f",
    "Khmer": "\u1780-\u17ff",
    "Tai Le": "\u1950-\u197f",
    "New Tai Lue": "\u1980-\u19df",
    "Tai Tham": "\u1a20-\u1aaf",
    "Tai Viet": "\uaa80-\uaadf",
    "Ahom": "\U00011700-\U0001174f",
}
_LETTERS = {
    **{script: re.compile(f"[{ranges}]+") for script, ranges in _UNSPACED.items()},
    "other": re.compile(rf"[^\W\d_{''.join(_UNSPACED.values())}]+"),
}
_ANY_UNSPACED = re.compile(f"[{''.join(_UNSPACED.values())}]")

_EVERY_SCRIPT = frozenset(_UNSPACED)
_SPLITS = {
    "zh": frozenset({"Han"}),
    "ja-mecab": frozenset({"Han", "Kana"}),
    **dict.fromkeys(("char", "spm", "flores101", "flores200", "spBLEU-1K"), _EVERY_SCRIPT),
}
"""The scripts without spaces that a tokenizer splits; the others split at spaces and punctuation."""

_LEAST_SHARE = 0.25
"""Of the letters: a quarter in Han is about half of the words, since Latin words have three times as many letters."""


def primary_subtag(language: str) -> str:
    """Return what a language code begins with, in lower case.

    >>> [primary_subtag(code) for code in ("zh-Hant", "zh_CN", "ZHO", "sr@latin")]
    ['zh', 'zh', 'zho', 'sr']
    """
    return re.split(r"[-_@.]", language.strip(), maxsplit=1)[0].lower()


def language_of(file: str) -> str:
    """Return the language that a file name ends in; compression and `.txt` aside, and empty where it has no suffix.

    >>> [language_of(name) for name in ("news.zh", "news.zh_CN.gz", "news")]
    ['zh', 'zh_CN', '']
    """
    path = PurePath(file)
    while path.suffix.lower() in _NO_LANGUAGE:
        path = path.with_suffix("")
    return path.suffix.removeprefix(".")


def tokenizer_for(language: str) -> str:
    """Return the tokenizer that sacreBLEU recommends for a language, whatever its code's form.

    >>> [tokenizer_for(code) for code in ("zh_CN", "jpn", "fr", "")]
    ['zh', 'ja-mecab', '13a', '13a']
    """
    return _OF_LANGUAGE.get(primary_subtag(language), DEFAULT)


def unspaced_letters(lines: Iterable[str]) -> Counter[str]:
    """Count the letters of each script that is written without spaces, and those of all others as "other"."""
    text = "\n".join(lines)
    scripts = _LETTERS if _ANY_UNSPACED.search(text) else ("other",)
    return Counter({script: sum(map(len, _LETTERS[script].findall(text))) for script in scripts})


def unsplit_scripts(letters: Counter[str], tokenizer: str) -> list[str]:
    """Return the scripts, most frequent first, that a tokenizer does not split into words; none where they are few.

    Args:
        letters: as `unspaced_letters` counts them.
        tokenizer: sacreBLEU's name of it.
    """
    unsplit = Counter({script: letters[script] for script in _EVERY_SCRIPT - _SPLITS.get(tokenizer, frozenset())})
    found = [script for script, count in unsplit.most_common() if count]
    return found if unsplit.total() >= _LEAST_SHARE * letters.total() > 0 else []


def splitting_choice(script: str) -> str:
    """Return the setting that splits a script which is written without spaces."""
    return {"Han": "`language=zh`", "Kana": "`language=ja`"}.get(script, "`tokenize=char`")
