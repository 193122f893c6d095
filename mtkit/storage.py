"""Files and folders that appear whole or not at all: written beside their place, synced, then renamed into it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtkit.errors import OutputError


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
    """Yield a path to write; on success it is synced and replaces `path`, on failure it is removed."""
    path = path.resolve()  # the file a link leads to is replaced, not the link
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with writing(path):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            yield draft
            _sync(draft)
            os.replace(draft, path)
            _sync(path.parent)
    finally:
        with suppress(OSError):
            draft.unlink()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it is synced and takes the place of `path`, else it is removed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)  # of a process of the same number that was killed
            draft.mkdir()
            yield draft
            for file in sorted(draft.rglob("*")):
                _sync(file)
            _sync(draft)
            if path.exists():  # a folder cannot be replaced in one step, so the old one moves aside first
                os.replace(path, old)
            os.replace(draft, path)
            _sync(path.parent)
    finally:
        if old.exists() and not path.exists():
            os.replace(old, path)
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def append(path: Path, content: bytes) -> int:
    """Write at the end of a file, all of it or, on failure, nothing; return the bytes that the file has then."""
    with writing(path), path.open("ab") as file:
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
    """Clear a folder of what processes that were killed had begun there; what they had moved aside moves back."""
    for path in folder.glob(".*"):
        if not (match := re.fullmatch(r"\.(.+)\.\d+\.(part|old)", path.name)):
            continue
        if match[2] == "old" and not (folder / match[1]).exists():
            os.replace(path, folder / match[1])
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
