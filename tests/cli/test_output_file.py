"""A file that appears whole or not at all, whose lines a stop keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtkit.cli.output_file import output_file
from mtkit.errors import OutputError, SettingsError

FULL = Path("/dev/full")


class StopError(Exception):
    """Something stopped the work."""


def stopped(path: Path, content: bytes, *, resume: bool = False) -> tuple[int, int]:
    """Write something and stop; return the lines that were there and those that are kept."""
    with pytest.raises(StopError), output_file(path, resume=resume) as file:  # noqa: PT012 - the end counts
        file.sink.write(content)
        raise StopError
    return file.lines, file.kept


def test_it_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "out"
    with output_file(path, resume=False) as file:
        file.sink.write(b"one\ntwo\n")
        assert not path.exists()
    assert path.read_bytes() == b"one\ntwo\n"
    assert [one.name for one in path.parent.iterdir()] == ["out"]
    assert file.kept == 0


def test_a_stop_keeps_whole_lines_and_the_older_file(tmp_path: Path) -> None:
    (path := tmp_path / "out").write_bytes(b"older\n")
    assert stopped(path, b"one\ntwo\nthr") == (0, 2)
    assert path.read_bytes() == b"older\n"
    assert (tmp_path / "out.part").read_bytes() == b"one\ntwo\n"
    with output_file(path, resume=True) as file:
        assert file.lines == 2
        file.sink.write(b"three\n")
    assert path.read_bytes() == b"one\ntwo\nthree\n"
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_stops_add_up(tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert stopped(path, b"one\n", resume=True) == (0, 1)
    assert stopped(path, b"", resume=True) == (1, 1)
    assert stopped(path, b"two\n", resume=True) == (1, 2)


@pytest.mark.parametrize("content", [b"", b"no whole line"])
def test_nothing_is_left_of_no_line(tmp_path: Path, content: bytes) -> None:
    assert stopped(tmp_path / "out", content) == (0, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_counts_by_its_whole_lines(tmp_path: Path) -> None:
    (tmp_path / "out.part").write_bytes(b"x" * (3 << 20) + b"\ntwo\nthr")
    with output_file(tmp_path / "out", resume=True) as file:
        assert file.lines == 2
        file.sink.write(b"three\n")
    assert (tmp_path / "out").read_bytes() == b"x" * (3 << 20) + b"\ntwo\nthree\n"


def test_without_resuming_it_begins_again(tmp_path: Path) -> None:
    (tmp_path / "out.part").write_bytes(b"one\n")
    with output_file(tmp_path / "out", resume=False) as file:
        assert file.lines == 0
        file.sink.write(b"other\n")
    assert (tmp_path / "out").read_bytes() == b"other\n"


def test_the_file_that_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with output_file(tmp_path / "out", resume=False) as file:
        file.sink.write(b"one\n")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"one\n"


def test_a_folder_and_a_link_that_leads_to_itself_are_one_line(tmp_path: Path) -> None:
    (loop := tmp_path / "loop").symlink_to(loop)
    for path, reason in ((tmp_path, "Is a directory"), (loop, "Too many levels of symbolic links")):
        with pytest.raises(OutputError, match=f"^{path}: cannot be written .{reason}"), output_file(path, resume=False):
            pass
    assert loop.is_symlink()


@pytest.mark.skipif(not FULL.exists(), reason="there is no full disk at hand")
def test_a_device_is_written_as_it_is_and_holds_nothing_to_resume() -> None:
    with pytest.raises(OutputError, match="/dev/full: no space left"), output_file(FULL, resume=False) as file:
        file.sink.write(b"one\n")
    with pytest.raises(SettingsError, match="--resume goes on with a file"), output_file(FULL, resume=True):
        pass
