"""A training from settings to a model folder: exact, resumable, and careful with what is there already."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from msgspec.structs import replace

from mtkit.configuration import resolve
from mtkit.dataset import Batches, PreparedCorpus, prepare
from mtkit.errors import (
    CorpusError,
    Interrupted,
    ModelFolderError,
    OutputError,
    SettingsError,
    TrainingError,
    VocabularyError,
)
from mtkit.model_folder import ModelFolder
from mtkit.report.curves import curves
from mtkit.settings import CorpusSettings, NetworkSettings, PreprocessSettings, ScheduleName, TrainSettings
from mtkit.signals import StopRequest
from mtkit.training import (
    Collaborators,
    Event,
    Finished,
    Reported,
    Started,
    TrainingResult,
    Validated,
    Warned,
    open_corpus,
    output_folder,
    train_model,
)
from mtkit.training.events import ignore
from mtkit.training.validation import Validation
from mtkit.training.whole_state import newest_whole_state
from mtkit.training_log import read_log

if TYPE_CHECKING:
    from tests.training.conftest import Disk

Tiny = Callable[..., TrainSettings]


OFTEN = Collaborators(report_every=4)
"""Reports every 4 updates: most interruptions then fall between two of them."""


class StopAfter(StopRequest):
    """A SIGTERM after so many updates; training asks once an update."""

    def __init__(self, updates: int) -> None:
        self.left = updates

    @property
    def signal_number(self) -> int | None:  # type: ignore[override]
        self.left -= 1
        return signal.SIGTERM if self.left <= 0 else None


def stopping(*updates: int, often: Collaborators = OFTEN) -> Collaborators:
    """Let each training be interrupted after so many updates; those that come after them are not."""
    stops = iter(updates)
    return replaced(often, stop_request=lambda: nullcontext(StopAfter(next(stops, 10**9))))


def train(settings: TrainSettings, corpus: PreparedCorpus, emit: Callable[[Event], None] = ignore) -> TrainingResult:
    return train_model(settings, corpus, emit, collaborators=OFTEN)


def train_in_parts(settings: TrainSettings, corpus: PreparedCorpus, *stops: int) -> int:
    """Train with an interruption after each of so many updates; return the number of interruptions."""
    interruptions, collaborators = 0, stopping(*stops)
    while True:
        try:
            train_model(replace(settings, resume=interruptions > 0), corpus, collaborators=collaborators)
        except Interrupted:
            interruptions += 1
        else:
            return interruptions


def outcome(settings: TrainSettings) -> dict[str, Any]:
    """All that a training leaves, but for how long things took: every file, the log without its times, no curves."""
    folder, found = Path(settings.out), {}
    for file in filter(Path.is_file, folder.rglob("*")):
        found[str(file.relative_to(folder))] = file.read_bytes()
    found.pop("curves.svg", None)  # they show the speed
    times = ("elapsed", "seconds", "tokens_per_second")
    log = [json.loads(line) for line in found.pop("log.jsonl").splitlines()]
    state = f"training/{settings.updates}/progress.json"
    progress = json.loads(found.pop(state))
    found.pop(f"training/{settings.updates}/checksums.json")  # one is of the progress, which has a time
    return {
        **found,
        "log": [{key: value for key, value in record.items() if key not in times} for record in log],
        "progress": {key: value for key, value in progress.items() if key not in ("seconds", "log_bytes")},
    }


class Killed(BaseException):
    """The process is gone, without any time to save."""


def kill_at(update: int) -> Callable[[Event], None]:
    """A listener that kills the training when it reports this update."""

    def listen(event: Event) -> None:
        if isinstance(event, Reported) and event.update == update:
            raise Killed

    return listen


def test_a_training_gives_the_same_bytes_again_and_another_seed_does_not(tiny: Tiny, few: PreparedCorpus) -> None:
    first, again, other = tiny("a/model"), tiny("b/model"), tiny("c/model", seed=2)
    for settings in (first, again, other):
        train(settings, few)
    assert outcome(first) == outcome(again)
    assert outcome(first)["model.safetensors"] != outcome(other)["model.safetensors"]


EVERYTHING = {
    "subword_sampling": 0.5,
    "word_dropout": 0.1,
    "average_decay": 0.9,
    "schedule": "plateau",
}
"""Settings that leave nothing out of what a resumed training must find again."""


@pytest.mark.parametrize(
    "changes", [pytest.param({}, id="plain", marks=pytest.mark.slow), pytest.param(EVERYTHING, id="everything")]
)
def test_interrupted_and_resumed_equals_uninterrupted_to_the_last_bit(
    changes: dict[str, Any], tiny: Tiny, few: PreparedCorpus
) -> None:
    """Stopped within an epoch, at its end, at a validation, between two reports, at the last moment, repeatedly."""
    settings = tiny("whole/model", **changes)
    train(settings, few)
    whole = outcome(settings)
    per_epoch = len(Batches(few.train, settings.batch_tokens, settings.seed).epoch(0))
    assert per_epoch < 29
    for number, stops in enumerate([[1], [7], [10], [per_epoch], [per_epoch + 1], [29], [3, 4, 5, 6]]):
        parts = tiny(f"{number}/model", **changes)
        assert train_in_parts(parts, few, *stops) == len(stops)
        assert outcome(parts) == whole, f"interrupted after {stops} updates"


@pytest.mark.parametrize("update", [8, 16, 28])
def test_a_killed_training_goes_on_from_its_last_save(tiny: Tiny, few: PreparedCorpus, update: int) -> None:
    """And the log forgets what came after that save. At 8 only the beginning is saved: it starts over."""
    settings, killed = tiny("whole/model"), tiny("killed/model")
    train(settings, few)
    with pytest.raises(Killed):
        train(killed, few, kill_at(update))
    events: list[Event] = []
    train(replace(killed, resume=True), few, events.append)
    assert isinstance(events[0], Started)
    assert events[0].first_update == update // 10 * 10 + 1
    assert outcome(killed) == outcome(settings)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_cleanly_with_everything_saved(number: signal.Signals, tiny: Tiny, few: PreparedCorpus) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Reported) and event.update == 12:
            signal.raise_signal(number)

    settings = tiny()
    with pytest.raises(Interrupted, match="stopped after update 12; everything is saved") as caught:
        train(settings, few, listen)
    assert caught.value.exit_code == 128 + number
    assert [path.name for path in (Path(settings.out) / "training").iterdir()] == ["12"]


def test_curves_are_drawn_from_the_log_when_training_is_interrupted_and_again_when_it_ends(
    tiny: Tiny, few: PreparedCorpus
) -> None:
    settings, drawn = tiny(), list[str]()
    folder = Path(settings.out)
    collaborators = stopping(17)
    with pytest.raises(Interrupted):
        train_model(settings, few, collaborators=collaborators)
    drawn.append((folder / "curves.svg").read_text(encoding="utf-8"))
    train(replace(settings, resume=True), few)
    drawn.append((folder / "curves.svg").read_text(encoding="utf-8"))
    assert [re.findall(r">Training en-fr: (.*?)<", drawing) for drawing in drawn] == [["16 updates"], ["30 updates"]]
    assert drawn[1] == curves(read_log(folder))
    assert "](curves.svg)" in (folder / "README.md").read_text(encoding="utf-8")


def test_curves_that_cannot_be_drawn_cost_the_model_neither_its_export_nor_its_card(
    tiny: Tiny, few: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_folder, "draw_curves", lambda folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train_in_parts(tiny("stopped"), few, 17)
    with pytest.raises(ZeroDivisionError):
        train(tiny("whole", updates=10), few)
    stopped, whole = (Path(tiny(out).out) for out in ("stopped", "whole"))
    assert all(any((folder / "runtime").iterdir()) for folder in (stopped, whole))
    assert (whole / "README.md").exists()


def test_a_signal_at_the_very_end_is_too_late(tiny: Tiny, few: PreparedCorpus) -> None:
    assert train_in_parts(tiny(), few, 30) == 0


def test_resuming_a_finished_training_changes_nothing(tiny: Tiny, few: PreparedCorpus) -> None:
    settings = tiny()
    train(settings, few)
    before = outcome(settings)
    events: list[Event] = []
    train(replace(settings, resume=True), few, events.append)
    assert [type(event) for event in events] == [Started, Finished]
    assert outcome(settings) == before


def test_resuming_what_ran_out_of_patience_changes_nothing_but_more_patience_goes_on(
    tiny: Tiny, few: PreparedCorpus
) -> None:
    collaborators = Collaborators(validator=lambda *_, **__: lambda: Validation(loss=1.0, value=1.0))
    settings = tiny(valid_every=5, patience=1)
    again = replace(settings, resume=True)
    results = [
        train_model(each, few, collaborators=collaborators) for each in (settings, again, replace(again, patience=3))
    ]
    assert [result.updates for result in results] == [10, 10, 20]
    assert [result.reason for result in results] == [
        "no better BLEU and no lower perplexity in 1 validations",
        "no better BLEU and no lower perplexity in 1 validations",
        "no better BLEU and no lower perplexity in 3 validations",
    ]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"learning_rate": 0.5}, "learning_rate"),
        ({"batch_tokens": 700}, "batch_tokens"),
        ({"seed": 7}, "seed"),
        ({"valid_every": 5}, "valid_every"),
        ({"label_smoothing": 0.2}, "label_smoothing"),
        ({"network": NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.4, lexical=False)}, "dropout"),
        (
            {"network": NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.3, lexical=False, cell="lstm")},
            "cell",
        ),
    ],
)
def test_a_resumed_training_may_not_learn_otherwise(
    changes: dict[str, object], key: str, tiny: Tiny, few: PreparedCorpus
) -> None:
    settings = tiny()
    begin(settings, few)
    before = files(Path(settings.out))
    with pytest.raises(SettingsError, match=f"`resume=True` cannot change `{key}` from .* to .*; leave it as it was"):
        train(tiny(resume=True, **changes), few)
    assert files(Path(settings.out)) == before


def begin(settings: TrainSettings, corpus: PreparedCorpus) -> None:
    """Train for 3 updates."""
    with pytest.raises(Interrupted):
        train_model(settings, corpus, collaborators=stopping(3))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_resumed_training_may_run_elsewhere_and_longer(tiny: Tiny, few: PreparedCorpus) -> None:
    settings = tiny()
    begin(settings, few)
    moved = Path(settings.out).rename(Path(settings.out).with_name("moved"))
    train(tiny("moved", resume=True, patience=3, device="auto", precision="bfloat16"), few)
    assert (moved / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("schedule", "began", "raised"), [("inverse-sqrt", (20, 0), (30, 0)), ("plateau", (0, 2), (0, 3))]
)
def test_a_longer_training_is_the_one_that_was_longer_from_the_start(
    schedule: ScheduleName, began: tuple[int, int], raised: tuple[int, int], tiny: Tiny, few: PreparedCorpus
) -> None:
    def settings(out: str, length: tuple[int, int], **changes: object) -> TrainSettings:
        updates, epochs = length
        return tiny(out, schedule=schedule, updates=updates, epochs=epochs, warmup=1, valid_every=10, **changes)

    whole, longer = settings("whole", raised), settings("longer", raised, resume=True)
    per_epoch = len(Batches(few.train, whole.batch_tokens, whole.seed).epoch(0))
    train(whole, few)
    train(settings("longer", began), few)
    train(longer, few)
    assert ModelFolder.open(Path(longer.out)).config == ModelFolder.open(Path(whole.out)).config
    last = f"training/{raised[0] or raised[1] * per_epoch}/network.safetensors"
    assert (Path(longer.out) / last).read_bytes() == (Path(whole.out) / last).read_bytes()
    with pytest.raises(SettingsError, match="`resume=True` cannot shorten a training"):
        train(settings("longer", began, resume=True), few)


@pytest.mark.parametrize("at_the_end", [0.0, 4.0, 9.0])
def test_a_validation_at_an_end_off_the_interval_counts_for_nothing_in_a_training_made_longer(
    at_the_end: float, tiny: Tiny, few: PreparedCorpus
) -> None:
    """Validated every 5 updates; the shorter one ends at 22. Whatever BLEU it has there, rates and end are the same."""
    bleus = {5: 5.0, 10: 4.0, 15: 4.0, 20: 4.0, 22: at_the_end, 25: 6.0, 30: 5.5, 35: 5.5, 40: 5.5}

    def settings(out: str, updates: int, **changes: object) -> TrainSettings:
        return tiny(out, schedule="plateau", updates=updates, warmup=1, valid_every=5, patience=4, **changes)

    def run(settings: TrainSettings) -> tuple[TrainingResult, list[Event]]:
        """Validations find the BLEU of the update that the last report tells of: there is one after each."""
        events: list[Event] = []

        def bleu() -> float:
            reports = [event.update for event in events if isinstance(event, Reported)]
            return bleus.get(reports[-1], 0.0)

        collaborators = Collaborators(
            report_every=1, validator=lambda *_, **__: lambda: Validation(loss=1.0, value=bleu())
        )
        return train_model(settings, few, events.append, collaborators=collaborators), events

    def rates(events: list[Event]) -> dict[int, float]:
        return {event.update: event.learning_rate for event in events if isinstance(event, Reported)}

    whole, of_whole = run(settings("whole", 60))
    run(settings("longer", 22))
    longer, of_longer = run(settings("longer", 60, resume=True))
    expected, found = rates(of_whole), rates(of_longer)
    assert len(set(expected.values())) == 3, "halved after 20 and after 40"
    assert found == {update: expected[update] for update in found}
    assert (longer.updates, longer.reason) == (whole.updates, whole.reason)
    assert longer.best.value == max(6.0, at_the_end)
    last = f"training/{whole.updates}/network.safetensors"
    assert (longer.folder / last).read_bytes() == (whole.folder / last).read_bytes()


@pytest.mark.parametrize("changes", [{"schedule": "cosine"}, {"schedule": "inverse-sqrt", "warmup": 400}])
@pytest.mark.parametrize("length", [{"updates": 60}, {"updates": 0, "epochs": 6}])
def test_a_longer_training_that_would_have_had_another_past_is_refused(
    changes: dict[str, object], length: dict[str, int], tiny: Tiny, few: PreparedCorpus
) -> None:
    """The cosine falls towards the end of training, and the warm-up is at most a tenth of it."""
    began = tiny(**changes)
    begin(began, few)
    before = files(Path(began.out))
    with pytest.raises(SettingsError, match=r"cannot lengthen a training \(.*`updates` from 30 to .*with `init_from="):
        train(tiny(**changes, **length, resume=True), few)
    assert files(Path(began.out)) == before


def test_intervals_of_0_are_saved_as_what_they_came_to(tiny: Tiny, few: PreparedCorpus) -> None:
    """A batch a pair makes an epoch of 80 updates, of several batches an update one of fewer."""
    settings = tiny(updates=0, epochs=1, valid_every=0, batch_tokens=1)
    with pytest.raises(Interrupted):
        train_model(settings, few, collaborators=stopping(3))
    saved = ModelFolder.open(Path(settings.out)).config.train
    assert (saved["valid_every"], saved["save_every"]) == (200, 200)
    long = tiny("long", updates=4, valid_every=0, save_every=3)
    assert train(long, few).best_update == 4
    saved = ModelFolder.open(Path(long.out)).config.train
    assert (saved["valid_every"], saved["save_every"]) == (200, 3)
    with pytest.raises(SettingsError, match="cannot change `valid_every` from 200 to 100"):
        train(tiny("long", updates=4, valid_every=100, save_every=3, resume=True), few)
    train(tiny("long", updates=4, valid_every=0, save_every=0, resume=True), few)


def test_a_training_whose_zeros_were_saved_as_zeros_goes_on_as_it_began(
    tiny: Tiny, few: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mtkit 0.1 saved epochs, valid_every and save_every as 0 and meant its recipe: 40 epochs of so few pairs."""
    whole = tiny("whole/model", updates=0, epochs=40, valid_every=0, save_every=0, batch_tokens=800)
    old = replace(whole, out=tiny("old/model").out)
    train(whole, few)
    begin(old, few)
    config = Path(old.out) / "config.json"
    content = json.loads(config.read_bytes())
    content["train"] |= {"epochs": 0, "valid_every": 0, "save_every": 0}
    config.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"cannot shorten a training \(`epochs` from 40 to 39\)"):
        train(replace(old, epochs=39, resume=True), few)
    train(replace(old, resume=True), few)
    assert (Path(old.out) / "model.safetensors").read_bytes() == (Path(whole.out) / "model.safetensors").read_bytes()
    assert ModelFolder.open(Path(old.out)).config == ModelFolder.open(Path(whole.out)).config


def test_a_resumed_training_needs_no_length_of_its_own(tiny: Tiny, few: PreparedCorpus) -> None:
    begin(tiny(), few)
    assert train(tiny(updates=0, resume=True), few).updates == 30


def test_a_training_without_a_length_is_refused(tiny: Tiny, few: PreparedCorpus) -> None:
    with pytest.raises(SettingsError, match="`updates` and `epochs` are both 0; one of them must say how long"):
        train(tiny(updates=0), few)


@pytest.mark.parametrize("end", ["all updates are done", "an error"])
def test_training_leaves_threads_seeds_and_environment_of_its_process_as_they_were(
    end: str, tiny: Tiny, few: PreparedCorpus
) -> None:
    threads, generator, environment = torch.get_num_threads(), torch.get_rng_state(), dict(os.environ)
    used: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Validated):
            used.append(torch.get_num_threads())
        if end == "an error" and isinstance(event, Validated):
            raise Killed

    with pytest.raises(Killed) if end == "an error" else nullcontext():
        train(tiny(threads=threads + 1, updates=10), few, listen)
    assert set(used) == {threads + 1}
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), generator)
    assert dict(os.environ) == environment


def test_what_is_returned_is_what_the_log_and_the_last_event_say(tiny: Tiny, few: PreparedCorpus) -> None:
    events: list[Event] = []
    result = train(tiny(), few, events.append)
    assert result.folder == Path(tiny().out).resolve()
    assert events[-1] == Finished.of(result, Path(tiny().out))
    assert TrainingResult.recorded(result.folder) == result
    assert result.best.value == max(event.score for event in events if isinstance(event, Validated))


def test_a_full_disk_costs_saves_and_nothing_else(tiny: Tiny, few: PreparedCorpus, disk: Disk) -> None:
    """It is full from update 8 to 24, over two saves with the best weights to keep, then there is room again."""
    settings, whole = tiny(**EVERYTHING), tiny("whole/model", **EVERYTHING)
    train(whole, few)
    warnings = list[Warned]()

    def listen(event: Event) -> None:
        if isinstance(event, Reported) and event.update == 8:
            disk.fill()
        if isinstance(event, Reported) and event.update == 24:
            assert [path.name for path in (Path(settings.out) / "training").iterdir()] == ["0"]
            disk.heal()
        if isinstance(event, Warned):
            warnings.append(event)

    train(settings, few, listen)
    assert [warning.update for warning in warnings] == [10, 20]
    assert all("nothing could be saved ([Errno 28] No space left" in warning.message for warning in warnings)
    left = outcome(settings)
    records = [record for record in left["log"] if record["kind"] != "warning"]
    assert len(left["log"]) == len(records) + 2
    assert {**left, "log": records} == outcome(whole)


def test_a_disk_that_is_full_at_the_end_is_an_error_that_leaves_what_was_there(
    tiny: Tiny, few: PreparedCorpus, disk: Disk
) -> None:
    settings, whole = tiny(), tiny("whole/model")
    train(whole, few)

    def listen(event: Event) -> None:
        if isinstance(event, Validated) and event.update == 30:
            disk.fill()

    with pytest.raises(
        TrainingError, match=r"no space left on the disk; .*; `resume=True` goes on from the last save"
    ) as caught:
        train(settings, few, listen)
    assert caught.value.exit_code == 1
    assert [path.name for path in (Path(settings.out) / "training").iterdir()] == ["20"]
    disk.heal()
    train(replace(settings, resume=True), few)
    assert outcome(settings) == outcome(whole)


def test_a_disk_that_is_full_when_a_signal_comes_is_told(tiny: Tiny, few: PreparedCorpus, disk: Disk) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Reported) and event.update == 12:
            disk.fill()
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(
        Interrupted, match=r"after update 12; this could not be saved \(.*\), and resuming goes back"
    ) as caught:
        train(tiny(), few, listen)
    assert caught.value.exit_code == 143
    state = newest_whole_state(Path(tiny().out) / "training").state
    assert state is not None
    assert state.name == "10"


def test_a_resumed_training_stays_with_its_corpus(
    tiny: Tiny, few: PreparedCorpus, parallel_text: Path, tmp_path: Path
) -> None:
    begin(tiny(), few)
    text = (f"{parallel_text}/valid",)
    corpus = CorpusSettings(langs="en-fr", train=text, valid=text)
    other = prepare(PreprocessSettings(corpus=corpus, out=str(tmp_path / "other")))
    with pytest.raises(
        SettingsError,
        match=r"another corpus than .*other; resume with the one it began with, or .* `init_from=.*model`",
    ):
        train(tiny(resume=True), other)
    copied = PreparedCorpus.open(Path(shutil.copytree(few.path, tmp_path / "copied")))
    train(tiny(resume=True), copied)


def test_there_must_be_an_out(tiny: Tiny, few: PreparedCorpus) -> None:
    with pytest.raises(SettingsError, match="`out` is missing"):
        train(replace(tiny(), out=""), few)
    with pytest.raises(SettingsError, match="`out` is missing"):
        open_corpus(replace(tiny(), out=""), ())


def test_a_model_that_is_there_is_left_alone_unless_forced(tiny: Tiny, few: PreparedCorpus, model_folder: Path) -> None:
    settings = tiny(updates=5)
    shutil.copytree(model_folder, settings.out)
    before = files(Path(settings.out))
    with pytest.raises(OutputError, match="holds a model already; `resume=True` goes on with it, `force=True`"):
        train(settings, few)
    assert files(Path(settings.out)) == before
    train(replace(settings, force=True), few)
    assert ModelFolder.open(Path(settings.out)).config.train["updates"] == 5
    assert not (Path(settings.out) / "training" / "200").exists()


def test_a_folder_that_is_no_model_is_neither_resumed_nor_replaced(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="is no model folder, so there is nothing to resume"):
        train(tiny(resume=True), few)
    with pytest.raises(OutputError, match="exists and is no model folder"):
        train(tiny(force=True), few)
    assert (tmp_path / "model" / "thesis.tex").read_text() == "years of work"


def test_resuming_what_never_began_begins_it(tiny: Tiny, few: PreparedCorpus) -> None:
    train(tiny(updates=5, resume=True), few)


def test_an_empty_folder_is_one_where_nothing_began(tiny: Tiny, few: PreparedCorpus) -> None:
    settings = tiny(updates=5, resume=True)
    Path(settings.out).mkdir()
    train(settings, few)
    assert ModelFolder.open(Path(settings.out)).has_weights


def test_resuming_never_costs_a_model_whose_training_state_was_deleted(
    tiny: Tiny, few: PreparedCorpus, model_folder: Path
) -> None:
    settings = tiny(resume=True)
    shutil.copytree(model_folder, settings.out)
    shutil.rmtree(Path(settings.out) / "training")
    before = files(Path(settings.out))
    for attempt in (lambda: train(settings, few), lambda: open_corpus(settings, ())):
        with pytest.raises(OutputError, match="holds a model but no training state to resume from; another `out`"):
            attempt()
    assert files(Path(settings.out)) == before


def test_a_damaged_state_is_one_line(tiny: Tiny, few: PreparedCorpus) -> None:
    begin(tiny(), few)
    (Path(tiny().out) / "training" / "3" / "optimizer.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelFolderError, match="3: is damaged"):
        train(tiny(resume=True), few)


def raw(tiny: Tiny, text: Path, **changes: object) -> TrainSettings:
    """The settings of a training straight from parallel text."""
    corpus = CorpusSettings(langs="en-fr", train=(f"{text}/train",), valid=(f"{text}/valid",))
    return tiny(corpus=corpus, updates=15, **changes)


def test_from_raw_text_the_corpus_is_prepared_inside_the_model_folder(tiny: Tiny, parallel_text: Path) -> None:
    settings = raw(tiny, parallel_text)
    corpus = open_corpus(settings, ())
    assert not Path(settings.out).exists()  # nothing is touched there before training can begin
    train(settings, corpus)
    assert not corpus.path.exists()
    assert PreparedCorpus.open(Path(settings.out) / "training" / "prepared").fingerprint == corpus.fingerprint
    assert ModelFolder.open(Path(settings.out)).config.corpus.fingerprint == corpus.fingerprint
    with pytest.raises(OutputError, match="holds a model already"):
        open_corpus(settings, ())


def test_from_raw_text_it_resumes_without_reading_the_text_again(
    tiny: Tiny, parallel_text: Path, tmp_path: Path
) -> None:
    text = Path(shutil.copytree(parallel_text, tmp_path / "text"))
    settings = raw(tiny, text)
    begin(settings, open_corpus(settings, ()))
    shutil.rmtree(text)
    resumed = replace(settings, resume=True)
    train(resumed, open_corpus(resumed, ()))


def test_from_raw_text_a_training_killed_before_its_first_save_starts_over(tiny: Tiny, parallel_text: Path) -> None:
    settings, killed = raw(tiny, parallel_text), raw(tiny, parallel_text, out="killed/model")
    settings = replace(settings, out=str(Path(settings.out) / "model"))
    train(settings, open_corpus(settings, ()))
    with pytest.raises(Killed):
        train(killed, open_corpus(killed, ()), kill_at(4))
    resumed = replace(killed, resume=True)
    train(resumed, open_corpus(resumed, ()))
    assert outcome(killed) == outcome(settings)


def test_a_preparation_that_failed_is_no_obstacle(tiny: Tiny, parallel_text: Path) -> None:
    settings = raw(tiny, parallel_text)
    wrong = replace(settings, corpus=replace(settings.corpus, vocab_size=100_000))
    with pytest.raises(VocabularyError):
        open_corpus(wrong, ())
    train(settings, open_corpus(settings, ()))


@pytest.mark.parametrize("changes", [{}, {"resume": True}, {"force": True}], ids=["again", "resume", "force"])
def test_what_ended_right_after_its_preparation_can_go_on(
    changes: dict[str, bool], tiny: Tiny, parallel_text: Path
) -> None:
    settings = raw(tiny, parallel_text)
    open_corpus(settings, ())
    again = replace(settings, **changes)
    train(again, open_corpus(again, ()))
    assert sorted(path.name for path in Path(settings.out).parent.iterdir()) == ["model"]


def test_resuming_from_raw_text_refuses_another_preparation(tiny: Tiny, parallel_text: Path) -> None:
    settings = raw(tiny, parallel_text)
    begin(settings, open_corpus(settings, ()))
    other = replace(settings, resume=True, corpus=replace(settings.corpus, max_length=9))
    with pytest.raises(SettingsError, match="`resume=True` cannot change `max_length` from 250 to 9"):
        open_corpus(other, ())


def test_force_keeps_the_old_model_until_the_new_training_can_begin(tiny: Tiny, parallel_text: Path) -> None:
    settings = raw(tiny, parallel_text)
    train(settings, open_corpus(settings, ()))
    before = files(Path(settings.out))
    forced = replace(settings, force=True)
    with pytest.raises(CorpusError):
        open_corpus(replace(forced, corpus=replace(forced.corpus, train=("typo",))), ())
    tied = replace(forced.network, tied_embeddings="all")
    unfit = replace(forced, network=tied, corpus=replace(forced.corpus, joint=False))
    with pytest.raises(SettingsError):
        train(unfit, open_corpus(unfit, ()))
    assert files(Path(settings.out)) == before


def test_a_prepared_corpus_inside_out_is_refused(tiny: Tiny, parallel_text: Path) -> None:
    settings = raw(tiny, parallel_text, force=True)
    train(settings, open_corpus(settings, ()))
    with pytest.raises(SettingsError, match="lies inside `out`, which would be replaced"):
        open_corpus(settings, [f"{settings.out}/training/prepared"])


def test_the_saved_config_gives_the_same_training_again(tiny: Tiny, few: PreparedCorpus) -> None:
    settings = tiny("first/model", updates=10)
    train(settings, few)
    config = Path(settings.out) / "config.json"
    where = {
        "out": str(config.parent.parent / "again" / "model"),
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
    }
    again = resolve(TrainSettings, command="train", flags=where, config=config).settings
    train(again, few)
    assert outcome(again) == outcome(settings)


def test_two_vocabularies_train_too(tiny: Tiny, parallel_text: Path, tmp_path: Path) -> None:
    corpus = CorpusSettings(
        langs="en-fr", train=(f"{parallel_text}/train",), valid=(f"{parallel_text}/valid",), joint=False
    )
    settings = tiny(updates=5)
    train(settings, prepare(PreprocessSettings(corpus=corpus, out=str(tmp_path / "prepared"))))
    folder = ModelFolder.open(Path(settings.out))
    assert list(folder.config.vocabularies) == ["source.spm", "target.spm"]
    assert (len(folder.src_vocabulary), len(folder.tgt_vocabulary)) == (
        folder.config.src_vocab_size,
        folder.config.tgt_vocab_size,
    )
    assert folder.src_vocabulary.fingerprint != folder.tgt_vocabulary.fingerprint


def test_the_model_card_tells_the_score_the_corpus_and_the_use(model_folder: Path, prepared: PreparedCorpus) -> None:
    card = (model_folder / "README.md").read_text(encoding="utf-8")
    records = [json.loads(line) for line in (model_folder / "log.jsonl").read_text().splitlines()]
    best = max(record["score"] for record in records if record["kind"] == "validation")
    assert f"Validation BLEU {best:.2f}" in card
    assert "mtkit translate en-fr < input.en > output.fr" in card
    for split in (prepared.manifest.train, prepared.manifest.valid):
        for entry in split.inputs:
            assert entry.name in card
            assert entry.sha256[:16] in card
