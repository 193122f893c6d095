"""Files and folders that appear whole or not at all: written beside their place, synced, then put into it.

    .NAME.PID@HOST.part   a draft of NAME; or what NAME was, once the finished draft has changed places with it
    .NAME.PID@HOST.old    what NAME was, on its way out where the system cannot let two folders change places

A process that is killed leaves them. The next one that writes NAME clears them (`clear_drafts`), and where NAME is
gone, what it was moves back (`find_again`). The name says whose they are: those of a living process are left alone.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtkit.errors import OutputError

HOST = re.sub(r"\W", "-", os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""))[:64]
"""This host, in the names of drafts."""

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""What a file begins with that Git LFS has left in the place of a larger one."""

POINTER_FAULT = "is a Git LFS pointer, not the file itself; fetch that with: git lfs pull"

_MARK = re.compile(r"(\d+)@([\w-]*)\.(part|old)")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing `path` into one line (`OutputError`)."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(f"{path}: no space left on the disk; free some and run the command again") from error
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a path to write; on success it is synced and replaces `path`, on failure it is removed.

    A link at `path` is replaced, never followed: whoever means the file it leads to resolves it first.
    """
    draft = _beside(path, "part")
    try:
        with writing(path):
            if path.is_dir() and not path.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            clear_drafts(path)
            _remove(draft)
            yield draft
            _sync(draft)
            os.replace(draft, path)
            _sync(path.parent)
    finally:
        with suppress(OSError):
            draft.unlink()


@contextmanager
def new_folder(path: Path, check: Callable[[], object] | None = None) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it is synced and takes the place of `path`, else it is removed.

    Args:
        path: the place. A link there is replaced, never followed.
        check: called when the folder is filled, just before it takes its place; raises where what is at `path` by then
            must stay. Without it, whatever was at `path` at the beginning is replaced, and nothing that came later.
    """
    draft, old = _beside(path, "part"), _beside(path, "old")
    try:
        with writing(path):
            if path.is_mount():
                raise OSError(errno.EBUSY, "it is a mount point, which nothing can replace; give a folder inside it")
            path.parent.mkdir(parents=True, exist_ok=True)
            clear_drafts(path)
            _remove(draft)  # of a process of the same number that was killed
            was_vacant = _is_vacant(path)
            draft.mkdir()
            yield draft
            for file in sorted(draft.rglob("*")):
                if not file.is_symlink():
                    _sync(file)
            _sync(draft)
            if check:
                check()
            elif was_vacant and not _is_vacant(path):
                raise OutputError(f"{path}: was made by somebody else meanwhile, and is left as it is; give another")
            _put_in_place(draft, path, old)
            _sync(path.parent)
    finally:
        if os.path.lexists(old) and not os.path.lexists(path):
            os.replace(old, path)
        _remove(draft)
        _remove(old)


def clear_drafts(path: Path, *, of_all_hosts: bool = False) -> None:
    """Clear what processes that are gone have left of `path` beside it, and move back what `path` was if it is lost.

    Processes of other hosts count as gone with `of_all_hosts`, which is for whoever holds the lock of `path`.
    """
    find_again(path, of_all_hosts=of_all_hosts)
    for leftover, _ in _left_behind(path, of_all_hosts):
        _remove(leftover)


def find_again(path: Path, *, of_all_hosts: bool = False) -> None:
    """Where nothing is at `path` since a process was killed while it replaced it, move back what was there before."""
    if os.path.lexists(path):
        return
    for leftover, kind in _left_behind(path, of_all_hosts):
        if kind == "old":
            with suppress(OSError):
                os.replace(leftover, path)
                return


def append(path: Path, content: bytes) -> int:
    """Write at the end of a file, all of it or, on failure, nothing; return the bytes that the file has then.

    A link is an error: it is not followed.
    """
    with writing(path), open(path, "ab", opener=_open_no_link) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            if os.write(file.fileno(), content) < len(content):  # an almost full disk takes a part without complaint
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(before)
            raise
        return before + len(content)


def sync(path: Path) -> None:
    """Wait until a file is on the disk as it is now."""
    with writing(path):
        _sync(path)


def remove_drafts(folder: Path) -> None:
    """Clear a folder, whose lock is held, of what killed processes had begun there; what moved aside moves back."""
    for path in _entries(folder):
        match = re.fullmatch(r"\.(.+)\.(\d+)(?:@([\w-]*))?\.(part|old)", path.name)  # before there were locks: no host
        if not match or (match[3] == HOST and int(match[2]) != os.getpid() and not is_gone(int(match[2]))):
            continue
        if match[4] == "old" and not os.path.lexists(folder / match[1]):
            os.replace(path, folder / match[1])
        elif match[3] is not None or match[4] == "part":  # .notes.2024.old may be anybody's
            _remove(path)


def known_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; one that has not changed since this process asked last is not read again.

    What is known is kept in memory alone: written into the folder it could lie as well as the folder can.
    """
    stat = path.stat()
    state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if state not in _known:
        _known[state] = sha256(path)
    return _known[state]


_known: dict[tuple[int, ...], str] = {}


def is_gone(pid: int) -> bool:
    """Whether there is certainly no process of this number on this host."""
    if os.name == "nt":  # where asking would end it
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return False


@contextmanager
def utf8_name(folder: Path) -> Iterator[str]:
    """Yield a name of a folder that is UTF-8, for libraries that take no other; it holds while the context does.

    Raises:
        OutputError: its own name is not, and this system has no other to give.
    """
    try:
        name = str(folder)
        name.encode()
    except UnicodeEncodeError:
        if not os.path.isdir("/proc/self/fd"):
            raise OutputError(f"{folder}: its name is not UTF-8; rename it") from None
        with writing(folder):
            descriptor = os.open(folder, os.O_RDONLY)
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield name


def fault(path: Path, otherwise: str) -> str:
    """Return what is wrong with a file that cannot be used: that it is a Git LFS pointer, or else what is given."""
    try:
        with path.open("rb") as file:
            return POINTER_FAULT if file.read(len(LFS_POINTER)) == LFS_POINTER else otherwise
    except OSError:
        return otherwise


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}@{HOST}.{kind}")


def _left_behind(path: Path, of_all_hosts: bool) -> Iterator[tuple[Path, str]]:
    """What processes that are gone have left of `path`: where it lies, and whether it is a `part` or an `old`."""
    prefix = f".{path.name}."
    for entry in _entries(path.parent):
        match = _MARK.fullmatch(entry.name, len(prefix)) if entry.name.startswith(prefix) else None
        if match and ((match[2] == HOST and is_gone(int(match[1]))) or (match[2] != HOST and of_all_hosts)):
            yield entry, match[3]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_vacant(path: Path) -> bool:
    """Whether a folder can take the place without costing anything: nothing is there, or an empty folder."""
    if path.is_symlink() or not path.is_dir():
        return not os.path.lexists(path)
    return not any(path.iterdir())


def _put_in_place(draft: Path, path: Path, old: Path) -> None:
    """Let the folder `draft` take the place of `path`; what was there is in the place of one of the others, or gone."""
    if _is_vacant(path):
        if os.name == "nt" and path.exists():
            path.rmdir()
        os.replace(draft, path)  # which fails where somebody has filled it by now
    elif not _exchange(draft, path):
        os.replace(path, old)  # a process that is killed here leaves a gap, for `find_again`
        os.replace(draft, path)


def _exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step; return False where the system or the file system cannot."""
    import ctypes  # only where something is replaced

    names = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return not libc.renamex_np(*names, 2)  # RENAME_SWAP
        return not libc.renameat2(-100, names[0], -100, names[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    except (AttributeError, TypeError, OSError):  # an older libc, or Windows
        return False


def _remove(path: Path) -> None:
    """Remove whatever is there, as far as it can be; of a link, the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
