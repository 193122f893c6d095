"""The numbers of a training's state, written and read."""

from __future__ import annotations

import math

import msgspec
import pytest

from mtkit.evaluation import ModelScore, corpus_bleu
from mtkit.training.progress import Progress, decode_progress, encode_progress


def test_a_perfect_score_is_read_as_it_was_written() -> None:
    """It is a little above 100, and the state of such a training was damaged."""
    perfect = corpus_bleu(["Le chat rouge voit un chien noir."] * 3, ["Le chat rouge voit un chien noir."] * 3)
    assert perfect > 100
    progress = Progress(update=7, best=ModelScore("bleu", perfect, 1.0), lowest_perplexity=math.inf)
    assert decode_progress(encode_progress(progress)) == progress


@pytest.mark.parametrize("value", [-1.0, 100.1, 1e9])
def test_a_score_that_none_can_be_is_refused(value: float) -> None:
    content = encode_progress(Progress(best=ModelScore("chrf", 50.0, 2.0)))
    stored = msgspec.json.decode(content)
    stored["best"]["value"] = value
    with pytest.raises(ValueError, match=r"^best is chrF2"):
        decode_progress(msgspec.json.encode(stored))
