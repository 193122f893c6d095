"""A translation as the line that `mtkit translate` prints."""

from __future__ import annotations

import json
import re
from typing import Any

from mtkit.settings import TranslateSettings
from mtkit.translation import Translation

_ENDS_LINES = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON allows in a string, and yet is a control character or, to some readers, the end of a line."""


def as_text(translation: Translation, settings: TranslateSettings) -> str:
    """Return the text, and after ` ||| ` the links in Pharaoh format where they were asked for."""
    return translation.text if settings.alignments == "none" else f"{translation.text} ||| {_pharaoh(translation)}"


def as_json(translation: Translation, settings: TranslateSettings) -> str:
    """Return one JSON object: source, translation and score, and beside them what was asked for or is unusual."""
    content: dict[str, Any] = {
        "source": translation.source,
        "translation": translation.text,
        "score": round(translation.score, 6),
    }
    if settings.n_best > 1:
        content["n_best"] = [{"translation": text, "score": round(score, 6)} for text, score in translation.n_best]
    if settings.alignments != "none":
        content["alignment"] = _pharaoh(translation)
    if settings.attention:
        content["attention"] = [
            {"source": part.source, "target": part.target, "weights": part.weights.astype(float).round(4).tolist()}
            for part in translation.attention
        ]
    if translation.flags:
        content["flags"] = translation.flags
    line = json.dumps(content, ensure_ascii=False)
    return _ENDS_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _pharaoh(translation: Translation) -> str:
    return " ".join(f"{src}-{tgt}" for src, tgt in translation.alignment)
