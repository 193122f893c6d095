"""What the README shows can be typed: its commands and options exist, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtkit.configuration import COMMANDS, fields
from mtkit.settings import EvaluateSettings, PreprocessSettings, TrainSettings, TranslateSettings
from mtkit.translation import Translation

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLASSES = dict(zip(COMMANDS, (PreprocessSettings, TrainSettings, TranslateSettings, EvaluateSettings), strict=True))
GENERAL = {
    "--config",
    "--quiet",
    "--verbose",
    "--debug",
    "--help",
    "--version",
    "--show-config",
    "--install-completion",
}
TORCHRUN = {"--nproc-per-node", "--nnodes", "--rdzv-endpoint"}


def shown_commands() -> list[str]:
    """Every mtkit command line in the README's blocks, with its pipe."""
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    lines = [
        line
        for block in blocks
        for line in re.findall(r"^(?:\$ )?((?:echo [^|\n]*\| )?mtkit [^\n#]*)", block, re.MULTILINE)
    ]
    assert len(lines) >= 5
    return [line.strip() for line in lines]


@pytest.mark.parametrize("line", shown_commands())
def test_every_shown_command_has_options_that_exist(line: str) -> None:
    words = shlex.split(line.split("| ")[-1])
    known = {flag for field in fields(CLASSES[words[1]]) for flag in field.flag.split("/")} | GENERAL
    assert {word for word in words if word.startswith("--")} <= known


def test_every_mentioned_option_exists_somewhere() -> None:
    known = {flag for settings in CLASSES.values() for field in fields(settings) for flag in field.flag.split("/")}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) <= known | GENERAL | TORCHRUN


def test_every_link_leads_to_a_file() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_equation_leads_to_its_class_its_line_and_its_test() -> None:
    section = README[README.index("## From the equations to the code") : README.index("## A model is one folder")]
    rows = re.findall(r"^\| \*\*(.+?) \| (.+?) \| (.+?) \|$", section, flags=re.MULTILINE)
    assert len(rows) >= 15
    for equation, code, proof in rows:
        for name, path, lines in re.findall(r"\[`(\w+)`\]\(([\w/.]+)\)((?:(?!\[`\w+`\]\().)*)", code):
            text = (ROOT / path).read_text(encoding="utf-8")
            body = re.split(r"\n(?=\w)", text[text.index(f"\nclass {name}(") + 1 :])[0]
            quoted = re.findall(r"`([^`]+)`", lines)
            assert quoted, equation
            assert [line for line in quoted if line not in body] == [], equation
        tests = re.findall(r"\[`(\w+)`\]\(([\w/.]+)\)", proof)
        assert tests or proof == "the same", equation
        for name, path in tests:
            assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_every_make_target_that_is_mentioned_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_python_example_runs(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "en-fr").symlink_to(model_folder)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert len(capsys.readouterr().out.splitlines()) >= 2 + 1 + 1 + 1


def test_every_flag_of_a_translation_is_explained() -> None:
    unusual = Translation("a", "b", -1.0, truncated=True, loop=True, copied=True, parts=2, untranslatable=True)
    assert [name for name in unusual.flags if f"| `{name}` |" not in README] == []


@pytest.mark.slow
def test_the_tour_runs_as_printed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    tour = README[README.index("## Five minutes") : README.index("## The commands")]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    printed = {}
    for line in re.findall(r"^\$ (.*)$", tour, flags=re.MULTILINE):
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        printed[line] = done.stdout
    (scores,) = (text for line, text in printed.items() if "mtkit evaluate" in line)
    assert float(scores.split()[1]) >= 75
