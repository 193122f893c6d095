"""A page of the guide as text for a terminal. This imports rich's Markdown; `guide` does so when a page is shown."""

from __future__ import annotations

import io
import posixpath
import re
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown
from rich.padding import Padding
from rich.text import Text
from rich.theme import Theme

from mtkit.cli.guide import TOPICS

_MARKUP = re.compile(r"```.*?```|`[^`]+`|\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)", re.DOTALL)
"""What links are not looked for in, code, and links."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_THEME = Theme({"markdown.code": "cyan", "markdown.code_block": "cyan"})


def rendered(markdown: str, *, width: int, colour: bool) -> str:
    """Return a page as lines of at most `width` columns, with ANSI codes or without.

    A line of code that is longer goes on in the next one. Code within a line keeps its backquotes where no colour
    tells it from words.
    """
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="auto" if colour else None,
        theme=_THEME,
        highlight=False,
    )
    colourless = console.color_system is None or console.no_color
    with console.capture() as capture:
        console.print(_Page(_as_read(markdown, quoted=colourless), hyperlinks=False))
    lines = (line.rstrip() for line in capture.get().split("\n"))
    text = "\n".join(line if _ANSI.sub("", line).strip() else "" for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"  # rich puts several blank lines around a table


class _UnderlinedHeading(Heading):
    """A heading at the left, to be told from text without colour too."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.text.plain, style="bold")
        if line := {"h1": "═", "h2": "─"}.get(self.tag):
            yield Text(line * len(self.text.plain))


class _IndentedCode(CodeBlock):
    """Code without a background of its own, which would suit dark terminals or light ones only."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Padding(Text(str(self.text).rstrip(), style="markdown.code_block"), (0, 0, 0, 2))


class _Page(Markdown):
    """Markdown with these two elements."""

    elements = {  # noqa: RUF012 - as rich declares it
        **Markdown.elements,
        "heading_open": _UnderlinedHeading,
        "fence": _IndentedCode,
    }


def _as_read(markdown: str, *, quoted: bool) -> str:
    """Write links as text: to a page as the command that shows it, to a file as its path in the repository.

    Args:
        markdown: a page.
        quoted: whether code in a line keeps its backquotes.
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
