"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtkit import storage
from mtkit.errors import MtkitError, OutputError
from mtkit.storage import HOST, append, clear_drafts, find_again, new_file, new_folder, remove_drafts, sha256


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
    if call == "replace":
        monkeypatch.setattr(storage, "_exchange", lambda one, other: False)
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
    draft = f".place.{os.getpid()}@{HOST}.part"
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
    names = (".file.12.part", ".runtime.12@elsewhere.part/inner", ".lost.12.old/inner", ".there.12@elsewhere.old/inner")
    for name in (*names, "there/new"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for name in (".hidden", ".my.part", ".there.2024.old", "file.12.part"):
        (tmp_path / name).write_text("mine")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".hidden", ".my.part", ".there.2024.old", "file.12.part", "lost", "there",
    ]  # fmt: skip
    assert everything(tmp_path / "there") == ["new"]


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed in a fork of this one")


def run_killed(work: Callable[[], object], at: int) -> bool:
    """Do some work in another process, killed before the step `at` that it makes on the disk; whether it was killed."""
    process = os.fork()
    if process == 0:
        left = at

        def counted(call: Callable[..., object]) -> Callable[..., object]:
            def step(*arguments: object, **named: object) -> object:
                nonlocal left
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **named)

            return step

        for name in ("fsync", "replace", "mkdir", "unlink", "rmdir"):
            setattr(os, name, counted(getattr(os, name)))
        storage._exchange = counted(storage._exchange)  # type: ignore[assignment]
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(process, 0)
    assert status in (0, signal.SIGKILL)
    return status != 0


@needs_fork
@pytest.mark.parametrize("exchanges", [True, False], ids=["exchanged in one step", "by two renames"])
def test_killed_at_any_step_of_a_replacement_the_old_or_the_new_folder_is_there_whole(
    exchanges: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanges:
        monkeypatch.setattr(storage, "_exchange", lambda one, other: False)
    elif sys.platform not in ("linux", "darwin"):
        pytest.skip("this system has no such step")
    gaps, found, at = 0, set(), 1
    place = tmp_path / "place"
    write_folder(place, "old")
    while run_killed(lambda: write_folder(place, "new"), at):
        gaps += not place.exists()
        find_again(place)
        found.add(read(place))
        assert read(place) in ("old", "new")
        write_folder(place, "old")
        assert everything(tmp_path) == ["place", "place/inner", "place/inner/file"], "the next one clears up"
        at += 1
    assert read(place) == "new"
    assert found == {"old", "new"}
    assert gaps == (0 if exchanges else 1)
    assert at > 8


@needs_fork
def test_killed_at_any_step_of_a_new_file_the_old_or_the_new_one_is_there(tmp_path: Path) -> None:
    at, place = 1, tmp_path / "place"
    write_file(place, "old")
    while run_killed(lambda: write_file(place, "new"), at):
        assert read(place) in ("old", "new")
        write_file(place, "old")
        assert everything(tmp_path) == ["place"]
        at += 1
    assert at > 3


def pid_of_nobody() -> int:
    """The number of a process that has ended."""
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return process


@needs_fork
def test_drafts_of_the_living_of_other_hosts_and_of_users_are_left_alone(tmp_path: Path) -> None:
    gone = pid_of_nobody()
    mine = [f".place.{os.getppid()}@{HOST}.part", f".place.{gone}@elsewhere.part", f".place.{gone}.part", "place.part"]
    for name in (*mine, f".other.{gone}@{HOST}.part"):
        (tmp_path / name).write_text("a draft")
    (tmp_path / f".place.{gone}@{HOST}.part").mkdir()
    write_file(tmp_path / "place", "new")
    assert set(everything(tmp_path)) == {*mine, f".other.{gone}@{HOST}.part", "place"}
    clear_drafts(tmp_path / "place", of_all_hosts=True)
    assert f".place.{gone}@elsewhere.part" not in everything(tmp_path)
    remove_drafts(tmp_path)
    assert everything(tmp_path) == sorted([mine[0], "place", "place.part"])


@needs_fork
def test_what_was_moved_aside_is_found_again_once_and_only_where_nothing_is(tmp_path: Path) -> None:
    old = tmp_path / f".place.{pid_of_nobody()}@{HOST}.old"
    write_folder(old, "old")
    write_folder(tmp_path / "other", "other")
    old.rename(tmp_path / old.name.replace("place", "other"))
    find_again(tmp_path / "other")
    assert read(tmp_path / "other") == "other"
    find_again(tmp_path / "place")
    assert not (tmp_path / "place").exists()


def test_what_somebody_else_makes_meanwhile_stays(tmp_path: Path) -> None:
    write_folder(tmp_path / "theirs", "theirs")
    told = "place: was made by somebody else meanwhile, and is left as it is"
    with pytest.raises(OutputError, match=told), new_folder(tmp_path / "place"):
        (tmp_path / "theirs").rename(tmp_path / "place")
    assert everything(tmp_path) == ["place", "place/inner", "place/inner/file"]
    assert read(tmp_path / "place") == "theirs"


def test_a_check_that_fails_at_the_end_leaves_the_place_as_it_is(tmp_path: Path) -> None:
    write_folder(tmp_path / "place", "old")

    def refuse() -> None:
        raise Broken

    with pytest.raises(Broken), new_folder(tmp_path / "place", refuse) as draft:
        (draft / "new").write_text("new")
    assert everything(tmp_path) == ["place", "place/inner", "place/inner/file"]


@WRITERS
def test_a_link_is_replaced_and_never_written_through(write: Writer, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_folder(outside, "theirs") if write is write_folder else outside.write_text("theirs")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "place").symlink_to(outside)
    write(tmp_path / "inside" / "place", "mine")
    assert not (tmp_path / "inside" / "place").is_symlink()
    assert (read(tmp_path / "inside" / "place"), read(outside)) == ("mine", "theirs")
    assert sorted(path.name for path in (tmp_path / "inside").iterdir()) == ["place"]


def test_a_log_that_is_a_link_is_not_appended_to(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("theirs")
    (tmp_path / "log").symlink_to(tmp_path / "outside")
    with pytest.raises(OutputError, match="log: cannot be written"):
        append(tmp_path / "log", b"mine\n")
    assert (tmp_path / "outside").read_text() == "theirs"
