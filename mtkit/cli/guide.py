"""`mtkit guide`: the pages of mtkit/guide, shown in the terminal."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from mtkit.errors import SettingsError

PAGES = Path(__file__).parent.parent / "guide"
"""The folder of the pages; the one of a topic is TOPIC.md."""

TOPICS = {
    "five-minutes": "from two text files to a BLEU score",
    "your-corpus": "the text that mtkit reads, what it drops, and vocabularies",
    "training": "presets, settings, resuming, small corpora, your own domain",
    "translating": "a filter from lines to lines, its options and its promises",
    "evaluating": "BLEU, chrF and perplexity, with signatures",
    "python": "the same from Python, and what stays compatible",
    "many-processes": "several GPUs, several hosts, large corpora",
    "equations": "how the model works: each equation, its code and its test",
    "runtime": "what a CPU translates with: ONNX graphs in 8-bit integers",
    "figures": "speed and quality, each with the command that measures it",
    "architecture": "how the code is laid out, why, and how to add to it",
    "terms": "the words that the guide, the messages and the code use",
}
"""What each page is about, in the order in which they are best read."""

WIDEST = 100
"""Columns at most: longer lines of prose are hard to read."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("guide", epilog="Example: mtkit guide your-corpus")(run)


def _complete(incomplete: str) -> list[tuple[str, str]]:
    """Return the topics that begin with what has been typed, each with its line of help."""
    return [(topic, about) for topic, about in TOPICS.items() if topic.startswith(incomplete)]


def run(
    topic: Annotated[
        Optional[str],  # noqa: UP045 - typer 0.19 reads this form
        typer.Argument(
            metavar="TOPIC",
            help="Page to show; without it, all topics are listed.",
            autocompletion=_complete,
            show_default=False,
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Show the guide: how to use mtkit, how the model works, how the code is laid out."""
    if topic is None:
        width = max(map(len, TOPICS))
        print("Topics of the guide; mtkit guide TOPIC shows one:\n")
        print("\n".join(f"  {name:{width}}  {about}" for name, about in TOPICS.items()))
        return
    if topic not in TOPICS:
        close = difflib.get_close_matches(topic.lower(), TOPICS, n=1, cutoff=0.4)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(TOPICS)}"
        raise SettingsError(f"the guide has no topic {topic}; {hint}")
    from mtkit.cli.guide_page import rendered

    colour = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, WIDEST)
    text = rendered((PAGES / f"{topic}.md").read_text(encoding="utf-8"), width=width, colour=colour)
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "replace").decode(encoding)
    if colour:
        import pydoc

        os.environ.setdefault("LESS", "-FRX")  # colours; no pager for what fits on the screen; the text stays there
        pydoc.pager(text)
    else:
        print(text, end="")
