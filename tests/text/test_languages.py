"""Languages by their codes."""

from __future__ import annotations

import pytest

from mtkit.errors import SettingsError
from mtkit.text.languages import split_langs


def test_split_langs() -> None:
    assert split_langs("en-fr") == ("en", "fr")


@pytest.mark.parametrize("langs", ["", "en", "en-", "-fr", "en-fr-de", "en fr", "../en-fr"])
def test_split_langs_rejects(langs: str) -> None:
    with pytest.raises(SettingsError, match="as in en-fr"):
        split_langs(langs)
