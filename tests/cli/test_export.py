"""`mtkit export` makes a model's runtime anew."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from .conftest import Command


def test_it_restores_the_runtime_that_translation_asks_for(mtkit: Command, copied_model: Path) -> None:
    expected = mtkit("translate", copied_model, stdin=b"The red cat sees a dog.").out
    shutil.rmtree(copied_model / "runtime")
    refused = mtkit("translate", copied_model, stdin=b"The red cat sees a dog.")
    assert refused.code == 2
    assert refused.message.endswith(f"make it with: mtkit export {copied_model}")
    outcome = mtkit("export", copied_model)
    assert (outcome.code, outcome.err) == (0, f"Wrote {copied_model}/runtime\n")
    assert mtkit("translate", copied_model, stdin=b"The red cat sees a dog.").out == expected


def test_it_replaces_a_stale_runtime(mtkit: Command, copied_model: Path) -> None:
    weights = (copied_model / "model.safetensors").read_bytes()
    (copied_model / "model.safetensors").write_bytes(weights[:-4] + bytes(4))
    assert "made from other weights" in mtkit("translate", copied_model, stdin=b"The cat.").message
    assert mtkit("export", copied_model, "--quiet").err == ""
    assert mtkit("translate", copied_model, stdin=b"The cat.").code == 0


def test_what_is_no_model_or_has_no_weights_is_refused(mtkit: Command, copied_model: Path, tmp_path: Path) -> None:
    assert mtkit("export", tmp_path).code == 2
    (copied_model / "model.safetensors").unlink()
    outcome = mtkit("export", copied_model)
    assert outcome.code == 2
    assert "model.safetensors: is missing" in outcome.message


def test_without_the_full_install_it_says_what_to_install(
    mtkit: Command, copied_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in [name for name in sys.modules if name.startswith("mtkit.runtime.onnx_export")]:
        monkeypatch.delitem(sys.modules, name)
    assert mtkit("export", copied_model).message.endswith("export needs the full install: pip install 'mtkit[train]'")
