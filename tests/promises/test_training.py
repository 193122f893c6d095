"""What mtkit promises of training: what chooses the weights, what is saved and when, what is refused before it starts.

Each is rebuilt from a public report or a trial in which a toolkit broke it, on a corpus of a few words.
"""

from __future__ import annotations

import errno
import json
import math
import re
import resource
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file

from mtkit.dataset import PreparedCorpus, prepare
from mtkit.errors import ModelFolderError, SettingsError
from mtkit.evaluation import ModelScore
from mtkit.settings import CorpusSettings, NetworkSettings, PreprocessSettings, TrainSettings
from mtkit.synthetic.train import train
from mtkit.training import (
    Collaborators,
    Event,
    Finished,
    Note,
    Reported,
    Validated,
    Warned,
    memory_check,
    memory_limit,
    open_corpus,
    train_model,
)
from mtkit.training.memory import fixed_memory
from mtkit.training.output_folder import OutputFolder
from mtkit.training.processes import Processes
from mtkit.training.progress import decode_progress, encode_progress
from mtkit.training.saved_settings import completed, resolve_network
from mtkit.training.training_state import TrainingState
from mtkit.training.validation import Validation
from mtkit.training_log import read_log

WORDS = {
    **{"cat": "chat", "dog": "chien", "bird": "oiseau", "horse": "cheval", "boy": "garçon", "king": "roi"},
    **{"red": "rouge", "black": "noir", "green": "vert", "calm": "calme", "wise": "sage", "here": "ici"},
}
SENTENCES = {
    f"The {adjective} {noun} is here .": f"Le {WORDS[noun]} {WORDS[adjective]} est ici ."
    for noun in ("cat", "dog", "bird", "horse")
    for adjective in ("red", "black", "green")
}


def corpus_of(folder: Path, pairs: dict[str, str], langs: str = "en-fr") -> CorpusSettings:
    """Pairs that are learnt from and validated on."""
    folder.mkdir(exist_ok=True)
    for lang, lines in zip(langs.split("-"), (list(pairs), list(pairs.values())), strict=True):
        (folder / f"text.{lang}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    text = (f"{folder}/text",)
    return CorpusSettings(langs=langs, train=text, valid=text, vocab_type="word")


def prepared_of(folder: Path, pairs: dict[str, str], langs: str = "en-fr") -> PreparedCorpus:
    corpus = corpus_of(folder, pairs, langs)
    return prepare(PreprocessSettings(corpus=corpus, out=str(folder / "prepared")))


@pytest.fixture
def words(tmp_path: Path) -> PreparedCorpus:
    """Twelve pairs of a word each."""
    return prepared_of(tmp_path / "words", WORDS)


@pytest.fixture
def sentences(tmp_path: Path) -> PreparedCorpus:
    """Twelve pairs of sentences."""
    return prepared_of(tmp_path / "sentences", SENTENCES)


def quick(out: Path, **changes: Any) -> TrainSettings:
    """The settings of twenty updates of a tiny network, a validation each, nothing else to end it."""
    settings: dict[str, Any] = {
        "preset": "small",
        "network": NetworkSettings(
            decoder_layers=1, embedding_size=16, hidden_size=16, dropout=0.0, attention="none", lexical=False
        ),
        "learning_rate": 0.02,
        "batch_tokens": 100,
        "updates": 20,
        "valid_every": 1,
        "patience": 0,
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
    }
    return TrainSettings(**{**settings, **changes}, out=str(out))


def scripted(*validations: Validation) -> Collaborators:
    """Let validations find these, the last one for ever."""

    def found() -> Iterator[Validation]:
        yield from validations
        while True:
            yield validations[-1]

    script = found()
    return Collaborators(report_every=1, validator=lambda *_, **__: lambda: next(script))


def events_of(
    settings: TrainSettings, corpus: PreparedCorpus, collaborators: Collaborators | None = None
) -> list[Event]:
    events: list[Event] = []
    train_model(settings, corpus, events.append, collaborators=collaborators or Collaborators(report_every=1))
    return events


def the_end(events: Sequence[Event]) -> Finished:
    (end,) = (event for event in events if isinstance(event, Finished))
    return end


# Weights are chosen by a score that can tell them apart


def test_one_word_sentences_are_learnt_and_the_last_weights_are_kept_not_the_first(
    words: PreparedCorpus, tmp_path: Path
) -> None:
    """By BLEU, which is 0.00 each time, update 20 would be kept, and patience stop it at 220."""
    settings = quick(tmp_path / "model", updates=200, valid_every=20, patience=3)
    events = events_of(settings, words)
    (line,) = [event.text for event in events if isinstance(event, Note)]
    assert line.startswith("chrF2 leads: BLEU needs runs of 4 words, which 0 of 12 references have")
    end = the_end(events)
    assert end.metric == "chrf"
    assert end.best_score > 95
    assert end.best_update > 20
    card, curves = ((tmp_path / "model" / name).read_text(encoding="utf-8") for name in ("README.md", "curves.svg"))
    assert f"Validation chrF2 {end.best_score:.2f}" in card
    assert "BLEU needs runs of 4 words" in card
    assert "Validation chrF2" in curves


def test_text_without_spaces_trains_on_chrf_whatever_its_language_is(tmp_path: Path) -> None:
    pairs = {word: "".join(chr(0x0E01 + ord(letter) % 40) for letter in word) for word in SENTENCES}
    events = events_of(quick(tmp_path / "model", updates=2), prepared_of(tmp_path / "text", pairs, "en-th"))
    assert {event.metric for event in events if isinstance(event, Validated)} == {"chrf"}
    assert "does not split Thai into words" in next(event.text for event in events if isinstance(event, Note))


def test_japanese_without_mecab_trains_on_chrf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("Please install the latest version of mecab-python3")

    corpus = prepared_of(tmp_path / "text", dict.fromkeys(SENTENCES, "私は 猫 が 好き です 。"), "en-ja")
    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", fail)
    events = events_of(quick(tmp_path / "model", updates=1), corpus)
    assert the_end(events).metric == "chrf"
    (line,) = [event.text for event in events if isinstance(event, Note)]
    assert line.startswith("chrF2 leads: ")


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_equal_scores_leave_the_choice_to_the_perplexity(
    metric: Any, sentences: PreparedCorpus, tmp_path: Path
) -> None:
    losses = (3.0, 2.0, 2.5, 1.0, 1.0, 1.5)
    script = scripted(*(Validation(loss=loss, value=0.0, metric=metric) for loss in losses))
    end = the_end(events_of(quick(tmp_path / "model", updates=6), sentences, script))
    assert end.best_update == 4


def test_patience_does_not_run_while_the_perplexity_falls(sentences: PreparedCorpus, tmp_path: Path) -> None:
    falling = [Validation(loss=5 - number / 10, value=0.0) for number in range(10)]
    settings = quick(tmp_path / "model", patience=3)
    end = the_end(events_of(settings, sentences, scripted(*falling, Validation(loss=9.0, value=0.0))))
    assert end.updates == 13
    assert end.reason == "no better BLEU and no lower perplexity in 3 validations"


def test_the_learning_rate_is_not_halved_while_the_perplexity_falls(sentences: PreparedCorpus, tmp_path: Path) -> None:
    falling = [Validation(loss=5 - number / 10, value=0.0) for number in range(10)]
    settings = quick(tmp_path / "model", schedule="plateau", warmup=0)
    events = events_of(settings, sentences, scripted(*falling, Validation(loss=9.0, value=0.0)))
    rates = [event.learning_rate for event in events if isinstance(event, Reported)]
    assert rates[:13] == [settings.learning_rate] * 13
    assert rates[13] == settings.learning_rate / 2


@pytest.mark.parametrize(("value", "updates"), [(97.4, 20), (97.5, 1)])
def test_where_chrf_leads_the_target_is_the_one_that_goes_with_the_bleu_asked_for(
    value: float, updates: int, sentences: PreparedCorpus, tmp_path: Path
) -> None:
    script = scripted(Validation(loss=1.0, value=value, metric="chrf"))
    end = the_end(events_of(quick(tmp_path / "model", target_bleu=95), sentences, script))
    assert end.updates == updates
    assert end.reason == ("all updates are done" if updates == 20 else "validation chrF2 has reached 97.5")


def test_a_model_is_diversified_from_the_chrf_on_that_goes_with_bleu_10(
    sentences: PreparedCorpus, tmp_path: Path
) -> None:
    events: list[Event] = []
    script = scripted(Validation(loss=1.0, value=31.0, metric="chrf"))
    train(quick(tmp_path / "model", updates=1, diversify=True), sentences, events.append, collaborators=script)
    text = [event.text for event in events if isinstance(event, Note)][-1]
    assert text.endswith("a model below validation chrF2 31.6 have nothing to add")


def test_a_state_of_mtkit_0_1_goes_on_with_the_bleu_that_it_had() -> None:
    """Its progress.json has BLEU alone, -1 before the first validation."""
    old = {"update": 60, "best_bleu": 30.5, "best_update": 40, "best_bleu_at_interval": 30.25}
    progress = decode_progress(json.dumps(old | {"validations_since_best": 2, "seconds": 18.5}).encode())
    assert progress.best == ModelScore("bleu", 30.5, math.inf)
    assert progress.best_at_interval == ModelScore("bleu", 30.25, math.inf)
    assert (progress.lowest_perplexity, progress.validations_without_progress) == (math.inf, 2)
    assert decode_progress(encode_progress(progress)) == progress
    begun = decode_progress(json.dumps(old | {"best_bleu": -1.0, "best_bleu_at_interval": -1.0}).encode())
    assert begun.best is begun.best_at_interval is None


# No more than a quarter of an hour is ever lost


class Clock:
    """A clock that each report moves on by a minute, and each look at it by a microsecond."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1e-6
        return self.seconds

    def advance(self, event: Event) -> None:
        self.seconds += 60.0 * isinstance(event, Reported)


@pytest.mark.parametrize(("minutes", "expected"), [(15.0, [15, 30, 40]), (0.0, [40]), (100.0, [40])])
def test_the_state_is_saved_by_the_clock_too(
    minutes: float,
    expected: list[int],
    sentences: PreparedCorpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[int] = []
    monkeypatch.setattr(TrainingState, "save", lambda state, folder: saved.append(state.progress.update))
    clock = Clock()
    script = scripted(Validation(loss=1.0, value=1.0))
    settings = quick(tmp_path / "model", updates=40, valid_every=1_000, save_every=1_000, save_minutes=minutes)
    train_model(settings, sentences, clock.advance, collaborators=replace(script, clock=clock))
    assert saved == [0, *expected]


def test_of_many_processes_the_first_ones_clock_decides(
    sentences: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one, whose clock is hours ahead, saves nothing and asks nobody."""
    saved: list[int] = []
    monkeypatch.setattr(TrainingState, "save", lambda state, folder: saved.append(state.progress.update))
    monkeypatch.setattr(OutputFolder, "finish", lambda *_: None)

    class Second(Processes):
        rank = 1

    clock = Clock()
    settings = quick(tmp_path / "model", updates=3, save_minutes=1e-6)
    script = replace(scripted(Validation(loss=1.0, value=1.0)), clock=clock)
    train_model(settings, sentences, processes=Second(), collaborators=script)
    assert saved == []


def test_a_large_corpus_is_validated_within_its_epoch_and_a_small_one_as_ever() -> None:
    intervals = {20: 200, 200: 200, 3_300: 3_300, 30_000: 5_000}
    assert {epoch: completed(TrainSettings(epochs=1), epoch, {}).valid_every for epoch in intervals} == intervals
    resumed = completed(TrainSettings(epochs=1), 30_000, {"valid_every": 30_000})
    assert (resumed.valid_every, resumed.save_every) == (30_000, 30_000), "what began so goes on so"


# What is resumed keeps to what it began with, and says so


def resumed_lines(settings: TrainSettings) -> list[str]:
    lines: list[str] = []
    open_corpus(msgspec.structs.replace(settings, resume=True), (), lines.append)
    return lines


def test_training_from_text_that_has_changed_says_which_text_it_goes_on_with(tmp_path: Path) -> None:
    settings = quick(tmp_path / "model", updates=1, corpus=corpus_of(tmp_path / "text", SENTENCES))
    train_model(settings, open_corpus(settings, ()))
    assert resumed_lines(settings) == []
    for lang in ("en", "fr"):
        with (tmp_path / "text" / f"text.{lang}").open("a", encoding="utf-8") as file:
            file.write("more\n")
    (line,) = resumed_lines(settings)
    assert line.startswith(f"{tmp_path}/text/text")
    assert "is not the text that this training began with, which it keeps to" in line
    assert f"another `out` with `init_from={settings.out}`" in line
    (tmp_path / "text" / "text.fr").unlink()
    assert resumed_lines(settings) == [], "what is gone is no new text"


# Weights begin what they can be of use to


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model from English to French."""
    folder = tmp_path_factory.mktemp("parent")
    return train_model(quick(folder / "en-fr", updates=1), prepared_of(folder / "text", SENTENCES)).folder


def test_weights_of_the_opposite_direction_are_refused_before_any_text_is_read(parent: Path, tmp_path: Path) -> None:
    text = corpus_of(tmp_path / "text", {french: english for english, french in SENTENCES.items()}, "fr-en")
    settings = quick(tmp_path / "model", init_from=str(parent), corpus=text)
    line = "translates from en to fr, and weights of the opposite direction are no beginning for fr to en"
    with pytest.raises(SettingsError, match=line):
        open_corpus(settings, ())
    assert not list(tmp_path.glob(".*")), "nothing was prepared"
    given = msgspec.structs.replace(text, vocabulary=str(parent))
    prepared = prepare(PreprocessSettings(corpus=given, out=str(tmp_path / "prepared")))
    with pytest.raises(SettingsError, match=line):
        train_model(settings, prepared)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("langs", "warned"), [("en-fr", 0), ("en_GB-fr", 0), ("en-it", 1)])
def test_weights_of_other_languages_are_reported_with_the_pieces_they_take(
    langs: str, warned: int, parent: Path, tmp_path: Path
) -> None:
    text = corpus_of(tmp_path / "text", SENTENCES, langs)
    given = msgspec.structs.replace(text, vocabulary=str(parent))
    prepared = prepare(PreprocessSettings(corpus=given, out=str(tmp_path / "prepared")))
    events = events_of(quick(tmp_path / "model", updates=1, init_from=str(parent)), prepared)
    lines = [event.message for event in events if isinstance(event, Warned)]
    assert len(lines) == warned
    if warned:
        assert "from en to fr, and is trained on en to it: its vocabulary makes 1.0 pieces a word of en and" in lines[0]


# What is beyond the memory that there is never begins


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine of half a gigabyte."""
    limit = 500_000_000
    monkeypatch.setattr(memory_check, "memory_limit", lambda device: limit)
    return limit


def test_a_network_beyond_memory_is_refused_before_it_is_made_with_a_width_that_fits(
    small_machine: int, sentences: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = msgspec.structs.replace(quick(tmp_path).network, hidden_size=16_384)
    settings = quick(tmp_path / "model", network=network, updates=1)
    with pytest.raises(SettingsError, match=r"needs about .* of memory, and there are 0\.5 GB in all") as caught:
        train_model(settings, sentences)
    (fitting,) = map(int, re.findall(r"`hidden_size=(\d+)` fits, or insist with `force_memory`", str(caught.value)))
    assert 16 < fitting < 16_384
    assert not (tmp_path / "model").exists()
    narrower = msgspec.structs.replace(network, hidden_size=fitting // 4)
    assert train_model(msgspec.structs.replace(settings, network=narrower), sentences).updates == 1


def test_batches_beyond_memory_are_refused_with_a_size_that_fits(
    sentences: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = quick(tmp_path / "model", updates=1, batch_tokens=10**9)
    fixed = quick_weights(sentences, settings)
    monkeypatch.setattr(memory_check, "memory_limit", lambda device: fixed + 600_000_000)
    monkeypatch.setattr(memory_check, "estimate_memory", lambda *_, **__: fixed + 10**9)
    monkeypatch.setattr(memory_limit, "_MARGIN", 1)
    monkeypatch.setattr(memory_limit, "_FEWEST_TOKENS", 1)
    with pytest.raises(
        SettingsError, match=r"batches of 84 tokens needs about 1\.\d GB .*; `batch_tokens=50` fits, or insist"
    ):
        train_model(settings, sentences)
    assert not (tmp_path / "model").exists()
    assert train_model(msgspec.structs.replace(settings, force_memory=True), sentences).updates == 1


def quick_weights(corpus: PreparedCorpus, settings: TrainSettings) -> int:
    pieces = len(corpus.src_vocabulary)
    network = resolve_network(settings.network, corpus.joint)
    return fixed_memory(memory_limit.weights_of(network, pieces, pieces), torch.device("cpu"))


def test_a_limit_on_address_space_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    machine = memory_limit.memory_limit(cpu)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1_000, 1_000))
    limit = memory_limit.memory_limit(cpu)
    assert limit is not None
    assert machine is None or limit < machine


# What is reported never costs work


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("I/O operation on closed file")]
)
def test_a_listener_that_cannot_write_costs_nothing_and_the_log_says_so(
    error: Exception, sentences: PreparedCorpus, tmp_path: Path
) -> None:
    offered = 0

    def full(event: Event) -> None:
        nonlocal offered
        offered += 1
        raise error

    result = train(quick(tmp_path / "model"), sentences, full)
    assert (result.updates, result.reason) == (20, "all updates are done")
    assert (tmp_path / "model" / "training" / "20").is_dir()
    records = read_log(tmp_path / "model")
    (warning,) = [record["message"] for record in records if record["kind"] == "warning"]
    assert f"cannot be shown ({error}); training goes on" in warning
    assert offered == len(records) - 1, "it may be able to write again"


# A state that a stranger, a disk or a copy has spoilt is one line, or is passed over


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"position": -3}, "progress.json: Expected `int` >= 0 - at `$.position`"),
        ({"epoch": 10**20}, "epoch"),
        ({"batches_per_update": 0}, "batches_per_update"),
        ({"seconds": "long"}, "seconds"),
        ({"best": {"metric": "ter", "value": 1.0, "perplexity": 2.0}}, "metric"),
        ({"best": {"metric": "bleu", "value": 101.0, "perplexity": 2.0}}, "best is BLEU 101.00"),
        ({"lowest_perplexity": -1.0}, "lowest_perplexity"),
        ({"position": 10**6}, "progress.json: position 1,000,000 of an epoch of"),
    ],
)
def test_progress_out_of_bounds_is_one_line_that_names_the_field(
    change: dict[str, object], words: str, sentences: PreparedCorpus, tmp_path: Path
) -> None:
    settings = quick(tmp_path / "model", updates=1)
    train_model(settings, sentences)
    file = tmp_path / "model" / "training" / "1" / "progress.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    (file.parent / "checksums.json").unlink()
    with pytest.raises(ModelFolderError) as caught:
        train_model(msgspec.structs.replace(settings, resume=True, updates=1), sentences)
    message = str(caught.value)
    assert message.startswith(f"{file.parent}: is damaged (")
    assert words in message
    assert "\n" not in message
    assert f"`init_from={tmp_path / 'model'}`" in message
    assert "force" not in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("file", ["optimizer", "average"])
def test_tensors_of_another_shape_are_passed_over_for_the_whole_state_before(
    file: str, sentences: PreparedCorpus, tmp_path: Path
) -> None:
    settings = quick(tmp_path / "model", updates=2, save_every=1, average_decay=0.9, schedule="inverse-sqrt", warmup=0)
    train_model(msgspec.structs.replace(settings, updates=1), sentences)
    states = tmp_path / "model" / "training"
    whole = shutil.copytree(states / "1", tmp_path / "1")
    train_model(msgspec.structs.replace(settings, resume=True), sentences)
    shutil.move(whole, states / "1")
    stored = load_file(states / "2" / f"{file}.safetensors")
    save_file({name: tensor[:1].clone() for name, tensor in stored.items()}, states / "2" / f"{file}.safetensors")
    (states / "2" / "checksums.json").unlink()
    events = events_of(msgspec.structs.replace(settings, resume=True), sentences)
    (line,) = [event.message for event in events if isinstance(event, Warned)]
    assert f"{states / '2'}: is damaged ({file}.safetensors: " in line
    assert "has shape [1" in line
    assert f"training goes on from {states / '1'}, which is whole" in line
    assert the_end(events).updates == 2
