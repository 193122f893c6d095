"""`mtkit evaluate`."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from mtkit.cli.console import Console
from mtkit.cli.options import Argument, add_command
from mtkit.configuration import Resolved
from mtkit.process import shared_onnx_memory
from mtkit.settings import EvaluateSettings


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
    if resolved.settings.json:
        print(scores.as_json())
        return
    print(f"BLEU        {scores.bleu:.2f}  ({scores.bleu_signature})")
    print(f"chrF2       {scores.chrf:.2f}  ({scores.chrf_signature})")
    if scores.perplexity is not None:
        print(f"perplexity  {scores.perplexity:.2f}  (a target piece, {scores.sentences:,} sentences)")
