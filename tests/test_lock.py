"""One process at a time writes a folder, whoever else wants to, and a dead one keeps nobody out."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtkit import lock
from mtkit.errors import OutputError
from mtkit.lock import locked
from mtkit.storage import HOST

ROOT = Path(__file__).parent.parent
PROGRAM = """if True:
    import sys
    from pathlib import Path
    from mtkit.errors import MtkitError
    from mtkit.lock import locked
    try:
        with locked(Path(sys.argv[1])):
            print("in", flush=True)
            sys.stdin.read()
    except MtkitError as error:
        print(error, flush=True)
        sys.exit(error.exit_code)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """Begin a process that stays in the folder until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@contextmanager
def somebody_in(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(folder)
    try:
        assert heard(process) == "in"
        yield process
    finally:
        process.kill()
        process.communicate()


def file_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's time is renewed and watched in a fraction of a second."""
    monkeypatch.setattr(lock, "BEAT", 0.05)
    monkeypatch.setattr(lock, "WATCH", 0.5)


def owned_by(folder: Path, host: str, pid: int) -> None:
    file_of(folder).write_text(json.dumps({"pid": pid, "host": host, "since": "2026-01-01 00:00:00 +0000"}))


def test_the_second_one_is_told_who_is_there_and_enters_when_that_one_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with somebody_in(folder) as first:
        told = rf"model: is being written by process {first.pid} on {HOST}, since 20..-.*; wait until it ends, or give"
        with pytest.raises(OutputError, match=told), locked(folder):
            pass
        second = start(folder)
        assert f"process {first.pid} on" in heard(second)
        assert second.wait() == 2
        first.communicate()
    with locked(folder):
        assert file_of(folder).exists()


def test_who_leaves_leaves_nothing_behind(tmp_path: Path) -> None:
    with locked(tmp_path / "model"):
        assert [path.name for path in tmp_path.iterdir()] == [".model.lock"]
        assert not (tmp_path / "model").exists(), "whether the folder is free is another question"
    with pytest.raises(KeyError), locked(tmp_path / "model"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_dead_one_keeps_nobody_out(tmp_path: Path) -> None:
    with somebody_in(tmp_path / "model") as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert file_of(tmp_path / "model").exists()
        with locked(tmp_path / "model"):
            assert json.loads(file_of(tmp_path / "model").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_its_own_thread_may_enter_again_and_no_other(tmp_path: Path) -> None:
    folder, told = tmp_path / "model", []

    def enter() -> None:
        try:
            with locked(folder):
                told.append("in")
        except OutputError as error:
            told.append(str(error))

    with locked(folder):
        with locked(folder):
            pass
        with locked(tmp_path / "another"):
            pass
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert f"process {os.getpid()}" in told[0]
        assert file_of(folder).exists()
    enter()
    assert told[1] == "in"


def test_a_link_and_what_it_leads_to_are_one_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "model")
    with (
        somebody_in(tmp_path / "model"),
        pytest.raises(OutputError, match="is being written"),
        locked(tmp_path / "link"),
    ):
        pass


@pytest.mark.parametrize("system", [True, False], ids=["flock", "no flock"])
def test_of_another_host_the_living_keep_others_out_and_the_dead_do_not(
    system: bool, fast: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where flock holds among the processes of one host only, or is not to be had at all."""
    if not system:
        monkeypatch.setattr(lock, "fcntl", None)
    owned_by(tmp_path / "model", "elsewhere", 1)
    over = threading.Event()
    pulse = threading.Thread(target=lock._beat, args=(file_of(tmp_path / "model"), over))
    pulse.start()
    told = "by process 1 on elsewhere, since 2026-01-01"
    with pytest.raises(OutputError, match=told), locked(tmp_path / "model"):
        pass
    assert file_of(tmp_path / "model").exists(), "it is not ours to remove"
    over.set()
    pulse.join()
    with locked(tmp_path / "model"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_without_the_systems_lock_the_time_of_the_file_tells(
    fast: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    told: list[str] = []

    def enter() -> None:
        try:
            with locked(tmp_path / "model"):
                told.append("in")
        except OutputError:
            told.append("out")

    with locked(tmp_path / "model"):
        before = file_of(tmp_path / "model").stat().st_mtime_ns
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert file_of(tmp_path / "model").stat().st_mtime_ns > before
    owned_by(tmp_path / "model", HOST, 2**22 + 1)  # no process has so high a number
    begun = time.monotonic()
    enter()
    assert told == ["out", "in"]
    assert time.monotonic() - begun < lock.WATCH, "that a process of this host is gone is known at once"


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 900, b"[1]", b'{"pid": "x"}', b'{"pid": 1}'])
def test_a_file_that_says_nothing_is_taken_over(content: bytes, fast: None, tmp_path: Path) -> None:
    file_of(tmp_path / "model").write_bytes(content)
    with locked(tmp_path / "model"):
        pass


def test_where_only_the_folder_itself_can_be_written_the_lock_is_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    real = os.open

    def refuse(path: Path, *arguments: int) -> int:
        if path == file_of(tmp_path / "model"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    with locked(tmp_path / "model"):
        assert (tmp_path / "model" / ".lock").exists()
    assert list(tmp_path.rglob("*")) == [tmp_path / "model"]


def test_a_place_for_no_lock_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file/model: cannot be written"), locked(tmp_path / "file" / "model"):
        pass


def race(folder: Path, processes: int) -> None:
    """Let some want the folder at once: one gets it, the others stop with one line and exit code 2."""
    started = [start(folder) for _ in range(processes)]
    said = [heard(process) for process in started]
    inside = [process for process, line in zip(started, said, strict=True) if line == "in"]
    assert len(inside) == 1
    assert sum(f"is being written by process {inside[0].pid} on" in line for line in said) == processes - 1
    for process in started:
        process.communicate()
    assert sorted(process.returncode for process in started) == [0] + [2] * (processes - 1)
    assert not list(folder.parent.iterdir())


def test_of_several_at_once_one_gets_in(tmp_path: Path) -> None:
    race(tmp_path / "model", 4)


@pytest.mark.slow
def test_of_two_at_once_one_gets_in_fifty_times_of_fifty(tmp_path: Path) -> None:
    for _ in range(50):
        race(tmp_path / "model", 2)
