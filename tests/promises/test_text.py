"""What becomes of characters that training never saw: a promise a test, each with the case that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtkit.arrays import Ids
from mtkit.cli.translation_format import as_json, as_text
from mtkit.model_folder import ModelFolder
from mtkit.search import Candidates
from mtkit.settings import SearchSettings, TranslateSettings
from mtkit.text.vocabulary import EOS
from mtkit.translation import Translator

SENTENCE = "The red cat sees a dog."


@dataclass
class Place:
    """How much of what they are to write hypotheses have written: (R,)."""

    written: Ids

    def select(self, rows: Ids) -> Place:
        """Keep some hypotheses."""
        return Place(self.written[rows])

    def join(self, other: Place) -> Place:
        """Add others."""
        return Place(np.concatenate((self.written, other.written)))


@dataclass
class Writing:
    """A network that writes the same pieces whatever it reads, and in further hypotheses some of them twice."""

    pieces: list[int]

    def start(self, src: Ids, src_lengths: Ids) -> Place:
        """Begin with sentences (N, S)."""
        return Place(np.zeros(len(src), np.int64))

    def step(self, last_tokens: Ids, state: Place, k: int, **asked: Any) -> tuple[Candidates, Place]:
        """Write the next piece; the second candidate is the one before it."""
        script = np.array([*self.pieces, *[EOS] * 40])
        ids = np.stack([script[state.written], *[script[state.written - 1]] * (k - 1)], axis=1)
        log_probs = np.stack([np.full(len(ids), -0.1 - rank) for rank in range(k)], axis=1)
        required = asked.get("required")
        return (
            Candidates(ids, log_probs, required=None if required is None else np.full(len(ids), -0.1)),
            Place(state.written + 1),
        )


def test_a_replacement_character_is_written_only_where_the_input_holds_one(model_folder: Path) -> None:
    """The search cannot be trusted to spell whole characters: emoji came out as one to four U+FFFD."""
    folder = ModelFolder.open(model_folder)
    first = folder.tgt_vocabulary.encode("\0")[-1]
    pieces = [*folder.tgt_vocabulary.encode("Le chat"), *(first + byte for byte in b"\xf0\x9f\x98"), first + 0x80]
    for written, text in ((pieces, "Le chat😀"), (pieces[:-1], "Le chat"), (pieces[-1:], "")):
        translator = Translator(folder, Writing(written), SearchSettings(beam_size=1), attention=False)
        for prefix in ("", "Le chien \ufffd 😀"):
            (found,) = translator.translate([SENTENCE], prefixes=[prefix])
            assert found.text == text if not prefix else "\ufffd" in found.text
            assert "\ufffd" not in found.text.replace(prefix, "")
    translator = Translator(folder, Writing(pieces[:-1]), SearchSettings(beam_size=4), attention=False)
    (found,) = translator.translate([SENTENCE], n_best=4)
    settings = TranslateSettings(format="jsonl", n_best=4)
    assert "\ufffd" not in as_json(found, settings) + as_text(found, settings)
