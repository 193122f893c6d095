"""curves.svg: how a training went, drawn from log.jsonl alone.

Four panels over the updates: loss, score, learning rate and speed. Text stays text, colours follow the light or dark
scheme of whoever looks, and equal logs give equal bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from mtkit.evaluation import LABELS, MetricName
from mtkit.storage import new_file
from mtkit.training_log import read_log

CURVES = "curves.svg"

Point = tuple[float, float]

MOST_POINTS = 400
"""In a curve: about one for every unit of its width."""

_WIDTH, _HEIGHT = 400, 170  # of a panel's plot
_LEFT, _TOP, _GAP = 64, 90, 84  # room for the numbers beside a plot, and for its title and the numbers below
_PAGE = (2 * (_LEFT + _WIDTH) + 64, _TOP + 2 * _HEIGHT + _GAP + 60)

_STYLE = """
  .page { fill: #ffffff }
  text { fill: #57606a; font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
  .title { fill: #1f2328; font-size: 16px; font-weight: 600 }
  .panel { fill: #1f2328; font-size: 13px; font-weight: 600 }
  .grid { stroke: #d8dee4 }
  .line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
  .a { stroke: #0969da }
  .b { stroke: #bc4c00 }
  text.a, circle.a { fill: #0969da; stroke: none }
  text.b, circle.b { fill: #bc4c00; stroke: none }
  .x { text-anchor: middle }
  .y { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 }
    text { fill: #9198a1 }
    .title, .panel { fill: #f0f6fc }
    .grid { stroke: #30363d }
    .a { stroke: #4493f8 }
    .b { stroke: #f0883e }
    text.a, circle.a { fill: #4493f8 }
    text.b, circle.b { fill: #f0883e }
  }
"""


@dataclass(frozen=True)
class Curve:
    """One line of a panel, its points in the order of the updates."""

    name: str
    points: list[Point]


@dataclass(frozen=True)
class Panel:
    """What shares one pair of axes, which begin at zero."""

    title: str
    curves: tuple[Curve, ...]


def draw_curves(folder: Path) -> None:
    """Draw a model folder's curves.svg, unless its log holds nothing to draw."""
    records = read_log(folder)
    if any(record["kind"] in ("report", "validation") for record in records):
        with new_file(folder / CURVES) as draft:
            draft.write_text(curves(records), encoding="utf-8")


def curves(records: Sequence[dict[str, Any]]) -> str:
    """Return the drawing of a log's records."""

    def points(kind: str, key: str) -> list[Point]:
        found = [(record["update"], record[key]) for record in records if record["kind"] == kind]
        return [(update, value) for update, value in found if value is not None]

    metric, scores = _scores(records)
    best = max(scores, key=lambda point: point[1], default=None)
    perplexity = min((value for _, value in points("validation", "perplexity")), default=None)
    rates = [(update, 1000 * rate) for update, rate in points("report", "learning_rate")]
    title = " ".join(["Training", *(record["langs"] for record in records[:1] if record["kind"] == "started")])
    panels = (
        Panel(
            "Loss in nats a token" + (f"; lowest perplexity {perplexity:.2f}" if perplexity else ""),
            (Curve("training, smoothed", points("report", "loss")), Curve("validation", points("validation", "loss"))),
        ),
        Panel(
            f"Validation {metric}" + (f"; best {best[1]:.2f} at update {best[0]:,}" if best else ""),
            (Curve("", scores),),
        ),
        Panel("Learning rate in thousandths", (Curve("", rates),)),
        Panel("Target tokens a second", (Curve("", points("report", "tokens_per_second")),)),
    )
    last = max(record["update"] for record in records if "update" in record)
    width, height = _PAGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="title" x="{_LEFT}" y="34">{escape(title)}: {last:,} updates</text>',
    ]
    for number, panel in enumerate(panels):
        column, row = number % 2, number // 2
        parts += _draw(panel, last, _LEFT + column * (_WIDTH + _LEFT + 32), _TOP + row * (_HEIGHT + _GAP))
    return "\n".join([*parts, "</svg>", ""])


def _scores(records: Sequence[dict[str, Any]]) -> tuple[str, list[Point]]:
    """Return the name of the score that the last validation led by, and all that were counted of it.

    Validations of mtkit 0.1 have a BLEU, and no name of what led.
    """
    validations = [record for record in records if record["kind"] == "validation"]
    leading: MetricName = validations[-1].get("metric", "bleu") if validations else "bleu"
    points = [
        (record["update"], record["score"] if "score" in record else record["bleu"])
        for record in validations
        if record.get("metric", "bleu") == leading
    ]
    return LABELS[leading], points


def ticks(high: float) -> list[float]:
    """Return three to six round numbers, evenly apart, from 0 to `high` or just above it: 0, 10, 20, 30, 40 for 37."""
    rough = (high or 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [number * step for number in range(max(1, math.ceil(high / step - 1e-9)) + 1)]


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Return at most `most` of the points: the lowest and the highest of each of equally many neighbours."""
    if len(points) <= most:
        return list(points)
    groups = most // 2
    bounds = [len(points) * group // groups for group in range(groups + 1)]
    kept = []
    for first, end in pairwise(bounds):
        part = range(first, end)
        ends = {min(part, key=lambda i: points[i][1]), max(part, key=lambda i: points[i][1])}
        kept += [points[index] for index in sorted(ends)]
    return kept


def _draw(panel: Panel, last: float, left: float, top: float) -> list[str]:
    values = [value for curve in panel.curves for _, value in curve.points]
    parts = [f'<text class="panel" x="{left}" y="{top - 14}">{escape(panel.title)}</text>']
    if not values:
        return [*parts, f'<text x="{left}" y="{top + 14}">nothing yet</text>']
    rows = ticks(max(values))

    def x(update: float) -> float:
        return left + _WIDTH * update / last

    def y(value: float) -> float:
        return top + _HEIGHT * (1 - value / rows[-1])

    for value in rows:
        parts.append(f'<path class="grid" d="M{left} {y(value):.1f}h{_WIDTH}"/>')
        parts.append(f'<text class="y" x="{left - 8}" y="{y(value) + 4:.1f}">{_number(value)}</text>')
    parts += [
        f'<text class="x" x="{x(update):.1f}" y="{top + _HEIGHT + 18}">{_number(update)}</text>'
        for update in ticks(last)
        if update <= last
    ]
    for place, (colour, curve) in enumerate(zip("ab", panel.curves, strict=False)):
        shown = [(x(update), y(value)) for update, value in thinned(curve.points)]
        if len(shown) == 1:
            parts.append(f'<circle class="{colour}" cx="{shown[0][0]:.1f}" cy="{shown[0][1]:.1f}" r="3"/>')
        elif shown:
            path = "L".join(f"{across:.1f} {down:.1f}" for across, down in shown)
            parts.append(f'<path class="line {colour}" d="M{path}"/>')
        if curve.name:
            name = f'<text class="y {colour}" x="{left + _WIDTH - 4}" y="{top + 14 + 16 * place}">'
            parts.append(f"{name}{escape(curve.name)}</text>")
    return parts


def _number(value: float) -> str:
    """Format a tick: 12,000, 0.5, 0.0015."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.10g}"
