"""`mtkit guide`: through a pager on a terminal, plain text elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mtkit.cli.guide import PAGES, TOPICS
from mtkit.cli.guide_page import rendered

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run `mtkit ARGUMENTS` on a terminal of its own and return all that it shows."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mtkit", *arguments]
    variables = os.environ | {"NO_COLOR": "", "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | environment
    shown = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables):
        os.close(theirs)
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # nobody holds the other end any more
            pass
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_without_a_topic_it_lists_each_with_what_it_is_about(mtkit: Callable[..., Outcome]) -> None:
    outcome = mtkit("guide")
    listed = [line.split(maxsplit=1) for line in outcome.out.decode().splitlines() if line.startswith("  ")]
    assert listed == [[topic, about] for topic, about in TOPICS.items()]
    assert outcome.code == 0


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_is_plain_text_where_no_terminal_is(
    mtkit: Callable[..., Outcome], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = mtkit("guide", topic).out.decode()
    assert text == rendered((PAGES / f"{topic}.md").read_text(encoding="utf-8"), width=80, colour=False)
    assert text.isprintable() or set(filter(lambda character: not character.isprintable(), text)) == {"\n"}


def test_a_terminal_shows_the_same_words_in_colour_through_the_pager() -> None:
    shown = on_a_terminal("guide", "evaluating", PAGER="sed s/^/@/")
    assert all(line.startswith("@") for line in shown.splitlines())
    assert ANSI.search(shown)
    plain = rendered((PAGES / "evaluating.md").read_text(encoding="utf-8"), width=80, colour=False)
    assert ANSI.sub("", shown).replace("@", "").split() == plain.replace("`", "").split()


def test_a_terminal_without_colour_gets_none() -> None:
    assert "\x1b" not in on_a_terminal("guide", "evaluating", PAGER="cat", TERM="dumb")


def test_a_wide_terminal_gets_lines_that_can_be_read() -> None:
    shown = ANSI.sub("", on_a_terminal("guide", "python", PAGER="cat", COLUMNS="200"))
    assert 80 < max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("trainin", "did you mean training?"),
        ("Python", "did you mean python?"),
        ("corpus", "did you mean your-corpus?"),
        ("xyzzy", "choose one of five-minutes, your-corpus, "),
    ],
)
def test_a_wrong_topic_is_one_line_with_the_nearest_one(mtkit: Callable[..., Outcome], topic: str, hint: str) -> None:
    outcome = mtkit("guide", topic)
    assert outcome.code == 2
    assert outcome.message.startswith(f"the guide has no topic {topic}; {hint}")
    assert outcome.out == b""


def test_links_become_what_can_be_typed_or_opened() -> None:
    page = "[evaluating](evaluating.md), [scores](training.md#x), [`GRU`](../nn/recurrent.py), [below](#y), `a[b](c)`\n"
    shown = rendered(page, width=200, colour=False)
    assert shown == (
        "`mtkit guide evaluating`, scores (`mtkit guide training`), `GRU` (`mtkit/nn/recurrent.py`), below, `a[b](c)`\n"
    )


def test_an_output_that_cannot_show_a_character_gets_another() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    command = [sys.executable, "-m", "mtkit", "guide", "five-minutes"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Le vieux m?decin lit une longue lettre." in done.stdout


def test_topics_are_completed() -> None:
    environment = os.environ | {"_MTKIT_COMPLETE": "complete_bash", "COMP_WORDS": "mtkit guide t", "COMP_CWORD": "2"}
    program = "import sys; sys.argv = ['mtkit']; from mtkit.cli.app import main; main()"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["training", "translating", "terms"]


def test_it_loads_nothing_that_pages_do_not_need() -> None:
    program = (
        "import sys; sys.argv = ['mtkit', 'guide', 'terms']\n"
        "from mtkit.cli.app import main\n"
        "assert 'rich.markdown' not in sys.modules\n"
        "try: main()\n"
        "finally: print(*{'torch', 'pyarrow', 'numpy', 'onnxruntime'} & sys.modules.keys(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "\n"


def test_a_terminal_whose_user_wants_no_colour_tells_code_by_its_backquotes() -> None:
    shown = on_a_terminal("guide", "evaluating", PAGER="cat", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)
    assert "`--json`" in shown
