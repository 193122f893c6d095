"""What all commands share: help, version, and errors of one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mtkit import __version__
from mtkit.cli.app import app
from mtkit.configuration import COMMANDS, fields
from mtkit.settings import EvaluateSettings, PreprocessSettings, TrainSettings, TranslateSettings

from .conftest import Command

CLASSES = dict(zip(COMMANDS, (PreprocessSettings, TrainSettings, TranslateSettings, EvaluateSettings), strict=True))


def test_the_commands_are_those_a_config_file_may_have_tables_for_and_one_without_settings() -> None:
    assert tuple(command.name for command in app.registered_commands) == (*COMMANDS, "export", "guide")


def test_version(mtkit: Command) -> None:
    assert mtkit("--version").out.decode() == f"mtkit {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_setting_and_shows_an_example(
    mtkit: Command, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    outcome = mtkit(command, "--help")
    text = outcome.out.decode()
    assert outcome.code == 0
    for field in fields(CLASSES[command]):
        assert all(flag in text for flag in field.flag.split("/")), field.name
    for flag in ("--config", "--quiet", "--verbose", "--debug"):
        assert flag in text
    assert "Example: " in text
    assert f"mtkit {command}" in text


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("train", "--help"), ("translate", "--help"), ("--version",), ("--show-completion",), ("guide",)],
)
def test_help_version_and_completion_import_no_torch(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; sys.argv = ['mtkit', *sys.argv[1:]]\n"
        "from mtkit.cli.app import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'pyarrow', 'sacrebleu', 'numpy'} & sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert "AssertionError" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian",), "No such command 'trian'"),
        (("train", "--hiden-size", "3"), "No such option: --hiden-size"),
        (("train", "--hidden-size", "wide"), "Invalid value for '--hidden-size'"),
        (("train", "--cell", "rnn"), "Invalid value for '--cell'"),
        (("train", "corpus", "--dropout", "1"), "--dropout 1.0: expected `float` < 1.0"),
        (("train", "corpus", "--config", "none.toml"), "none.toml: there is no such config file"),
        (("translate", "--beam-size", "2"), "Missing argument 'MODEL'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(mtkit: Command, arguments: tuple[str, ...], message: str) -> None:
    outcome = mtkit(*arguments)
    assert outcome.code == 2
    assert message in outcome.message


def test_debug_shows_the_traceback_of_an_error() -> None:
    command = [sys.executable, "-m", "mtkit", "translate", "none", "--debug"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ModelFolderError: none: is not a model folder" in done.stderr


def test_an_unforeseen_error_is_one_line_and_code_1(mtkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **rest: object) -> None:
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr("mtkit.dataset.preparation.prepare", broken)
    outcome = mtkit("preprocess", "--out", "x")
    assert outcome.code == 1
    assert outcome.message == "RuntimeError: something nobody thought of; --debug shows where"
