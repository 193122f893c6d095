"""A corpus that grows by what models make of it, and the trainings that this takes."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mtkit.dataset import PreparedCorpus
from mtkit.errors import Interrupted, SettingsError, TrainingError
from mtkit.model_folder import ModelFolder
from mtkit.settings import CorpusSettings, NetworkSettings, TrainSettings
from mtkit.signals import StopRequest
from mtkit.synthetic import translating
from mtkit.synthetic.train import train
from mtkit.synthetic.translating import Translating
from mtkit.training import Collaborators, Event, Finished, Note, Reported, Started, TrainingResult, open_corpus
from mtkit.training.collaborators import USUAL
from mtkit.training.events import ignore
from mtkit.training.validation import Validation
from mtkit.translation import Translator


def quick(out: Path, **changes: Any) -> TrainSettings:
    """The settings of a training that learns half of `parallel_text`, and diversifies it; keywords change them.

    Two models each way are enough to have a first round and a further one.
    """
    settings: dict[str, Any] = {
        "preset": "small",
        "network": NetworkSettings(decoder_layers=1, embedding_size=16, hidden_size=32, dropout=0.1, lexical=True),
        "learning_rate": 0.03,
        "batch_tokens": 600,
        "epochs": 4,
        "valid_every": 10,
        "target_bleu": 0,
        "diversify": True,
        "models_each_way": 2,
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
    }
    return TrainSettings(**{**settings, **changes}, out=str(out))


def train_from_text(
    settings: TrainSettings, emit: Callable[[Event], None] = ignore, collaborators: Collaborators = USUAL
) -> TrainingResult:
    return train(settings, open_corpus(settings, ()), emit, collaborators=collaborators)


@pytest.fixture(scope="module")
def text(parallel_text: Path) -> CorpusSettings:
    return CorpusSettings(langs="en-fr", train=(f"{parallel_text}/train",), valid=(f"{parallel_text}/valid",))


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """What was reported of `complete`."""
    return []


@pytest.fixture(scope="module")
def complete(text: CorpusSettings, events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a training that nothing interrupted."""
    return train_from_text(quick(tmp_path_factory.mktemp("complete") / "model", corpus=text), events.append).folder


def pairs_of(corpus: PreparedCorpus) -> list[tuple[str, str]]:
    split = corpus.train
    return list(zip(split.src_texts(range(len(split))), split.tgt_texts(range(len(split))), strict=True))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file that time does not change."""
    timed = {"log.jsonl", "curves.svg", "progress.json", "checksums.json"}
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if path.name not in timed}


def test_a_model_of_the_corpus_and_its_translations_takes_the_first_ones_place(
    complete: Path, events: list[Event]
) -> None:
    corpus = PreparedCorpus.open(complete / "training" / "prepared")
    rounds = [PreparedCorpus.open(complete / "training" / "diversification" / number / "pairs") for number in "12"]
    pairs, added = pairs_of(corpus), [pairs_of(part) for part in rounds]
    sources, targets = {src for src, _ in pairs}, {tgt for _, tgt in pairs}
    for new in added:
        assert len(new) > 100
        assert all(src in sources or tgt in targets for src, tgt in new)
        assert {src for src, _ in new} & sources
        assert {tgt for _, tgt in new} & targets
    everything = [*pairs, *added[0], *added[1]]
    assert len(set(everything)) - len(set(pairs)) == len(added[0]) + len(added[1])

    started = [event for event in events if isinstance(event, Started)]
    assert [event.langs for event in started] == ["en-fr", "fr-en", "en-fr", "fr-en", "en-fr"]
    assert [event.train_pairs for event in started] == [400, 400, 400, 400, len(everything)]
    assert [event.updates // event.updates_per_epoch for event in started] == [4, 4, 4, 4, 3]
    titles = [event.text[:10] for event in events if isinstance(event, Note) and event.text.startswith("Model")]
    assert titles == [f"Model {number} of" for number in (1, 2, 3, 4, 5)]
    finished = [event for event in events if isinstance(event, Finished)]
    first, last = finished[0], finished[-1]
    assert [first.out and first.out.name, *(event.out for event in finished[1:])] == ["model", None, None, None, None]
    assert len({event.best_score for event in finished}) == 5  # so many seeds and directions
    assert last.best_score > first.best_score
    scores = f"(validation BLEU {last.best_score:.2f}, before BLEU {first.best_score:.2f})"
    assert events[-1] == Note(f"The new model takes the first one's place {scores}: {complete}")
    assert TrainingResult.recorded(complete).best.value == last.best_score

    whole = PreparedCorpus.open(corpus.path, *(part.path for part in rounds))
    assert ModelFolder.open(complete).config.corpus.fingerprint == whole.fingerprint
    card = (complete / "README.md").read_text(encoding="utf-8")
    assert "# model: en to fr" in card
    assert "| training | machine-translated.fr |" in card
    folders = {path.name for path in (complete / "training").iterdir()}
    assert folders == {str(last.updates), "prepared", "diversification"}
    assert Translator.load(complete, device="cpu").translate(["The red cat sees a dog."])[0].text


def test_interruptions_anywhere_change_nothing(
    text: CorpusSettings, complete: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In models of both rounds, while the corpus is translated in each, and in the last model."""

    class StopAt(StopRequest):
        """A SIGTERM each time that the count of questions, over all trainings, is one of some numbers."""

        def __init__(self, *numbers: int) -> None:
            self.numbers, self.asked = numbers, 0

        @property
        def signal_number(self) -> int | None:  # type: ignore[override]
            self.asked += 1
            return signal.SIGTERM if self.asked in self.numbers else None

    training, translation = StopAt(15, 80, 200, 270), StopAt(5, 24)
    monkeypatch.setattr(translating, "stop_request", lambda: nullcontext(translation))
    monkeypatch.setattr(translating, "TRANSLATED_TOGETHER", 50)
    collaborators = Collaborators(stop_request=lambda: nullcontext(training))
    settings, stopped, done = quick(tmp_path / "model", corpus=text), list[str](), False
    while not done:
        try:
            train_from_text(replace(settings, resume=bool(stopped)), collaborators=collaborators)
            done = True
        except Interrupted as error:
            stopped.append(str(error))
    assert ["translating" in message for message in stopped] == [False, False, True, False, True, False]
    assert bytes_of(tmp_path / "model") == bytes_of(complete)


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("last_words", ["pairs are new", pytest.param("a report", marks=pytest.mark.slow)])
def test_a_training_killed_after_its_first_model_has_that_one_and_goes_on(
    text: CorpusSettings, complete: Path, tmp_path: Path, last_words: str
) -> None:
    models = 0

    def die(event: Event) -> None:
        nonlocal models
        models += isinstance(event, Started)
        said = event.text if isinstance(event, Note) else ""
        if last_words in said or (last_words == "a report" and models == 3 and isinstance(event, Reported)):
            raise Killed

    settings = quick(tmp_path / "model", corpus=text)
    with pytest.raises(Killed):
        train_from_text(settings, die)
    assert Translator.load(settings.out, device="cpu").translate(["The red cat sees a dog."])[0].text
    (tmp_path / "model" / "notes").write_text("a user's own", encoding="utf-8")
    train_from_text(replace(settings, resume=True))
    assert bytes_of(tmp_path / "model") == {**bytes_of(complete), "notes": b"a user's own"}


def test_resuming_what_is_complete_changes_nothing(text: CorpusSettings, complete: Path, tmp_path: Path) -> None:
    shutil.copytree(complete, tmp_path / "model")
    events: list[Event] = []
    train_from_text(quick(tmp_path / "model", corpus=text, resume=True), events.append)
    assert bytes_of(tmp_path / "model") == bytes_of(complete)
    assert [type(event) for event in events] == [Started, Finished]


def test_resuming_a_diversified_model_as_one_of_the_corpus_alone_names_the_flag(
    text: CorpusSettings, complete: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(complete, tmp_path / "model")
    with pytest.raises(SettingsError, match="resume with the one it began with and `diversify=True`, or"):
        train_from_text(quick(out, corpus=text, resume=True, diversify=False, models_each_way=1))


def test_a_finished_training_may_be_diversified_later(text: CorpusSettings, complete: Path, tmp_path: Path) -> None:
    first = quick(tmp_path / "model", corpus=text, diversify=False, models_each_way=1)
    train_from_text(first)
    train_from_text(replace(first, diversify=True, models_each_way=2, resume=True))
    assert bytes_of(tmp_path / "model") == bytes_of(complete)


@pytest.mark.slow
def test_a_diversified_model_may_be_so_by_more_models_later(
    text: CorpusSettings, complete: Path, tmp_path: Path
) -> None:
    one = quick(tmp_path / "model", corpus=text, models_each_way=1)
    train_from_text(one)
    events: list[Event] = []
    train_from_text(replace(one, models_each_way=2, resume=True), events.append)
    assert sum(isinstance(event, Started) for event in events) == 3  # of the second round, and the last one
    rounds = Path("training", "diversification")
    assert bytes_of(tmp_path / "model" / rounds) == bytes_of(complete / rounds)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"target_bleu": 1.0}, "the model has reached validation BLEU 1"),
        ({"learning_rate": 1e-5}, "the translations of a model below validation BLEU 10 have nothing to add"),
    ],
)
def test_a_first_model_that_is_good_enough_or_no_good_is_the_last(
    prepared: PreparedCorpus, tmp_path: Path, changes: dict[str, float], reason: str
) -> None:
    events: list[Event] = []
    folder = train(quick(tmp_path / "model", **changes), prepared, events.append).folder
    assert [event.text for event in events if isinstance(event, Note)][-1] == f"No diversification: {reason}"
    assert sum(isinstance(event, Started) for event in events) == 1
    assert ModelFolder.open(folder).config.corpus.fingerprint == prepared.fingerprint


def test_translations_that_say_nothing_new_add_nothing(
    prepared: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_heart(self: Translating, model: Path, lines: list[str]) -> list[tuple[str, str]]:
        known = dict(pairs_of(prepared if ModelFolder.open(model).config.src_lang == "en" else prepared.reversed))
        return [(line, known[line]) for line in lines]

    monkeypatch.setattr(Translating, "__call__", by_heart)
    events: list[Event] = []
    result = train(quick(tmp_path / "model"), prepared, events.append)
    assert events[-1] == Note("No diversification: every translation is what the corpus says already")
    assert ModelFolder.open(result.folder).config.corpus.fingerprint == prepared.fingerprint
    assert TrainingResult.recorded(result.folder) == result


def test_the_better_model_stays(text: CorpusSettings, complete: Path, tmp_path: Path) -> None:
    """A model of the 400 pairs alone is found to be better than one of more pairs."""

    def best_alone(corpus: PreparedCorpus, *_: object) -> Callable[[], Validation]:
        return lambda: Validation(loss=1.0, value=90.0 if len(corpus.train) == 400 else 80.0)

    folder = tmp_path / "model"
    events: list[Event] = []
    settings = quick(folder, corpus=text)
    result = train_from_text(settings, events.append, Collaborators(validator=best_alone))
    assert events[-1] == Note(f"The first model stays (validation BLEU 90.00, the new one BLEU 80.00): {folder}")
    assert (result.folder, result.best.value) == (folder, 90.0)
    assert ModelFolder.open(folder).config.corpus.train_pairs == 400
    assert result == TrainingResult.recorded(folder)


def test_a_full_disk_says_how_to_go_on(
    prepared: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Path.write_text

    def full(path: Path, *arguments: Any, **named: Any) -> int:
        if path.name.startswith("machine-translated"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_text(path, *arguments, **named)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(TrainingError, match=r"no space left on the disk; .* `resume=True` goes on from here"):
        train(quick(tmp_path / "model"), prepared)


def test_a_model_started_from_another_has_none_of_the_opposite_direction(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="opposite direction, for which `init_from=other` has no weights"):
        quick(tmp_path / "model", init_from="other")
