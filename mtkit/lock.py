"""A lock on a folder that is being written: one process at a time, whichever command it runs.

The lock is a file beside the folder, `.NAME.lock`, that says who is there. Two things make it hold:

- The system's lock on that file (`flock`). It goes with its process, however that ends, so nobody waits for the dead.
- The file's time, renewed every few seconds. `flock` does not reach other hosts on every network file system, and is
  not everywhere; where it may not, who finds the file watches it for a while, and takes it over if nothing moves.
  Only whether the time moves counts, so clocks may differ.

Who leaves removes the file. One that a killed process left is taken over by the next.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mtkit.errors import OutputError
from mtkit.storage import HOST, clear_drafts, is_gone, writing

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

BEAT = 5.0
"""Seconds after which the file's time is renewed."""

WATCH = 3 * BEAT
"""Seconds without such a renewal after which its process is gone."""

_held: dict[Path, tuple[int, int]] = {}
"""Locked folders, and by which thread of which process: a fork inherits the table, but locks nothing."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only one that writes a folder, whether it is there yet or not; the thread that is may enter again.

    Drafts of the folder that others have left beside it are cleared, since nobody is at work on them.

    Raises:
        OutputError: somebody else writes it, and is named; or the lock cannot be written.
    """
    folder = folder.resolve()
    me = os.getpid(), threading.get_ident()
    if _held.get(folder) == me:
        yield
        return
    file, descriptor = _acquire(folder)
    _held[folder] = me
    over = threading.Event()
    pulse = threading.Thread(target=_beat, args=(file, over), name="lock", daemon=True)
    pulse.start()
    try:
        clear_drafts(folder, of_all_hosts=True)
        yield
    finally:
        over.set()
        pulse.join()
        del _held[folder]
        _release(file, descriptor)


def _acquire(folder: Path) -> tuple[Path, int]:
    while True:
        file, descriptor, is_new = _open(folder)
        try:
            granted = _lock(descriptor)
            owner = _owner(descriptor)
            if granted is False:
                raise OutputError(_occupied(folder, descriptor))
            at_once = is_new or (granted and owner.get("host", HOST) == HOST)
            if not at_once and _lives(file, owner):
                raise OutputError(_occupied(folder, descriptor))
            if _is_at(file, descriptor):  # whoever left last may have removed it meanwhile
                _write(descriptor)
                return file, descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(folder: Path) -> tuple[Path, int, bool]:
    """Open the file of the lock; return where it is, its descriptor, and whether it was made by that.

    It lies in the folder itself where only that can be written: nobody can replace it then, but export into it.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with writing(folder):
        beside = folder.with_name(f".{folder.name}.lock")
        for file in (beside, folder / ".lock"):
            try:
                if file is beside:
                    file.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileExistsError):
                    return file, os.open(file, flags | os.O_EXCL, 0o666), True
                return file, os.open(file, flags, 0o666), False
            except OSError as error:
                may_lie_inside = file is beside and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
                if not (may_lie_inside and folder.is_dir()):
                    raise
    raise AssertionError("one of the two is opened or raises")


def _lock(descriptor: int) -> bool | None:
    """Take the system's lock; return whether it was free, or None where there is no such lock."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # this file system has none
        return None
    return True


def _lives(file: Path, owner: dict[str, Any]) -> bool:
    """Whether somebody renews the time of the file; that its process is gone is known at once where it was here."""
    if owner.get("host") == HOST and is_gone(owner.get("pid", 0)):
        return False
    before, end = _time(file), time.monotonic() + WATCH
    while before is not None and time.monotonic() < end:
        time.sleep(min(0.5, BEAT / 5))
        if (now := _time(file)) != before:
            return now is not None
    return False


def _time(file: Path) -> int | None:
    """The time of the file, in nanoseconds; opened for it, since network file systems ask the server only then."""
    try:
        with file.open("rb") as opened:
            return os.fstat(opened.fileno()).st_mtime_ns
    except OSError:
        return None


def _owner(descriptor: int) -> dict[str, Any]:
    """Who the file says is there; empty where it says nothing."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        owner = json.loads(os.read(descriptor, 1000))
    except (OSError, ValueError, RecursionError):
        return {}
    known = isinstance(owner, dict) and isinstance(owner.get("pid"), int) and isinstance(owner.get("host"), str)
    return owner if known else {}


def _occupied(folder: Path, descriptor: int) -> str:
    for _ in range(40):
        if owner := _owner(descriptor):
            who = f"process {owner['pid']} on {owner['host']}, since {owner.get('since')}"
            break
        time.sleep(0.05)  # it is about to say so
    else:
        who = "another process"
    return f"{folder}: is being written by {who}; wait until it ends, or give another folder"


def _write(descriptor: int) -> None:
    owner = {"pid": os.getpid(), "host": HOST, "since": time.strftime("%Y-%m-%d %H:%M:%S %z")}
    with suppress(OSError):  # on a full disk the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(owner).encode() + b"\n")


def _is_at(file: Path, descriptor: int) -> bool:
    """Whether what was opened is still what lies there."""
    try:
        return os.path.samestat(os.stat(file, follow_symlinks=False), os.fstat(descriptor))
    except OSError:
        return False


def _beat(file: Path, over: threading.Event) -> None:
    while not over.wait(BEAT):
        with suppress(OSError):
            os.utime(file)


def _release(file: Path, descriptor: int) -> None:
    """Remove the file, then unlock it: whoever has opened it by then finds it gone, and makes another."""
    is_ours = _is_at(file, descriptor)
    if os.name == "nt":  # where an open file cannot be removed
        os.close(descriptor)
    if is_ours:
        with suppress(OSError):
            file.unlink()
    if os.name != "nt":
        os.close(descriptor)
