"""log.jsonl: what its records hold, and that what the disk does not take waits, in order, and is written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtkit.training_log import LOG, TrainingLog, log_line, read_log


def test_a_record_has_its_kind_and_the_time_but_no_path(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(log_line("finished", {"out": tmp_path, "best_bleu": 33.5}, 2.00049) + b"\n")
    (record,) = read_log(tmp_path)
    assert record == {"kind": "finished", "best_bleu": 33.5, "elapsed": 2.0}


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []


@pytest.mark.parametrize("damage", [b'{"kind": "rep', b"\0" * 40, b'"half"', b"", b'{"kind": "\xff"}'])
def test_damaged_lines_are_left_out(damage: bytes, tmp_path: Path) -> None:
    warned = log_line("warning", {"update": 25, "message": "slow"}, 1.0)
    (tmp_path / LOG).write_bytes(b"\n".join((warned, damage, warned, damage)))
    assert [record["kind"] for record in read_log(tmp_path)] == ["warning", "warning"]


def test_lines_are_written_at_once(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path)
    for line in (b"one", b"two"):
        log.write(line)
    assert (tmp_path / LOG).read_bytes() == b"one\ntwo\n"
    assert log.size == 8


def test_the_log_is_taken_back_to_what_a_state_knows_of_it(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(b"one\ntwo\nthr")
    log = TrainingLog(tmp_path)
    log.restore(4)
    log.write(b"2")
    assert (tmp_path / LOG).read_bytes() == b"one\n2\n"


def test_a_log_that_was_removed_begins_again(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path)
    log.restore(100)
    log.write(b"later")
    assert (tmp_path / LOG).read_bytes() == b"later\n"
    assert log.size == 6
