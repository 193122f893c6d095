"""Languages by their codes."""

from __future__ import annotations

import re

from mtkit.errors import SettingsError


def split_langs(langs: str) -> tuple[str, str]:
    """Split a language pair: `split_langs("en-fr") == ("en", "fr")`; raises SettingsError where it is not one."""
    match = re.fullmatch(r"(\w+)-(\w+)", langs)
    if match is None:
        raise SettingsError(f"`langs` {langs!r} is not a language pair; write source and target, as in en-fr")
    return match[1], match[2]
