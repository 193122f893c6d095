"""`mtkit evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import typer

from mtkit.cli.console import Console
from mtkit.cli.options import Argument, add_command
from mtkit.configuration import Resolved
from mtkit.process import shared_onnx_memory
from mtkit.settings import EvaluateSettings

if TYPE_CHECKING:
    from mtkit.evaluation import Scores


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        "evaluate",
        EvaluateSettings,
        run,
        example="mtkit evaluate models/en-fr --test data/test",
        argument=Argument(
            "model", "Folder that mtkit train wrote; without it, --hypotheses are scored.", required=False
        ),
    )


def run(resolved: Resolved[EvaluateSettings], given: Mapping[str, str | None], console: Console) -> None:
    """Score a model on a test set, or any system's output: BLEU, chrF, and a model's perplexity."""
    from mtkit.evaluation import evaluate

    with shared_onnx_memory():
        scores = evaluate(resolved.settings, given["model"])
    if scores.leading.reason:
        console.warn(str(scores.leading))
    print(scores.as_json() if resolved.settings.json else "\n".join(_lines(scores)))


def warn_without_bleu(language: str, console: Console) -> None:
    """Warn, before any text is read, where validation in a target language cannot count BLEU."""
    from mtkit.evaluation import leading_for

    leading = leading_for(language)
    if leading.reason:
        console.warn(f"{leading}; without it, chrF2 chooses the weights")


def _lines(scores: Scores) -> Iterator[str]:
    """Yield what people read: each score with what makes it comparable, and which of them leads."""
    for label, value, signature in (
        ("BLEU", scores.bleu, scores.bleu_signature),
        ("chrF2", scores.chrf, scores.chrf_signature),
    ):
        if value is not None:
            yield f"{label:<11} {value:.2f}  ({signature}; {scores.normalisation})"
    if scores.perplexity is not None:
        yield f"perplexity  {scores.perplexity:.2f}  (a target piece, {scores.sentences:,} sentences)"
    if scores.blank_references:
        yield f"blank       {scores.blank_references:,} references have no words"
    reason = f"  ({scores.leading.reason})" if scores.leading.reason else ""
    yield f"leading     {scores.leading.label}{reason}"
