"""Translations as lines: plain, or one JSON object each."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtkit.cli.translation_format import as_json, as_text
from mtkit.settings import TranslateSettings
from mtkit.translation import Alternative, AttentionWeights, Translation

FULL = Translation(
    "the cat",
    "le chat",
    -0.25,
    loop=True,
    parts=2,
    n_best=(Alternative("le chat", -0.25), Alternative("chat", -1.5)),
    alignment=((0, 0), (1, 1)),
    attention=(AttentionWeights(("▁the", "</s>"), ("▁le",), np.array([[0.75, 0.25]], dtype=np.float32)),),
)


def test_plain_lines_hold_the_text_and_links_where_asked_for() -> None:
    assert as_text(FULL, TranslateSettings()) == "le chat"
    assert as_text(FULL, TranslateSettings(alignments="word")) == "le chat ||| 0-0 1-1"
    assert as_text(Translation("", "", 0.0), TranslateSettings(alignments="word")) == " ||| "


def test_objects_hold_what_was_asked_for_and_what_is_unusual() -> None:
    plain = json.loads(as_json(Translation("a", "b", -1.0), TranslateSettings()))
    assert plain == {"source": "a", "translation": "b", "score": -1.0}
    asked = TranslateSettings(n_best=2, alignments="piece", attention=True)
    assert json.loads(as_json(FULL, asked)) == {
        "source": "the cat",
        "translation": "le chat",
        "score": -0.25,
        "n_best": [{"translation": "le chat", "score": -0.25}, {"translation": "chat", "score": -1.5}],
        "alignment": "0-0 1-1",
        "attention": [{"source": ["▁the", "</s>"], "target": ["▁le"], "weights": [[0.75, 0.25]]}],
        "flags": ["loop", "split"],
    }


@given(st.text())
def test_objects_are_one_line_without_control_characters_whatever_they_hold(source: str) -> None:
    line = as_json(Translation(source, "ü", -1.0), TranslateSettings())
    assert json.loads(line)["source"] == source
    assert len(line.splitlines()) == 1
    assert not any(unicodedata.category(character) == "Cc" for character in line)
    assert "ü" in line
