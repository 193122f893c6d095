"""The live display: within any terminal, whatever the corpus holds."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from mtkit.cli import time_estimate
from mtkit.cli.time_estimate import TimeEstimate
from mtkit.cli.training_dashboard import Dashboard, fitted
from mtkit.training import Reported, Started, Validated


@pytest.mark.parametrize("height", [24, 50])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_terminal_and_shows_everything(
    width: int, height: int, started: Started, validated: Validated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_estimate, "SETTLED_SECONDS", 0.0)
    console = Console(file=io.StringIO(), width=width, height=height)
    dashboard = Dashboard(started, TimeEstimate(1, 1_000), console)
    dashboard.estimate.advance(425)
    dashboard.update = 425
    dashboard.reported = Reported(
        update=425, epoch=10, loss=2.7131, learning_rate=0.0019432, tokens_per_second=8375.2, skipped=0
    )
    dashboard.validated = validated
    console.print(dashboard)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    shown = "\n".join(lines)
    for words in (
        *("update 425 of 1,000", "42 %", "epoch 10", "loss 2.713", "learning rate 0.00194", "8,375 tokens/s"),
        *("so far", "left", "validation: perplexity 4.48", "BLEU 33.10", "best 34.20 at update 200"),
        *("A man in a blue shirt", "Un homme.", "一位穿蓝色衬衫", "青いシャツ", "파란 셔츠를"),
    ):
        assert words in shown


def test_before_the_first_report_it_shows_only_what_is_known(started: Started) -> None:
    console = Console(file=io.StringIO(), width=80, height=24)
    console.print(Dashboard(started, TimeEstimate(1, 1_000), console))
    assert isinstance(console.file, io.StringIO)
    first, second = console.file.getvalue().splitlines()
    assert first.startswith("update 0 of 1,000")
    assert second == "0:00 min so far"


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(8, 60), st.integers(1, 3))
def test_a_text_is_fitted_by_cells_and_cut_only_where_it_is_too_long(text: str, width: int, lines: int) -> None:
    found = fitted(text, width, lines)
    assert len(found) <= lines
    assert all(cell_len(line) <= width for line in found)
    assert all(character.isprintable() for line in found for character in line)
    whole = "".join(fitted(text, width, 10_000)).replace(" ", "")
    assert whole == "".join(character for character in text if character.isprintable() and character != " ")
    if "".join(found).replace(" ", "") != whole:
        assert found[-1].endswith("…")


def test_a_corpus_cannot_command_the_terminal() -> None:
    assert fitted("\x1b[31mred\x1b[0m\tand [bold]more[/bold]", 80, 1) == [" [31mred [0m and [bold]more[/bold]"]
