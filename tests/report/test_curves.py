"""The drawing of a log: valid, the same again, and true to the numbers, however many there are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtkit.report.curves import MOST_POINTS, curves, draw_curves, thinned, ticks
from mtkit.training import Reported
from mtkit.training_log import LOG, log_line

SVG = "{http://www.w3.org/2000/svg}"


def log(updates: int, valid_every: int = 10) -> list[dict[str, Any]]:
    """A record of each kind an update, in the order of training."""
    records: list[dict[str, Any]] = [{"kind": "started", "langs": "en-fr"}]
    for update in range(1, updates + 1):
        records.append(
            {"kind": "report", "update": update, "loss": 8 / update, "learning_rate": 1e-3, "tokens_per_second": 900}
        )
        if update % valid_every == 0 or update == updates:
            bleu = 30 * update / updates
            records.append(
                {
                    "kind": "validation",
                    "update": update,
                    "loss": 7 / update,
                    "perplexity": 4.5,
                    "metric": "bleu",
                    "score": bleu,
                }
            )
    return records


def lines(drawing: str) -> list[list[tuple[float, float]]]:
    """The points of each curve, in pixels."""
    paths = [path.get("d", "") for path in ET.fromstring(drawing).iter(f"{SVG}path") if "line" in path.get("class", "")]
    return [[(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in paths]


def test_every_record_is_a_point_of_its_curve() -> None:
    drawing = curves(log(40))
    training, validation, bleu, rate, speed = lines(drawing)
    assert [len(curve) for curve in (training, validation, bleu, rate, speed)] == [40, 4, 4, 40, 40]
    assert training == sorted(training)  # falling: y grows downwards
    heights = [height for _, height in bleu]
    assert heights[0] - heights[1] == pytest.approx(heights[2] - heights[3], abs=0.2)
    assert len({height for _, height in rate}) == 1
    for words in ("Training en-fr: 40 updates", "best 30.00 at update 40", "lowest perplexity 4.50"):
        assert words in drawing


@pytest.mark.parametrize("updates", [1, 2, 40, 10_000])
def test_it_is_valid_small_within_its_page_and_the_same_again(updates: int) -> None:
    drawing = curves(log(updates))
    page = ET.fromstring(drawing)
    assert drawing == curves(log(updates))
    assert len(drawing) < 60_000
    _, _, width, height = map(float, page.get("viewBox", "").split())
    points = [point for line in lines(drawing) for point in line]
    points += [(float(text.get("x", "")), float(text.get("y", ""))) for text in page.iter(f"{SVG}text")]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    assert len(list(page.iter(f"{SVG}circle"))) == (5 if updates == 1 else 2 if updates == 2 else 0)


def test_what_is_no_number_is_left_out() -> None:
    records = log(20)
    for record in records:
        if record["kind"] == "validation":
            record["loss"] = record["perplexity"] = None
    assert len(lines(curves(records))) == 4
    assert "perplexity" not in curves(records)


def test_a_name_cannot_break_the_drawing() -> None:
    records = log(3)
    records[0]["langs"] = '<a&b>"'
    title = next(text for text in ET.fromstring(curves(records)).iter(f"{SVG}text") if text.get("class") == "title")
    assert title.text == 'Training <a&b>": 3 updates'


def test_it_is_drawn_from_the_log_alone_and_not_at_all_from_none(tmp_path: Path) -> None:
    draw_curves(tmp_path)
    assert list(tmp_path.iterdir()) == []
    report = Reported(update=25, epoch=1, loss=2.0, learning_rate=1e-3, tokens_per_second=10.0, skipped=0)
    (tmp_path / LOG).write_bytes(log_line(report.kind, vars(report), 1.0))
    draw_curves(tmp_path)
    ET.parse(tmp_path / "curves.svg")


@given(st.floats(min_value=0, max_value=1e12, allow_subnormal=False).filter(lambda high: high == 0 or high > 1e-12))
def test_ticks_are_few_round_and_reach_around(high: float) -> None:
    found = ticks(high)
    step = found[1]
    assert 2 <= len(found) <= 6
    assert found[0] == 0
    assert found[-1] >= high * (1 - 1e-6)
    assert found[-2] <= high
    assert float(f"{step:.0e}") == pytest.approx(step)
    assert f"{step:.0e}"[0] in "125"


@given(st.lists(st.floats(-1e6, 1e6), max_size=300), st.integers(1, 20))
def test_thinning_keeps_real_points_in_order_the_lowest_and_the_highest_among_them(
    values: list[float], groups: int
) -> None:
    points = list(enumerate(values))
    kept = thinned(points, most=2 * groups)
    assert len(kept) <= 2 * groups
    assert kept == sorted(set(kept) & set(points), key=lambda point: point[0])
    if points:
        assert min(value for _, value in kept) == min(values)
        assert max(value for _, value in kept) == max(values)
    assert MOST_POINTS % 2 == 0
