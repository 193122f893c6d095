"""log.jsonl: written, cut back, read."""

from __future__ import annotations

from pathlib import Path

from mtkit.training import Finished, Reported
from mtkit.training.log import append_event, read_log, truncate_log


def report(update: int) -> Reported:
    return Reported(update=update, epoch=1, loss=2.5, learning_rate=0.001, tokens_per_second=100.0)


def test_what_is_cut_back_and_told_again_leaves_no_trace(tmp_path: Path) -> None:
    size = append_event(tmp_path, report(25), 1.0)
    append_event(tmp_path, report(50), 2.0)
    whole = (tmp_path / "log.jsonl").read_bytes()
    truncate_log(tmp_path, size)
    assert [record["update"] for record in read_log(tmp_path)] == [25]
    assert append_event(tmp_path, report(50), 2.0) == len(whole)
    assert (tmp_path / "log.jsonl").read_bytes() == whole


def test_a_record_has_its_kind_and_the_time_but_no_path(tmp_path: Path) -> None:
    append_event(tmp_path, Finished(tmp_path, 50, 33.5, 25, 2.0, "all updates are done"), 2.00049)
    (record,) = read_log(tmp_path)
    assert (record["kind"], record["elapsed"], record["best_bleu"]) == ("finished", 2.0, 33.5)
    assert str(tmp_path) not in (tmp_path / "log.jsonl").read_text()


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    truncate_log(tmp_path, 0)
    assert read_log(tmp_path) == []
