"""Every command with the oldest packages that pyproject.toml allows: `make test-oldest`.

The full install prepares, trains, translates, evaluates and exports; the light one, which has no torch, reads the same
model, and must answer in the same words. Arguments: the folder of each environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.oldest.minimums import CHOSEN_BY_HAND, minimums

DATA = Path(__file__).resolve().parents[2] / "data"
LANGUAGES = ("en", "fr")
SENTENCES = "The old doctor reads a long letter.\n\nWhere is the station?\n"
SMALL = ["--embedding-size", "16", "--hidden-size", "16", "--batch-tokens", "500", "--device", "cpu", "--threads", "1"]
NEEDS_FULL_INSTALL = "the full install: pip install 'mtkit[train]'"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the folder that its commands run in."""

    folder: Path
    work: Path

    def run(self, *command: str, given: str = "", code: int = 0) -> str:
        """Run a command of the environment and return what it printed, its complaint where it must fail.

        Raises:
            SystemExit: it ended with another code.
        """
        program = [str(self.folder / "bin" / command[0]), *command[1:]]
        done = subprocess.run(program, cwd=self.work, input=given, capture_output=True, text=True, check=False)
        if done.returncode != code:
            shown = " ".join(command)
            sys.exit(f"{shown}: exit code {done.returncode}, not {code}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stderr if code else done.stdout

    def mtkit(self, *arguments: str, given: str = "", code: int = 0) -> str:
        """Run mtkit."""
        return self.run("mtkit", *arguments, given=given, code=code)


def require(holds: bool, law: str) -> None:
    """End with a law that does not hold."""
    if not holds:
        sys.exit(law)


def check_versions(environment: Environment, install: str) -> None:
    """The environment must hold exactly what pyproject.toml calls the oldest; torch is reported as it is."""
    oldest = minimums(install)
    program = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {list(oldest)}}}))"
    found = json.loads(environment.run("python", "-c", program))
    for name, version in oldest.items():
        is_oldest = found[name] == version or found[name].startswith(f"{version}.")
        require(is_oldest or name == CHOSEN_BY_HAND, f"{name} {found[name]} is installed, not the oldest, {version}")
        if not is_oldest:
            print(f"  {name} {found[name]} stands for {version}: another build is chosen with TORCH_OLDEST=")


def check_help(environment: Environment) -> None:
    """`--help` of every command there is, and the version."""
    program = "import typer; from mtkit.cli.app import app; print(*typer.main.get_command(app).commands)"
    commands = environment.run("python", "-c", program).split()
    require({"preprocess", "train", "translate", "evaluate", "export"} <= set(commands), f"commands are {commands}")
    for command in ([], *([name] for name in commands)):
        require("--help" in environment.mtkit(*command, "--help"), f"{command} has no help")
    require(environment.mtkit("--version").startswith("mtkit "), "--version names no version")
    if "guide" in commands:
        require(bool(environment.mtkit("guide").strip()), "the guide is empty")


def check_answers(environment: Environment) -> list[str]:
    """Translate and evaluate with the model; return all that was printed."""
    answers = [
        environment.mtkit("translate", "model", "--threads", "1", given=SENTENCES),
        environment.mtkit("translate", "model", "--format", "jsonl", "--n-best", "2", given=SENTENCES),
        environment.mtkit("translate", "model", "--sample", "--alignments", "word", given=SENTENCES),
        environment.mtkit("evaluate", "model", "--test", "valid"),
        environment.mtkit("evaluate", "--hypotheses", "valid.fr", "--reference", "valid.fr", "--json"),
    ]
    require(answers[0].count("\n") == SENTENCES.count("\n"), f"translate gives no line for a line: {answers[0]!r}")
    require("100.0" in answers[-1], f"a text beside itself is no BLEU of 100: {answers[-1]}")
    return answers


def write_corpus(folder: Path) -> None:
    """Write the first pairs of each split, and a configuration file."""
    for split, pairs in (("train", 600), ("valid", 20)):
        for language in LANGUAGES:
            with (DATA / f"{split}.{language}").open(encoding="utf-8") as lines:
                (folder / f"{split}.{language}").write_text("".join(islice(lines, pairs)), encoding="utf-8")
    (folder / "mtkit.toml").write_text('[preprocess]\nlangs = "en-fr"\nvocab_size = 400\n', encoding="utf-8")


def train(environment: Environment) -> None:
    """Make a model, resume its training, and export it again."""
    environment.mtkit(
        "preprocess", "--config", "mtkit.toml", "--train", "train", "--valid", "valid", "--out", "prepared"
    )
    training = ["train", "prepared", "--out", "model", "--valid-every", "4", "--schedule", "inverse-sqrt", *SMALL]
    environment.mtkit(*training, "--updates", "8")
    environment.mtkit(*training, "--updates", "12", "--resume")
    environment.mtkit("export", "model")


def check_refusal(environment: Environment) -> None:
    """Without the extra, training ends in one line that says what to install."""
    complaint = environment.mtkit("train", "--langs", "en-fr", "--train", "train", "--out", "other", code=2)
    require(complaint.count("\n") == 1 and NEEDS_FULL_INSTALL in complaint, f"train without torch says {complaint!r}")


def main(full_folder: Path, light_folder: Path) -> None:
    """Check both environments."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_corpus(work)
        full, light = Environment(full_folder.absolute(), work), Environment(light_folder.absolute(), work)
        print("full install, oldest packages", flush=True)
        check_versions(full, "full")
        check_help(full)
        train(full)
        answers = check_answers(full)
        print("light install, oldest packages", flush=True)
        check_versions(light, "light")
        check_help(light)
        require(check_answers(light) == answers, "the light install translates or scores otherwise than the full one")
        check_refusal(light)
        print("all commands work")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
