"""Training in plain lines: what is said, and when."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mtkit.cli import time_estimate, training_display
from mtkit.cli.console import Console
from mtkit.cli.training_display import TrainingDisplay, summary
from mtkit.training import Reported, Started, Validated


def report(update: int) -> Reported:
    return Reported(update=update, epoch=1, loss=2.5, learning_rate=0.001, tokens_per_second=1234.5, skipped=0)


def test_before_the_first_update_it_says_what_is_trained_on_what_and_where(started: Started) -> None:
    assert summary(started) == [
        "Training en-fr on 10,000 pairs (103,380 + 111,489 pieces), validating on 600",
        "Vocabulary: 2,000 pieces for both languages",
        "Network: 4.3 M weights",
        "  embeddings 512 k, encoder 1.2 M, decoder 2.6 M, output 2,000",
        "On cpu, float32, 1 thread, about 812 MB of memory",
        "1,000 updates, 44 an epoch",
    ]
    two = summary(replace(started, joint=False, tgt_vocab_size=3_000, first_update=201, memory=2_345_000_000))
    assert two[1] == "Vocabulary: 2,000 source and 3,000 target pieces"
    assert two[4].endswith("about 2.3 GB of memory")
    assert two[-1] == "Going on at update 201"


@pytest.mark.parametrize(
    ("device", "free", "warned"), [("cpu", 811e6, True), ("cpu", 813e6, False), ("cuda", 1, False)]
)
def test_a_cpu_with_too_little_memory_is_warned_of_before_the_start(
    device: str,
    free: int,
    warned: bool,
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(training_display, "available_memory", lambda: free)
    TrainingDisplay(Console(quiet=True)).draw(replace(started, device=device))
    said = capsys.readouterr().err
    expected = (
        "Warning: training needs about 812 MB of memory, and 811 MB are free; a smaller --batch-tokens needs less\n"
    )
    assert said == (expected if warned else "")


def test_the_time_to_the_end_is_told_once_after_a_minute_and_then_in_every_line(
    started: Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    display = TrainingDisplay(Console(verbose=True))
    display.draw(started)
    display.draw(report(25))
    assert "left" not in capsys.readouterr().err
    monkeypatch.setattr(time_estimate, "SETTLED_SECONDS", 0.0)
    display.draw(report(50))
    display.draw(report(75))
    told, *lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"About \d+:\d\d min to the last update, at \w{3} \d\d:\d\d", told)
    assert [re.sub(r"\d+:\d\d", "_", line) for line in lines] == [
        f"update {update} of 1,000 | epoch 1 | loss 2.500 | 1,234 tokens/s | _ min left" for update in (50, 75)
    ]


@pytest.mark.parametrize("verbose", [False, True])
def test_samples_are_shown_to_those_who_ask_for_more(
    verbose: bool, started: Started, validated: Validated, capsys: pytest.CaptureFixture[str]
) -> None:
    display = TrainingDisplay(Console(verbose=verbose))
    display.draw(started)
    capsys.readouterr()
    display.draw(validated)
    first, *samples = capsys.readouterr().err.splitlines()
    assert first == "update 400 | epoch 10 | validation: perplexity 4.48, BLEU 33.10"
    assert len(samples) == 9 * verbose
    if verbose:
        assert samples[:3] == [
            "  source     A man in a blue shirt is standing on a ladder.",
            "  reference  Un homme en bleu.",
            "  model      Un homme.",
        ]
