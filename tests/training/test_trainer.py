"""The training loop: what an update is, when things happen, which weights are kept."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file
from torch.nn import functional

from mtkit.dataset import Batch, Batches, PreparedCorpus, prepare
from mtkit.dataset.noise import Noise
from mtkit.errors import TrainingError
from mtkit.evaluation import LeadingMetric
from mtkit.model_folder import ModelFolder
from mtkit.nn import Loss, Seq2Seq
from mtkit.nn.weights import distinct_weights
from mtkit.runtime.torch_stepper import load_torch_stepper
from mtkit.settings import AttentionType, Cell, CorpusSettings, NetworkSettings, PreprocessSettings, TrainSettings
from mtkit.signals import StopRequest
from mtkit.text.vocabulary import PAD
from mtkit.training import Collaborators, Event, Finished, Reported, Started, Validated, Warned, train_model
from mtkit.training.assembly import assemble
from mtkit.training.average import MovingAverage
from mtkit.training.events import ignore
from mtkit.training.gradients import SAMPLING_WIDENS
from mtkit.training.saved_settings import completed
from mtkit.training.schedule import PLATEAU_PATIENCE, Schedule
from mtkit.training.trainer import Trainer
from mtkit.training.training_state import TrainingState
from mtkit.training.updater import Made, Updater
from mtkit.training.validation import Validation, Validator

Tiny = Callable[..., TrainSettings]


class Script:
    """Validations that find these BLEUs, then 0, and the weights that each of them saw."""

    def __init__(self, *bleus: float) -> None:
        self.bleus = iter([*bleus, *[0.0] * 1000])
        self.seen: list[dict[str, torch.Tensor]] = []

    def __call__(
        self,
        corpus: PreparedCorpus,
        network: Seq2Seq,
        batch_tokens: int,
        autocast: torch.dtype | None,
        metric: LeadingMetric,
    ) -> Callable[[], Validation]:
        def validate() -> Validation:
            self.seen.append({name: weight.clone() for name, weight in network.state_dict().items()})
            return Validation(loss=1.0, value=next(self.bleus))

        return validate


def run(
    settings: TrainSettings, corpus: PreparedCorpus, script: Script | None = None, report_every: int = 25
) -> list[Event]:
    """Train, and return the events; without a script validations are real ones."""
    events: list[Event] = []
    collaborators = Collaborators(report_every=report_every, validator=script or Validator)
    train_model(settings, corpus, events.append, collaborators=collaborators)
    return events


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def make_trainer(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    folder: Path,
    script: Script | None = None,
    *,
    kind: type[Batches] = Batches,
    emit: Callable[[Event], None] = ignore,
    report_every: int = 25,
) -> Trainer:
    """A trainer of a network in float64 without dropout; validations find nothing unless there is a script."""
    torch.manual_seed(1)
    pieces = len(corpus.src_vocabulary)
    shape = NetworkSettings(embedding_size=8, hidden_size=12, dropout=0.0, tied_embeddings="all")
    folder.mkdir()
    state = TrainingState.of(
        Seq2Seq(shape, pieces, pieces).double(), settings.learning_rate, settings.average_decay, settings.accumulate
    )
    batches = kind(corpus.train, settings.batch_tokens, settings.seed)
    collaborators = Collaborators(report_every=report_every, validator=script or Script())
    settings = completed(settings, len(batches), {})
    return assemble(settings, corpus, batches, state, folder, emit=emit, collaborators=collaborators)


@pytest.mark.parametrize("clip_norm", [1e-3, 1e3])
def test_an_update_is_adam_on_the_mean_smoothed_loss_of_a_token_with_its_gradient_clipped(
    clip_norm: float, tiny: Tiny, few: PreparedCorpus, tmp_path: Path
) -> None:
    """Four updates from torch's own parts, over all positions, padding masked; Adam's constants are the trainer's."""
    settings = tiny(updates=4, clip_norm=clip_norm)
    trainer = make_trainer(settings, few, tmp_path / "model")
    network = copy.deepcopy(trainer.state.network)
    trainer.run(StopRequest())

    chosen = trainer.state.optimizer.defaults
    optimizer = torch.optim.Adam(network.parameters(), betas=chosen["betas"], eps=chosen["eps"], foreach=False)
    schedule = Schedule("cosine", settings.learning_rate, 0, 4)
    batches = Batches(few.train, settings.batch_tokens, settings.seed)
    for number, indices in enumerate(batches.epoch(0)[:4], start=1):
        batch = batches.load(indices)
        logits = network.logits(network(*map(torch.from_numpy, (batch.src, batch.src_lengths, batch.tgt_in))))
        tgt = torch.from_numpy(batch.tgt_out)
        loss = functional.cross_entropy(
            logits.flatten(0, 1), tgt.flatten(), ignore_index=PAD, label_smoothing=settings.label_smoothing
        )
        optimizer.zero_grad()
        loss.backward()
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
        for gradient in gradients:
            gradient *= min(1.0, clip_norm / norm)
        optimizer.param_groups[0]["lr"] = schedule.rate(number)
        optimizer.step()
    for one, other in zip(trainer.state.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_loss_reported_is_the_mean_over_the_tokens_since_the_last_report(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    trainer = make_trainer(tiny(updates=6), few, tmp_path / "model", emit=events.append, report_every=3)
    sums: list[tuple[float, int]] = []
    forward = trainer.updater.forward

    def watched(batch: Batch) -> Loss:
        loss = forward(batch)
        sums.append((float(loss.smoothed.detach()), batch.tokens))
        return loss

    monkeypatch.setattr(trainer.updater, "forward", watched)
    trainer.run(StopRequest())
    reports = [event for event in events if isinstance(event, Reported)]
    assert [report.update for report in reports] == [3, 6]
    for report, part in zip(reports, (sums[:3], sums[3:]), strict=True):
        assert report.loss == pytest.approx(sum(loss for loss, _ in part) / sum(tokens for _, tokens in part))
        assert report.learning_rate == trainer.updater.schedule.rate(report.update)


def test_an_epoch_uses_every_batch_once(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tiny(updates=0, epochs=2), few, tmp_path / "model")
    loaded: list[list[int]] = []
    load = Noise.load

    def watched(noise: Noise, indices: np.ndarray, epoch: int, position: int) -> Batch:
        loaded.append(indices.tolist())
        return load(noise, indices, epoch, position)

    monkeypatch.setattr(Noise, "load", watched)
    trainer.run(StopRequest())
    assert loaded == [indices.tolist() for epoch in (0, 1) for indices in trainer.batches.epoch(epoch)]
    assert trainer.state.progress.epoch == 2


def test_validations_come_at_their_interval_and_at_the_end(tiny: Tiny, few: PreparedCorpus) -> None:
    events = run(tiny(updates=25, valid_every=10), few, Script())
    assert [event.update for event in events if isinstance(event, Validated)] == [10, 20, 25]


def test_the_epoch_told_is_the_one_that_the_update_was_part_of(tiny: Tiny, few: PreparedCorpus) -> None:
    events = run(tiny(updates=0, epochs=2, valid_every=1, save_every=100, patience=0), few, Script(), report_every=1)
    started = next(event for event in events if isinstance(event, Started))
    assert started.updates == 2 * started.updates_per_epoch
    expected = [1] * started.updates_per_epoch + [2] * started.updates_per_epoch
    for kind in (Reported, Validated):
        assert [event.epoch for event in events if isinstance(event, kind)] == expected


def test_the_weights_kept_are_those_of_the_first_best_validation(tiny: Tiny, few: PreparedCorpus) -> None:
    script = Script(1.0, 5.0, 3.0, 5.0, 2.0)
    settings = tiny(updates=25, valid_every=5)
    events = run(settings, few, script)
    assert [event.best for event in events if isinstance(event, Validated)] == [True, True, False, False, False]
    end = finished(events)
    assert (end.best_update, end.best_score, end.updates) == (10, 5.0, 25)
    kept = load_torch_stepper(ModelFolder.open(Path(settings.out)), torch.device("cpu"), "float32").network.state_dict()
    assert all(torch.equal(weight, script.seen[1][name]) for name, weight in kept.items())
    assert not torch.equal(kept["output.weight"], script.seen[3]["output.weight"])


@pytest.mark.parametrize(("patience", "last"), [(1, 15), (2, 20), (3, 40), (0, 50)])
def test_training_stops_when_patience_runs_out(patience: int, last: int, tiny: Tiny, few: PreparedCorpus) -> None:
    """Validated every 5 updates: better at 5, 10 and 25, then never again."""
    script = Script(1.0, 2.0, 2.0, 1.0, 3.0)
    end = finished(run(tiny(updates=50, valid_every=5, patience=patience), few, script))
    assert end.updates == last
    reason = (
        f"no better BLEU and no lower perplexity in {patience} validations" if last < 50 else "all updates are done"
    )
    assert end.reason == reason


def test_the_plateau_schedule_halves_the_rate_where_validations_find_nothing_better(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(10.0, 20.0, *[15.0] * (2 * PLATEAU_PATIENCE), 30.0)
    settings = tiny(schedule="plateau", updates=10 + 2 * PLATEAU_PATIENCE, valid_every=1, patience=0)
    trainer = make_trainer(settings, few, tmp_path / "model", script)
    rates = list[float]()
    step = trainer.state.optimizer.step

    def watched() -> None:
        rates.append(trainer.state.optimizer.param_groups[0]["lr"])
        step()

    monkeypatch.setattr(trainer.state.optimizer, "step", watched)
    trainer.run(StopRequest())
    shares = [rate / settings.learning_rate for rate in rates[1:]]
    first, second = 1 + PLATEAU_PATIENCE, 1 + 2 * PLATEAU_PATIENCE
    assert shares[first - 1 : first + 1] == [1.0, 0.5]
    assert shares[second - 1 : second + 1] == [0.5, 0.25]
    assert shares[second + 3] == 0.25, "a better validation begins the count anew"


def test_what_is_validated_and_kept_is_the_average_of_the_weights(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(10.0, 5.0)
    trainer = make_trainer(tiny(updates=4, valid_every=2, average_decay=0.9), few, tmp_path / "model", script)
    expected = MovingAverage(trainer.state.network, 0.9)
    step, count = trainer.state.optimizer.step, iter(range(1, 5))

    def watched() -> None:
        step()
        expected.update(trainer.state.network, next(count), torch.tensor(True))

    monkeypatch.setattr(trainer.state.optimizer, "step", watched)
    trainer.run(StopRequest())
    kept = load_file(trainer.folder / "model.safetensors")
    assert all(torch.equal(kept[name], script.seen[0][name]) for name in kept)
    assert all(torch.equal(script.seen[1][name], tensor) for name, tensor in expected.tensors.items())
    weights = distinct_weights(trainer.state.network)
    assert not all(torch.equal(weights[name], tensor) for name, tensor in expected.tensors.items())


@pytest.mark.parametrize(("target", "updates"), [(0.0, 10), (20.0, 4), (95.0, 10)])
def test_training_stops_where_nothing_is_left_to_gain(
    target: float, updates: int, tiny: Tiny, few: PreparedCorpus
) -> None:
    end = finished(run(tiny(updates=10, valid_every=2, target_bleu=target), few, Script(10.0, 20.0, 30.0)))
    assert end.updates == updates
    assert ("has reached 20" in end.reason) == (target == 20.0)


def test_the_first_validation_counts_as_better_even_at_a_bleu_of_zero(tiny: Tiny, few: PreparedCorpus) -> None:
    """So that every training that validated once leaves a model."""
    settings = tiny(updates=5)
    run(settings, few, Script(0.0))
    assert (Path(settings.out) / "model.safetensors").is_file()


def test_the_log_holds_everything_that_is_told_but_the_folder(tiny: Tiny, few: PreparedCorpus) -> None:
    settings = tiny(updates=20, valid_every=10)
    events = run(settings, few, report_every=4)
    records = [json.loads(line) for line in (Path(settings.out) / "log.jsonl").read_text().splitlines()]
    kinds = {Started: "started", Reported: "report", Validated: "validation", Finished: "finished"}
    assert [record.pop("kind") for record in records] == [kinds[type(event)] for event in events]
    assert set(kinds) == {type(event) for event in events}
    elapsed = [record.pop("elapsed") for record in records]
    assert elapsed == sorted(elapsed)
    assert records == [
        {key: json.loads(msgspec.json.encode(value)) for key, value in vars(event).items() if key != "out"}
        for event in events
    ]


def test_the_log_is_strict_json_even_where_perplexity_overflows(tiny: Tiny, few: PreparedCorpus) -> None:
    def diverged(*_: object) -> Callable[[], Validation]:
        return lambda: Validation(loss=1e6, value=0.0)

    settings = tiny(updates=5)
    train_model(settings, few, collaborators=Collaborators(validator=diverged))
    (record,) = [line for line in (Path(settings.out) / "log.jsonl").read_text().splitlines() if '"validation"' in line]
    assert json.loads(record, parse_constant=lambda constant: pytest.fail(constant))["perplexity"] is None


def spoil(monkeypatch: pytest.MonkeyPatch, bad: Callable[[int], float]) -> None:
    """Multiply the loss of each update, counted from 1, and with it its gradient."""
    forward = Updater.forward

    def spoilt(self: Updater, batch: Batch) -> Loss:
        loss = forward(self, batch)
        return Loss(loss.smoothed * bad(self.state.progress.update + 1), loss.negative_log_likelihood)

    monkeypatch.setattr(Updater, "forward", spoilt)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
def test_an_update_whose_loss_or_gradient_is_not_finite_changes_nothing_but_the_count(
    bad: float, tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 1e300 the loss is finite still, but the norm of the gradient is not: it overflows."""
    spoil(monkeypatch, lambda update: bad if update in (2, 3) else 1.0)
    trainer = make_trainer(tiny(updates=4, average_decay=0.9), few, tmp_path / "model", report_every=4)
    snapshots: list[list[torch.Tensor]] = []
    update = trainer.updater.update

    def watched(batches: Mapping[int, Batch]) -> Made:
        made = update(batches)
        moments = [tensor for state in trainer.state.optimizer.state.values() for tensor in state.values()]
        assert trainer.state.average is not None
        tensors = (*trainer.state.network.parameters(), *moments, *trainer.state.average.tensors.values())
        snapshots.append([tensor.detach().clone() for tensor in tensors])
        return made

    monkeypatch.setattr(trainer.updater, "update", watched)
    trainer.run(StopRequest())
    first, second, third, fourth = snapshots
    assert all(map(torch.equal, first, second))
    assert all(map(torch.equal, first, third))
    assert not any(map(torch.equal, first, fourth))
    assert (trainer.state.progress.skipped, trainer.state.progress.skipped_in_a_row) == (2, 0)
    report, _ = (json.loads(line) for line in (trainer.folder / "log.jsonl").read_text().splitlines())
    assert report["skipped"] == 2
    assert math.isfinite(report["loss"])


def test_a_training_with_skipped_updates_is_resumed_to_the_last_bit(
    tiny: Tiny, few: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, lambda update: math.nan if update in (3, 9, 10) else 1.0)
    whole, parts = tiny("whole", updates=20), tiny("parts", updates=20)
    assert finished(run(whole, few)).skipped == 3

    def stop(event: Event) -> None:
        if isinstance(event, Validated):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(replace(parts, save_every=5), few, stop)
    assert finished(run(replace(parts, save_every=5, resume=True), few)).skipped == 3
    assert (Path(parts.out) / "model.safetensors").read_bytes() == (Path(whole.out) / "model.safetensors").read_bytes()


def test_twenty_skipped_updates_in_a_row_end_training_with_the_likely_causes(
    tiny: Tiny, few: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, lambda update: math.nan if (update % 20 and update < 40) or update > 45 else 1.0)
    settings = tiny(updates=100, valid_every=20, patience=0)
    with pytest.raises(
        TrainingError,
        match="at update 65 the loss or its gradient has not been finite for 20 updates in a row; likely the learning",
    ):
        train_model(settings, few)
    assert [path.name for path in (Path(settings.out) / "training").iterdir()] == ["60"]
    assert ModelFolder.open(Path(settings.out)).has_weights


@pytest.mark.parametrize("accumulate", [2, 4, 1000])
def test_updates_of_several_batches_are_those_of_larger_batches(
    accumulate: int, tiny: Tiny, few: PreparedCorpus, tmp_path: Path
) -> None:
    """Against a trainer whose plan has the batches joined, in float64 and without dropout."""

    class Joined(Batches):
        def __len__(self) -> int:
            return math.ceil(super().__len__() / accumulate)

        def epoch(self, epoch: int) -> list[np.ndarray]:
            parts = super().epoch(epoch)
            return [np.concatenate(parts[at : at + accumulate]) for at in range(0, len(parts), accumulate)]

    # what is spelt in bytes is drawn by the batch
    settings = tiny(updates=6, batch_tokens=100, byte_spelling=0.0)
    small = make_trainer(replace(settings, accumulate=accumulate), few, tmp_path / "small")
    large = make_trainer(settings, few, tmp_path / "large", kind=Joined)
    assert small.intervals.epoch == len(large.plan)
    for trainer in (small, large):
        trainer.run(StopRequest())
    progress, other = small.state.progress, large.state.progress
    assert (progress.epoch, progress.token_sum) == (other.epoch, other.token_sum)
    assert progress.loss_sum == pytest.approx(other.loss_sum, rel=1e-9)
    for weight, its_other in zip(small.state.network.parameters(), large.state.network.parameters(), strict=True):
        torch.testing.assert_close(weight, its_other, rtol=1e-6, atol=1e-9)


class Memory:
    """A GPU's memory, which has no room for passes of more tokens than `room`, and how many each pass took."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, trainer: Trainer, room: float) -> None:
        self.room = room
        self.passes: list[int] = []
        forward = trainer.updater.forward

        def limited(batch: Batch) -> Loss:
            if batch.size > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            self.passes.append(batch.size)
            return forward(batch)

        monkeypatch.setattr(trainer.updater, "forward", limited)


def test_a_batch_that_finds_no_memory_goes_in_parts_and_its_update_is_the_same(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    trainer = make_trainer(tiny(updates=5), few, tmp_path / "short", emit=events.append)
    free = make_trainer(tiny(updates=5), few, tmp_path / "free")
    memory = Memory(monkeypatch, trainer, room=60)
    for each in (trainer, free):
        each.run(StopRequest())
    for one, other in zip(trainer.state.network.parameters(), free.state.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)
    warnings = [event for event in events if isinstance(event, Warned)]
    assert max(memory.passes) <= 60
    limits = [int(re.findall(r"in parts of at most (\d+) tokens", warning.message)[0]) for warning in warnings]
    assert limits == sorted(limits, reverse=True)
    assert len(set(limits)) == len(limits), "what was found holds for the updates to come"
    assert trainer.updater.pass_tokens == limits[-1]
    assert "updates stay the same but for dropout's masks" in warnings[0].message


def test_room_is_found_for_what_subword_sampling_makes_of_the_largest_batch(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, sampled = (make_trainer(tiny(subword_sampling=share), few, tmp_path / str(share)) for share in (0.0, 0.3))
    largest = plain.batches.largest()
    for trainer, factor in ((plain, 1.0), (sampled, SAMPLING_WIDENS)):
        memory = Memory(monkeypatch, trainer, room=math.inf)
        trainer.find_room()
        assert memory.passes == [pytest.approx(factor * largest.size, rel=0.05)]
        assert trainer.updater.pass_tokens == 0


def test_the_largest_batch_is_tried_first_and_what_it_takes_holds_for_all(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    trainer = make_trainer(tiny(updates=5), few, tmp_path / "model", emit=events.append)
    largest = trainer.batches.largest()
    sizes = [
        np.add(batch.src.shape, batch.tgt_out.shape)[1] * len(batch.src)
        for batch in map(trainer.batches.load, trainer.plan)
    ]
    assert (largest.src.shape[1] + largest.tgt_out.shape[1]) * len(largest.src) == max(sizes)
    memory = Memory(monkeypatch, trainer, room=60)
    before = copy.deepcopy(trainer.state.network.state_dict())
    trainer.find_room()
    limit = trainer.updater.pass_tokens
    assert limit <= 60 < 2 * limit
    assert sum(memory.passes) >= largest.tokens
    assert all(torch.equal(before[name], weight) for name, weight in trainer.state.network.state_dict().items())
    assert {float(state["step"]) for state in trainer.state.optimizer.state.values()} == {0.0}
    found = len(events)
    trainer.run(StopRequest())
    assert not any(isinstance(event, Warned) for event in events[found:])

    resumed = make_trainer(tiny(updates=5), few, tmp_path / "other")
    resumed.state.load(trainer.folder / "training" / "5")
    resumed.resume(batches_before=1)
    assert resumed.updater.pass_tokens == 0, "where it is resumed there may be more memory"


@pytest.mark.parametrize(
    ("cell", "attention"),
    [("gru", "dot"), ("lstm", "general"), ("gru", "additive"), ("lstm", "none"), ("gru-original", "general")],
)
def test_a_tiny_network_learns_twenty_pairs_by_heart(
    cell: Cell, attention: AttentionType, tiny: Tiny, parallel_text: Path, tmp_path: Path
) -> None:
    for lang in ("en", "fr"):
        lines = (parallel_text / f"train.{lang}").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / f"text.{lang}").write_text("".join(lines[:20]), encoding="utf-8")
    text = (f"{tmp_path}/text",)
    corpus = CorpusSettings(langs="en-fr", train=text, valid=text, vocab_type="word")
    network = NetworkSettings(cell=cell, attention=attention, embedding_size=24, hidden_size=32, dropout=0.0)
    settings = tiny(network=network, learning_rate=0.02, batch_tokens=100, updates=150, valid_every=50, patience=0)
    events = run(settings, prepare(PreprocessSettings(corpus=corpus, out=str(tmp_path / "prepared"))))
    assert max(event.score for event in events if isinstance(event, Validated)) > 90
