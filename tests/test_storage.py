"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mtkit.errors import MtkitError, OutputError
from mtkit.storage import append, new_file, new_folder, remove_drafts, sha256


def write_file(path: Path, text: str) -> None:
    with new_file(path) as draft:
        draft.write_text(text)


def write_folder(path: Path, text: str) -> None:
    with new_folder(path) as draft:
        (draft / "inner").mkdir()
        (draft / "inner" / "file").write_text(text)


def read(path: Path) -> str:
    return (path / "inner" / "file").read_text() if path.is_dir() else path.read_text()


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


WRITERS = pytest.mark.parametrize("write", [write_file, write_folder])
Writer = Callable[[Path, str], None]


@WRITERS
def test_what_is_written_takes_its_place_and_leaves_nothing_beside_it(write: Writer, tmp_path: Path) -> None:
    write(tmp_path / "deep" / "er" / "new", "one")
    assert read(tmp_path / "deep" / "er" / "new") == "one"
    before = everything(tmp_path)
    write(tmp_path / "deep" / "er" / "new", "two")
    assert read(tmp_path / "deep" / "er" / "new") == "two"
    assert everything(tmp_path) == before


def test_a_new_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "stale").write_text("stale")
    write_folder(tmp_path / "place", "new")
    assert everything(tmp_path / "place") == ["inner", "inner/file"]


@pytest.mark.parametrize("new", [new_file, new_folder])
def test_nothing_shows_before_it_is_finished(new: Callable[[Path], object], tmp_path: Path) -> None:
    with new(tmp_path / "place") as draft:  # type: ignore[attr-defined]
        assert draft.parent == tmp_path, "a rename must not cross file systems"
        assert draft.name.startswith(".")
        if new is new_file:
            draft.write_text("half")
        assert not (tmp_path / "place").exists()
    assert (tmp_path / "place").exists()


class Broken(MtkitError):
    """Some error of whoever is writing."""


@WRITERS
@pytest.mark.parametrize("error", [Broken("no"), ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_a_failure_inside_leaves_the_old_content_and_no_litter(
    write: Writer, error: BaseException, tmp_path: Path
) -> None:
    write(tmp_path / "place", "old")
    before = everything(tmp_path)

    def write_half() -> None:
        with new_file(tmp_path / "place") if write is write_file else new_folder(tmp_path / "place") as draft:
            (draft if write is write_file else draft / "file").write_text("half")
            raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):
        write_half()
    assert read(tmp_path / "place") == "old"
    assert everything(tmp_path) == before


@WRITERS
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "place: no space left on the disk; free some and run the command again"),
        (errno.EROFS, "place: cannot be written \\(Read-only file system\\)"),
    ],
)
def test_a_full_or_failing_disk_is_one_line_and_loses_nothing(
    write: Writer, there: bool, call: str, number: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there:
        write(tmp_path / "place", "old")
    before = everything(tmp_path)
    real = getattr(os, call)

    def fail(*arguments: object) -> None:
        if arguments[-1] == tmp_path / "place" or call == "fsync":
            monkeypatch.setattr(os, call, real)  # the disk works again for the clearing up
            raise OSError(number, os.strerror(number))
        real(*arguments)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutputError, match=message):
        write(tmp_path / "place", "new")
    assert everything(tmp_path) == before
    if there:
        assert read(tmp_path / "place") == "old"


@WRITERS
def test_everything_is_synced_before_it_is_renamed(
    write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        events.append("synced " + os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real_sync(descriptor)

    def replace(source: Path, target: Path) -> None:
        events.append(f"renamed {source.name}")
        real_replace(source, target)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("names of descriptors are read from /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write(tmp_path / "place", "new")
    draft = f".place.{os.getpid()}.part"
    inside = ["synced inner", "synced file"] if write is write_folder else []
    assert events == [*inside, f"synced {draft}", f"renamed {draft}", f"synced {tmp_path.name}"]


def test_a_place_under_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for write in (write_file, write_folder):
        with pytest.raises(OutputError, match="cannot be written"):
            write(tmp_path / "file" / "place", "new")


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff" * 100_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"\x00\xff" * 100_000).hexdigest()


def test_an_addition_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    assert append(log, b"one\n") == 4
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:2]))  # the disk fills up
    with pytest.raises(OutputError, match="log: no space left on the disk"):
        append(log, b"two\n")
    assert log.read_bytes() == b"one\n"
    monkeypatch.undo()
    assert append(log, b"two\n") == 8


def test_drafts_of_processes_that_were_killed_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".file.12.part", ".runtime.12.part/inner", ".lost.12.old/inner", ".there.12.old/inner", "there/new"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for name in (".hidden", ".my.part", "file.12.part"):
        (tmp_path / name).write_text("mine")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".hidden", ".my.part", "file.12.part", "lost", "there",
    ]  # fmt: skip
    assert everything(tmp_path / "there") == ["new"]
