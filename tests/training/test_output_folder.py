"""The folder of a training: what there is to resume, and what a disk has done to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mtkit.dataset import PreparedCorpus
from mtkit.errors import ModelFolderError, OutputError, SettingsError
from mtkit.settings import TrainSettings
from mtkit.training import Event, Started, Warned, train_model
from mtkit.training.output_folder import OutputFolder, corpus_beside, corpus_in_place, corpus_inside

Tiny = Callable[..., TrainSettings]


@pytest.fixture
def trained(tiny: Tiny, few: PreparedCorpus) -> Path:
    """A training of 12 updates, its last state made to lie behind a newer one that is damaged."""
    folder = train_model(tiny(updates=12, schedule="plateau", warmup=1, patience=0), few).folder
    shutil.copytree(folder / "training" / "12", folder / "training" / "20")
    return folder


def test_a_damaged_state_is_passed_over_reported_and_saved_again(
    trained: Path, tiny: Tiny, few: PreparedCorpus
) -> None:
    """A copy under the number of a later update is a damaged state of that update; the training comes to it again."""
    found = OutputFolder(str(trained), few).find_resumable(diversify=False)
    assert found is not None
    assert found.state == trained / "training" / "12"
    events: list[Event] = []
    train_model(tiny(updates=20, schedule="plateau", warmup=1, patience=0, resume=True), few, events.append)
    started = next(event for event in events if isinstance(event, Started))
    assert started.first_update == 13
    (warning,) = (event.message for event in events if isinstance(event, Warned))
    assert warning.startswith(f"{trained}/training/20: is damaged (progress.json is of update 12)")
    assert warning.endswith(f"training goes on from {trained}/training/12, which is whole")
    again = OutputFolder(str(trained), few).find_resumable(diversify=False)
    assert again is not None
    assert (again.state, again.damaged) == (trained / "training" / "20", ())


def test_where_no_state_is_whole_the_remedy_costs_nothing(trained: Path, few: PreparedCorpus) -> None:
    (trained / "training" / "12" / "progress.json").unlink()
    with pytest.raises(ModelFolderError, match=r"20: is damaged .* and 1 older too; .* with `init_from=.*` goes on"):
        OutputFolder(str(trained), few).find_resumable(diversify=False)


def test_nothing_is_resumed_where_there_is_nothing_and_no_strange_folder_is_taken_for_a_model(
    few: PreparedCorpus, tmp_path: Path
) -> None:
    assert OutputFolder(str(tmp_path / "nowhere"), few).find_resumable(diversify=False) is None
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="is no model folder, so there is nothing to resume"):
        OutputFolder(str(tmp_path), few).find_resumable(diversify=False)


def test_another_corpus_is_refused(trained: Path, prepared: PreparedCorpus) -> None:
    with pytest.raises(SettingsError, match=r"was trained on another corpus than .*; resume with the one it began"):
        OutputFolder(str(trained), prepared).find_resumable(diversify=False)


def test_a_corpus_from_raw_text_is_found_where_it_has_moved(few: PreparedCorpus, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(few.path, corpus_beside(model))
    corpus = PreparedCorpus.open(corpus_beside(model))
    corpus_inside(model).parent.mkdir(parents=True)
    corpus_beside(model).rename(corpus_inside(model))
    assert corpus_in_place(corpus, model).path == corpus_inside(model)
    assert corpus_in_place(few, model) is few
