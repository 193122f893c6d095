"""The floors of the house: imports run only downwards, and what must be light imports nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import mtkit

HOUSE = Path(mtkit.__file__).parent

FLOORS = [
    {
        "version",
        "arrays",
        "errors",
        "fields",
        "settings",
        "presets",
        "configuration",
        "process",
        "signals",
        "storage",
        "lock",
    },
    {"text", "nn", "search"},
    {"corpus", "model_folder", "training_log"},
    {"dataset", "runtime"},
    {"translation", "starting_point"},
    {"evaluation"},
    {"report"},
    {"training"},
    {"synthetic"},
    {"server"},
    {"cli", "__main__"},
]
"""The rooms of each floor. A room may import from the floors below it; within its own floor, only as `WITHIN` says."""

RESERVED = {"server"}
"""Rooms whose floor is known before they have code; who begins one takes it out of here."""

WITHIN = {
    ("configuration", "presets"),
    ("configuration", "settings"),
    ("configuration", "errors"),
    ("configuration", "fields"),
    ("settings", "fields"),
    ("settings", "presets"),
    ("settings", "errors"),
    ("fields", "errors"),
    ("storage", "errors"),
    ("process", "signals"),
    ("lock", "errors"),
    ("lock", "storage"),
    ("__main__", "cli"),
}
"""Neighbours on one floor that know each other: (who imports, whom)."""

OUTSIDE = {
    "arrays": {"numpy"},
    "version": set(),
    "errors": set(),
    "fields": {"msgspec"},
    "settings": {"msgspec"},
    "presets": set(),
    "configuration": {"msgspec"},
    "process": {"torch"},
    "starting_point": set(),
    "signals": set(),
    "storage": set(),
    "lock": set(),
    "text": {"numpy", "sentencepiece"},
    "nn": {"torch", "safetensors"},
    "search": {"numpy"},
    "corpus": {"msgspec", "numpy"},
    "dataset": {"msgspec", "numpy", "pyarrow"},
    "runtime": {"numpy", "onnx", "onnxruntime", "torch", "safetensors"},
    "model_folder": {"msgspec"},
    "training_log": {"msgspec"},
    "translation": {"numpy"},
    "evaluation": {"msgspec", "sacrebleu"},
    "report": set(),
    "training": {"msgspec", "numpy", "torch", "safetensors"},
    "synthetic": {"msgspec"},
    "cli": {"rich", "typer"},
    "__main__": set(),
}
"""What each room may import that is neither mtkit nor the standard library."""

FACE = "mtkit"
"""The package itself: it hands names on when they are asked for. No room asks it: it is above all of them."""


class Import(NamedTuple):
    """An import statement, wherever in a file it stands."""

    file: str
    line: int
    module: str
    lazy: bool
    """Inside a function, so that it costs nothing until that is called."""

    @property
    def room(self) -> str:
        """The room that imports: `nn` of mtkit/nn/loss.py."""
        return Path(self.file).parts[1].removesuffix(".py")

    @property
    def target(self) -> str:
        """The room that is imported, `FACE`, or the top-level package from outside."""
        top, *rest = self.module.split(".")
        return top if top != "mtkit" else rest[0] if rest else FACE

    @property
    def inside(self) -> bool:
        return self.module.split(".")[0] == "mtkit"

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports_of(path: Path) -> Iterator[Import]:
    """Read the import statements of a file, but for those that only a type checker sees."""
    file = str(path.relative_to(HOUSE.parent))

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} is a relative import"
            module = node.module or ""
            if module == "mtkit":  # `from mtkit import text` is the room, `from mtkit import train` is not
                names = [f"mtkit.{alias.name}" if alias.name in ROOMS else "mtkit" for alias in node.names]
                yield from (Import(file, node.lineno, name, lazy) for name in names)
            else:
                yield Import(file, node.lineno, module, lazy)
        inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inner)

    return walk(ast.parse(path.read_text(encoding="utf-8")), lazy=False)


ROOMS = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(HOUSE.rglob("*.py"))
IMPORTS = [found for path in FILES if path != HOUSE / "__init__.py" for found in imports_of(path)]


def test_every_file_is_in_a_room_of_the_plan() -> None:
    rooms = {path.relative_to(HOUSE).parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert rooms == set(ROOMS) - RESERVED == set(OUTSIDE)


def test_the_reader_sees_imports_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mtkit" / "nn").mkdir(parents=True)
    path = tmp_path / "mtkit" / "nn" / "x.py"
    path.write_text(
        "import os, torch.nn\nfrom mtkit import train, cli\nfrom mtkit.text.lines import opening\n"
        "def f():\n    import rich.table\n"
        "class C:\n    def g(self):\n        if f:\n            from mtkit.cli import app\n"
        "if TYPE_CHECKING:\n    import typer\n"
    )
    monkeypatch.setattr(f"{__name__}.HOUSE", tmp_path / "mtkit")
    found = [(one.room, one.target, one.inside, one.lazy) for one in imports_of(path)]
    assert found == [
        ("nn", "os", False, False),
        ("nn", "torch", False, False),
        ("nn", FACE, True, False),
        ("nn", "cli", True, False),
        ("nn", "text", True, False),
        ("nn", "rich", False, True),
        ("nn", "cli", True, True),
    ]


def test_imports_run_only_downwards() -> None:
    for one in IMPORTS:
        if one.inside and one.target != one.room:
            assert one.target != FACE, f"{one}: the face is for users of the package"
            below = ROOMS[one.target] < ROOMS[one.room]
            assert below or (one.room, one.target) in WITHIN, f"{one}, which is not below {one.room}"


def test_every_exception_is_needed() -> None:
    used = {(one.room, one.target) for one in IMPORTS if one.inside}
    assert used >= WITHIN
    outside = {(one.room, one.target) for one in IMPORTS if not one.inside}
    assert outside >= {(room, package) for room, packages in OUTSIDE.items() for package in packages}


def test_rooms_import_only_what_they_may_from_outside() -> None:
    for one in IMPORTS:
        if not one.inside and one.target not in sys.stdlib_module_names:
            assert one.target in OUTSIDE[one.room], f"{one}, which {one.room} may not"


def test_the_runtime_is_torch_behind_a_door_that_translation_opens_late() -> None:
    """Below the command line, no other room that works without torch reaches one that needs it."""
    heavy = {one.room for one in IMPORTS if one.target in ("torch", "pyarrow") and not one.lazy}
    assert heavy == {"nn", "runtime", "training", "dataset"}
    for one in IMPORTS:
        if one.inside and one.target in heavy and one.room not in {*heavy, "synthetic", "cli"}:
            assert (one.room, one.target, one.lazy) == ("translation", "runtime", True), str(one)


def test_light_rooms_load_nothing_heavy() -> None:
    """Not by anything they import in turn, either."""
    light = [
        *(
            "mtkit",
            "mtkit.version",
            "mtkit.errors",
            "mtkit.fields",
            "mtkit.settings",
            "mtkit.presets",
            "mtkit.configuration",
            "mtkit.signals",
        ),
        *("mtkit.arrays", "mtkit.process", "mtkit.lock"),
        *("mtkit.storage", "mtkit.text", "mtkit.text.padding", "mtkit.search", "mtkit.model_folder"),
        "mtkit.corpus",
        *("mtkit.training_log", "mtkit.translation", "mtkit.evaluation", "mtkit.report", "mtkit.cli.app"),
    ]
    program = f"""if True:
        import importlib, sys
        for name in {light}:
            importlib.import_module(name)
        print(*sorted({{"torch", "pyarrow", "safetensors"}} & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_there_is_no_junk_room() -> None:
    for path in HOUSE.rglob("*"):
        assert path.stem not in ("util", "utils", "helper", "helpers", "common", "misc"), path


def test_only_the_command_line_prints_and_exits() -> None:
    for path in FILES:
        if path.relative_to(HOUSE).parts[0] == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "exit", "quit", "sys.exit", "os._exit"), (
                    f"{path}:{node.lineno}: {called}"
                )


def test_faces_only_hand_names_on() -> None:
    """A package's `__init__.py` imports and names; mtkit's own also looks names up when they are asked for."""
    for path in FILES:
        if path.name == "__init__.py" and path != HOUSE / "__init__.py":
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                assert isinstance(node, ast.Import | ast.ImportFrom | ast.Expr | ast.Assign), f"{path}:{node.lineno}"
