"""The library speaks of settings, and the command line alone of flags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtkit
from mtkit.configuration import COMMANDS, as_flags, fields

HOUSE = Path(mtkit.__file__).parent
FLAGS = {flag for settings in COMMANDS.values() for field in fields(settings) for flag in field.flag.split("/")}
ROOMS = sorted({path.relative_to(HOUSE).parts[0] for path in HOUSE.rglob("*.py")} - {"cli", "__main__.py"})


def texts_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string in a program, but for docstrings and the flags of fields."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.keyword) and node.arg == "flag":
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        yield from texts_of(node)


@pytest.mark.parametrize("room", ROOMS)
def test_no_message_of_the_library_names_a_flag(room: str) -> None:
    files = [HOUSE / room] if room.endswith(".py") else (HOUSE / room).rglob("*.py")
    for path in files:
        for line, text in texts_of(ast.parse(path.read_text(encoding="utf-8"))):
            named = FLAGS & set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
            assert not named, f"{path}:{line}: write the setting in backquotes instead of {named}"


def test_the_reader_of_texts_sees_messages_and_neither_docstrings_nor_flags() -> None:
    program = '"""--seed"""\ndef f():\n    """--seed"""\n    raise E(f"--out {x}", about("a", flag="--b"))\n'
    assert [text for _, text in texts_of(ast.parse(program))] == ["--out ", "a"]


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("`batch_tokens=0`: expected `int` >= 1", "--batch-tokens 0: expected `int` >= 1"),
        ("raise `max_length`, or `force=True`", "raise --max-length, or --force"),
        ("choose `bidirectional=False`", "choose --no-bidirectional"),
        ("`joint=False`", "--separate"),
        ("`device=cpu` or auto", "--device cpu or auto"),
        ("trained with `attention=none`", "trained with --attention none"),
        ("`out=my models`", "--out 'my models'"),
        ("`src_embeddings` and `nothing=3` and `mtkit train`", "--src-embeddings and `nothing=3` and `mtkit train`"),
        ("batch_tokens, seed=3", "batch_tokens, seed=3"),
    ],
)
def test_settings_in_backquotes_are_flags_on_the_command_line(message: str, written: str) -> None:
    assert as_flags(message) == written


def test_a_name_that_several_commands_have_is_one_flag() -> None:
    flags: dict[str, set[str]] = {}
    for settings in COMMANDS.values():
        for field in fields(settings):
            flags.setdefault(field.name, set()).add(field.as_flag())
    assert {name: found for name, found in flags.items() if len(found) > 1} == {}
