"""What the README and the guide show can be typed: commands and options exist, links lead somewhere, examples run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mtkit.cli.app import app
from mtkit.cli.guide import PAGES, TOPICS
from mtkit.translation import Translation

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "README.md", *(PAGES / f"{topic}.md" for topic in TOPICS)]
TEXTS = {path: path.read_text(encoding="utf-8") for path in FILES}
README = TEXTS[ROOT / "README.md"]
OPTIONS = {
    name: {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)} | {"--help"}
    for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
}
"""Every option of every command."""
OTHERS = {"--version", "--install-completion", "--nproc-per-node", "--nnodes", "--rdzv-endpoint"}
"""Options of `mtkit` itself and of torchrun."""


def blocks(path: Path, *kinds: str) -> list[str]:
    """The fenced blocks of some kinds in a page, lines that a backslash continues joined."""
    found = re.findall(rf"^```(?:{'|'.join(kinds)})\n(.*?)^```", TEXTS[path], flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"\\\n\s*", "", block) for block in found]


def shown_commands() -> list[str]:
    """Every mtkit command line in the blocks of all pages, from its name on."""
    return [
        command.strip()
        for path in FILES
        for block in blocks(path, "sh", "console")
        for line in block.splitlines()
        for command in re.findall(r"^(?:\$ )?(?:(?:echo|printf) [^|]*\| |torchrun .*-m )?(mtkit [a-z][^#|]*)", line)
    ]


def test_the_pages_show_every_command() -> None:
    assert {shlex.split(line)[1] for line in shown_commands()} == set(OPTIONS) - {"export", "guide"}
    assert all(f"| `mtkit {name}` |" in README for name in OPTIONS)


@pytest.mark.parametrize("line", shown_commands())
def test_every_shown_command_has_options_that_exist(line: str) -> None:
    words = shlex.split(line)
    assert {word for word in words if word.startswith("--")} <= OPTIONS[words[1]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_mentioned_option_exists_somewhere(path: Path) -> None:
    known = {flag for options in OPTIONS.values() for flag in options}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXTS[path])) <= known | OTHERS


def test_every_link_leads_to_a_file() -> None:
    found = [(path, target) for path in FILES for target in re.findall(r"\]\((?!http)([^)#]+)[)#]", TEXTS[path])]
    assert len(found) >= 50
    assert [(path.name, target) for path, target in found if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_make_target_and_benchmark_that_is_mentioned_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXTS[path], flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for name in re.findall(r"python -m tests\.benchmarks (\w+)", TEXTS[path]):
        assert (ROOT / "tests" / "benchmarks" / f"{name}.py").is_file()


def equations() -> dict[str, str]:
    """The sections of the page of equations that have a proof, by title."""
    sections = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXTS[PAGES / "equations.md"], flags=re.MULTILINE | re.DOTALL)
    return {title: section for title, section in sections if "Proof: " in section}


def test_there_are_as_many_equations_as_ever() -> None:
    assert len(equations()) >= 18


@pytest.mark.parametrize("title", equations())
def test_every_equation_leads_to_its_class_its_line_and_its_test(title: str) -> None:
    section = equations()[title]
    codes = re.findall(
        r"^Code: \[`(\w+)`\]\(([\w/.]+)\)[^\n]*\n\n```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL
    )
    assert codes
    assert len(codes) == section.count("Code: ")
    for name, path, quoted in codes:
        text = (PAGES / path).read_text(encoding="utf-8")
        body = re.split(r"\n(?=\w)", text[text.index(f"\nclass {name}(") + 1 :])[0]
        lines = re.sub(r"\n\s+", "", quoted).splitlines()  # a line that is indented continues the one before it
        assert [line for line in lines if _bare(line) not in _bare(body)] == []
    ((name, path),) = re.findall(r"^Proof: \[`(\w+)`\]\(([\w/.]+)\)$", section, flags=re.MULTILINE)
    assert f"\ndef {name}(" in (PAGES / path).read_text(encoding="utf-8")


def _bare(code: str) -> str:
    return re.sub(r"\s", "", code)


@pytest.mark.parametrize("path", [ROOT / "README.md", PAGES / "python.md"], ids=lambda path: path.stem)
def test_the_first_python_example_translates(
    path: Path,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "en-fr").symlink_to(model_folder)
    monkeypatch.chdir(tmp_path)
    exec(blocks(path, "python")[0], {})
    assert len(capsys.readouterr().out.splitlines()) >= 2


def test_every_flag_of_a_translation_is_explained() -> None:
    unusual = Translation(
        "a", "b", -1.0, truncated=True, loop=True, copied=True, parts=2, untranslatable=True, unknown=True
    )
    explained = TEXTS[PAGES / "translating.md"]
    assert [name for name in unusual.flags if f"| `{name}` |" not in explained] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", [ROOT / "README.md", PAGES / "five-minutes.md"], ids=lambda path: path.stem)
def test_the_tour_runs_as_printed(path: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    printed = {}
    for block in blocks(path, "console"):
        for line in re.findall(r"^\$ (.*)$", block, flags=re.MULTILINE):
            done = subprocess.run(
                line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
            )
            printed[line] = done.stdout
    (scores,) = (text for line, text in printed.items() if "mtkit evaluate" in line)
    assert float(scores.split()[1]) >= 75
