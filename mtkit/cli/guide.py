"""`mtkit guide`: the pages of mtkit/guide, shown in the terminal."""

from __future__ import annotations

import difflib
import io
import os
import posixpath
import re
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

_MARKUP = re.compile(r"```.*?```|`[^`]+`|\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)", re.DOTALL)
"""What links are not looked for in, code, and links."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


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


def rendered(markdown: str, *, width: int, colour: bool) -> str:
    """Return a page as lines of at most `width` columns, with ANSI codes or without.

    A line of code that is longer goes on in the next one.
    """
    from rich.console import Console
    from rich.theme import Theme

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="auto" if colour else None,
        theme=Theme({"markdown.code": "cyan", "markdown.code_block": "cyan", "markdown.h1": "bold"}),
        highlight=False,
    )
    with console.capture() as capture:
        console.print(_page_class()(_as_read(markdown, quoted=not colour), hyperlinks=False))
    lines = [line.rstrip() for line in capture.get().strip("\n").split("\n")]
    blank = [not _ANSI.sub("", line).strip() for line in lines]
    kept = [line for number, line in enumerate(lines) if not (blank[number] and blank[number - 1])]
    return "".join(f"{line}\n" for line in kept)


def _page_class() -> type:
    """Return rich's Markdown with headings at the left, underlined, and code indented, without its own background."""
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import CodeBlock, Heading, Markdown
    from rich.padding import Padding
    from rich.text import Text

    class UnderlinedHeading(Heading):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            yield Text(self.text.plain, style="bold")
            if line := {"h1": "═", "h2": "─"}.get(self.tag):
                yield Text(line * len(self.text.plain))

    class IndentedCode(CodeBlock):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            code = Text(str(self.text).rstrip(), style="markdown.code_block")
            yield Padding(code, (0, 0, 0, 2))

    class Page(Markdown):
        elements = {  # noqa: RUF012 - as rich declares it
            **Markdown.elements,
            "heading_open": UnderlinedHeading,
            "fence": IndentedCode,
        }

    return Page


def _as_read(markdown: str, *, quoted: bool) -> str:
    """Write links as text: to a page as the command that shows it, to a file as its path in the repository.

    Args:
        markdown: a page.
        quoted: whether code in a line keeps its backquotes, for where no colour tells it from words.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["text"]:
            return re.sub("`[^`]+`", in_line, _link(match["text"], match["target"]))
        return match[0] if match[0].startswith("```") else in_line(match)

    def in_line(match: re.Match[str]) -> str:
        return f"`` {match[0]} ``" if quoted else match[0]

    return _MARKUP.sub(replaced, markdown)


def _link(text: str, target: str) -> str:
    if "://" in target:
        return f"{text} ({target})"
    file = target.partition("#")[0]
    topic = file.removesuffix(".md")
    if not file:
        return text
    if topic in TOPICS:
        shown = f"`mtkit guide {topic}`"
        return shown if text.lower().replace(" ", "-") == topic else f"{text} ({shown})"
    path = posixpath.normpath(posixpath.join("mtkit/guide", file))
    named = path.endswith(text.strip("/")) or Path(path).stem == text
    return f"`{path}`" if named else f"{text} (`{path}`)"
