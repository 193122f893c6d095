"""Languages by their codes."""

from __future__ import annotations

import pytest

from mtkit.errors import SettingsError
from mtkit.text.languages import join_langs, language_named, split_langs


def test_split_langs() -> None:
    assert split_langs("en-fr") == ("en", "fr")


@pytest.mark.parametrize("langs", ["", "en", "en-", "-fr", "en-fr-de", "en fr", "../en-fr"])
def test_split_langs_rejects(langs: str) -> None:
    with pytest.raises(SettingsError, match="as in en-fr"):
        split_langs(langs)


@pytest.mark.parametrize(
    ("langs", "pair"),
    [
        ("en-pt_BR", ("en", "pt_BR")),
        ("en-sr@latin", ("en", "sr@latin")),
        ("en:pt-BR", ("en", "pt-BR")),
        ("zh-Hant-TW:en-US", ("zh-Hant-TW", "en-US")),
        ("en:fr", ("en", "fr")),
    ],
)
def test_regions_and_scripts_may_be_part_of_a_code(langs: str, pair: tuple[str, str]) -> None:
    assert split_langs(langs) == split_langs(join_langs(*pair)) == pair


@pytest.mark.parametrize(
    ("langs", "suggested"),
    [
        ("en-pt-BR", "write en-pt_BR, or en:pt-BR with a colon"),
        ("pt-BR-en", "write pt_BR-en, or pt-BR:en with a colon"),
        ("en-zh-Hans-CN", "write en-zh_Hans_CN, or en:zh-Hans-CN with a colon"),
        ("en-US-es-419", "write en_US-es_419, or en-US:es-419 with a colon"),
    ],
)
def test_a_code_with_a_hyphen_needs_a_colon_between_the_two(langs: str, suggested: str) -> None:
    with pytest.raises(SettingsError, match=f"'{langs}' is not a language pair; {suggested}$"):
        split_langs(langs)


@pytest.mark.parametrize("langs", ["en-en", "pt-BR:pt-BR"])
def test_one_language_is_no_pair(langs: str) -> None:
    with pytest.raises(SettingsError, match="is one language twice; give the two sides names of their own"):
        split_langs(langs)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("en", "en"),
        ("EN-us", "en"),
        ("pt_BR", "pt"),
        (" French ", "fr"),
        ("japanese", "ja"),
        ("I am", None),
        ("he is", None),
        ("xx", None),
        ("", None),
    ],
)
def test_languages_are_known_by_code_and_by_name(text: str, code: str | None) -> None:
    assert language_named(text) == code
