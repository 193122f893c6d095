"""The way into the command line."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pytest

from mtkit.__main__ import main


class Interrupting(MetaPathFinder):
    """Whoever imports the command line presses Ctrl-C."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "mtkit.cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_while_the_command_line_is_imported_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mtkit.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert ended.value.__suppress_context__
