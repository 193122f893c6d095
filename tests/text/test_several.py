"""A single text never stands for several."""

from __future__ import annotations

import pytest

from mtkit.errors import SettingsError
from mtkit.text.several import check_several


@pytest.mark.parametrize("single", ["The", "", b"The"])
def test_a_single_text_is_refused_by_the_name_of_its_argument(single: str | bytes) -> None:
    with pytest.raises(SettingsError, match=r"^lines is a single text, and several are expected; give a list"):
        check_several(others=["The"], lines=single)


def test_lists_iterators_and_nothing_pass() -> None:
    check_several(lines=["The"], targets=iter(["Le"]), prefixes=None, none=[])
