"""log.jsonl: what its records hold."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from mtkit.training import Finished, Warned
from mtkit.training.events import Event
from mtkit.training.log import KINDS, LOG, log_line, read_log


def test_a_record_has_its_kind_and_the_time_but_no_path(tmp_path: Path) -> None:
    finished = Finished(tmp_path, 50, 33.5, 25, 2.0, "all updates are done", skipped=0)
    (tmp_path / LOG).write_bytes(log_line(finished, 2.00049) + b"\n")
    (record,) = read_log(tmp_path)
    assert (record["kind"], record["elapsed"], record["best_bleu"]) == ("finished", 2.0, 33.5)
    assert str(tmp_path) not in (tmp_path / LOG).read_text()


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []


@pytest.mark.parametrize("damage", [b'{"kind": "rep', b"\0" * 40, b'"half"', b"", b'{"kind": "\xff"}'])
def test_damaged_lines_are_left_out(damage: bytes, tmp_path: Path) -> None:
    warned = log_line(Warned(25, "slow"), 1.0)
    (tmp_path / LOG).write_bytes(b"\n".join((warned, damage, warned, damage)))
    assert [record["kind"] for record in read_log(tmp_path)] == ["warning", "warning"]


def test_every_event_has_its_kind() -> None:
    assert set(KINDS) == set(get_args(Event))
