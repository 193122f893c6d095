"""Running totals of updates, kept without waiting for the device."""

from __future__ import annotations

import torch
from msgspec.structs import asdict

from mtkit.training.progress import Progress
from mtkit.training.running_totals import RunningTotals


def add(totals: RunningTotals, *losses: float) -> Progress:
    for loss in map(torch.tensor, losses):
        totals.add(loss, 10, loss.isfinite())
    progress = Progress()
    totals.write(progress)
    return progress


def test_skipped_updates_count_for_nothing_but_themselves() -> None:
    totals = RunningTotals(torch.device("cpu"))
    progress = add(totals, 1.0, torch.nan, 2.0, torch.inf, -torch.inf)
    assert (progress.loss_sum, progress.token_sum, progress.skipped, progress.skipped_in_a_row) == (3.0, 20, 3, 2)
    progress = add(totals, 4.0)
    assert (progress.loss_sum, progress.token_sum, progress.skipped, progress.skipped_in_a_row) == (7.0, 30, 3, 0)


def test_a_report_ends_the_sums_but_not_the_count_of_the_skipped() -> None:
    totals = RunningTotals(torch.device("cpu"))
    add(totals, 1.0, torch.nan)
    totals.begin()
    progress = add(totals, torch.nan)
    assert (progress.loss_sum, progress.token_sum, progress.skipped, progress.skipped_in_a_row) == (0.0, 0, 2, 2)


def test_it_goes_on_from_a_progress() -> None:
    progress = Progress(loss_sum=1e16 / 3, token_sum=10**12, skipped=7, skipped_in_a_row=3)
    totals, found = RunningTotals(torch.device("cpu")), Progress()
    totals.read(progress)
    totals.write(found)
    assert asdict(found) == asdict(progress)
