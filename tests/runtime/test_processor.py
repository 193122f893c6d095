"""What the machine can multiply fast."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from mtkit.runtime import processor


@pytest.mark.parametrize(
    ("lines", "fast"),
    [
        ("flags\t\t: fpu sse2 avx2 fma", False),
        ("flags\t\t: fpu sse2 avx2 avx512f avx512_vnni", True),
        ("flags\t\t: fpu avx2 avx_vnni", True),
        ("Features\t: fp asimd crc32", False),
        ("Features\t: fp asimd crc32 asimddp", True),
        ("nothing of the kind", False),
    ],
)
def test_linux_lists_the_instructions(lines: str, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{lines}\n")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    assert processor.has_int8_instructions() is fast


@pytest.mark.parametrize(("machine", "fast"), [("arm64", True), ("x86_64", False)])
def test_macs_have_them_where_they_are_arm(machine: str, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert processor.has_int8_instructions() is fast


def test_where_nothing_is_known_nothing_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    assert not processor.has_int8_instructions()
