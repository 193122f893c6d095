"""Training state: what is saved comes back to the last bit."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
import torch
from msgspec.structs import asdict

from mtkit.errors import ModelFolderError, OutputError
from mtkit.evaluation import ModelScore
from mtkit.nn import Seq2Seq
from mtkit.settings import NetworkSettings
from mtkit.storage import remove_drafts
from mtkit.training.processes import ALONE, Processes
from mtkit.training.progress import Progress
from mtkit.training.training_state import TrainingState
from mtkit.training.whole_state import newest_whole_state

if TYPE_CHECKING:
    from tests.training.conftest import Disk

T = TypeVar("T")
NETWORK = NetworkSettings(embedding_size=6, hidden_size=6, tied_embeddings="all")


class Learner(TrainingState):
    """The state of a small training."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        fresh = TrainingState.of(Seq2Seq(NETWORK, 9, 9), learning_rate=0.01, average_decay=0.9)
        super().__init__(fresh.network, fresh.optimizer, fresh.average, fresh.progress)

    def update(self, number: int) -> None:
        """An update with dropout; what is random follows from its number, as in training."""
        torch.manual_seed(number)
        src, tgt = torch.randint(4, 9, (3, 5)), torch.randint(4, 9, (3, 4))
        loss = self.network.logits(self.network(src, torch.tensor([5, 3, 1]), tgt)).square().mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        assert self.average is not None
        self.average.update(self.network, 1, torch.tensor(True))

    def weights(self) -> torch.Tensor:
        return torch.cat([weight.detach().flatten() for weight in self.network.parameters()])

    def averages(self) -> dict[str, torch.Tensor]:
        assert self.average is not None
        return self.average.tensors


def progress(update: int = 2) -> Progress:
    return Progress(
        update=update,
        epoch=1,
        position=7,
        best=ModelScore("bleu", 100 / 3, 1 / 3),
        lowest_perplexity=math.inf,
        best_update=1,
        validations_without_progress=4,
        seconds=0.1 + 0.2,
        log_bytes=12345,
        loss_sum=1e16 + 1 / 3,
        token_sum=10**12,
    )


@pytest.fixture
def learner() -> Learner:
    learner = Learner(seed=1)
    for number in range(2):
        learner.update(number)
    return learner


def save(learner: Learner, folder: Path, update: int = 2) -> Path:
    learner.progress = progress(update)
    learner.save(folder)
    state, _ = newest_whole_state(folder)
    assert state is not None
    return state


def assert_same(one: Learner, other: Learner) -> None:
    """Weights, average, moments and progress, to the last bit."""
    assert asdict(one.progress) == asdict(other.progress)
    assert torch.equal(one.weights(), other.weights())
    assert all(torch.equal(other.averages()[name], tensor) for name, tensor in one.averages().items())
    for weight, its_other in zip(one.network.parameters(), other.network.parameters(), strict=True):
        before, after = one.optimizer.state[weight], other.optimizer.state[its_other]
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_what_is_saved_comes_back_to_the_last_bit(learner: Learner, tmp_path: Path) -> None:
    other = Learner(seed=2)
    other.load(save(learner, tmp_path))
    assert_same(learner, other)


def test_the_next_updates_are_those_of_an_unbroken_training(learner: Learner, tmp_path: Path) -> None:
    other = Learner(seed=2)
    state = save(learner, tmp_path)
    for number in range(2, 5):
        learner.update(number)
    other.load(state)
    for number in range(2, 5):
        other.update(number)
    assert torch.equal(other.weights(), learner.weights())


class Copied(Processes):
    """What the first process of two gives away, and the second takes."""

    count = 2

    def __init__(self, rank: int, given: list[Any]) -> None:
        self.rank = rank
        self.given = given

    def first(self, action: Callable[[], T]) -> T:
        if self.is_first:
            self.given.append(action())
            return cast(T, self.given[-1])
        return cast(T, self.given.pop(0))

    def copy_from_first(self, tensors: Iterable[torch.Tensor]) -> None:
        if self.is_first:
            self.given += [tensor.clone() for tensor in tensors]
            return
        for tensor in tensors:
            tensor.copy_(self.given.pop(0))


@pytest.mark.parametrize("saved", [False, True])
def test_all_processes_go_on_from_the_state_of_the_first(saved: bool, learner: Learner, tmp_path: Path) -> None:
    """Its own, or one that it alone has loaded; the next update of both is the same."""
    first, second = Learner(seed=3), Learner(seed=4)
    if saved:
        first.load(save(learner, tmp_path))
    given: list[Any] = []
    first.copy_from_first(Copied(0, given))
    second.copy_from_first(Copied(1, given))
    assert given == []
    assert torch.equal(first.weights(), second.weights())
    for each in (first, second):
        each.update(7)
    assert_same(first, second)


def test_a_process_by_itself_keeps_its_state(learner: Learner) -> None:
    weights, progress = learner.weights(), learner.progress
    learner.copy_from_first(ALONE)
    assert learner.progress is progress
    assert torch.equal(learner.weights(), weights)


def test_only_the_newest_state_is_kept(learner: Learner, tmp_path: Path) -> None:
    (tmp_path / "prepared").mkdir()
    for update in (2, 9, 10):
        assert save(learner, tmp_path, update).name == str(update)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "prepared"]


def test_a_save_that_fails_leaves_the_older_state(learner: Learner, disk: Disk, tmp_path: Path) -> None:
    save(learner, tmp_path, 2)
    disk.fill()
    with pytest.raises(OutputError, match="no space left"):
        save(learner, tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["2"]


@pytest.mark.parametrize("dead", [False, True], ids=["full", "dead"])
def test_wherever_the_disk_fails_a_whole_state_is_left_and_the_next_save_is_none_the_worse(
    dead: bool, learner: Learner, disk: Disk, tmp_path: Path
) -> None:
    """Every write of a save fails in turn, and with it all that come after."""
    older = Learner(seed=2)
    older.update(2)
    save(older, tmp_path / "older", 2)
    at = 0
    while True:
        at += 1
        folder = tmp_path / str(at)
        shutil.copytree(tmp_path / "older", folder)
        disk.fails_at, disk.dead = disk.writes + at, dead
        with suppress(OutputError, disk.Dead):
            save(learner, folder, 3)
            break  # more writes than a save has
        disk.heal()
        found, other = newest_whole_state(folder).state, Learner(seed=3)
        assert found is not None
        other.load(found)
        update = other.progress.update
        assert int(found.name) == update
        assert torch.equal(other.weights(), (older if update == 2 else learner).weights())
        remove_drafts(folder)
        save(learner, folder, 4)
        assert [path.name for path in folder.iterdir()] == ["4"]
    assert at > 20


def test_before_the_first_update_the_moments_are_zero(tmp_path: Path) -> None:
    fresh, other = Learner(seed=1), Learner(seed=2)
    state = save(fresh, tmp_path, 0)
    other.load(state)
    for learner in (fresh, other):
        learner.update(5)
    assert torch.equal(fresh.weights(), other.weights())


@pytest.mark.parametrize(
    "name",
    ["network.safetensors", "optimizer.safetensors", "average.safetensors", "progress.json"],
)
@pytest.mark.parametrize("content", [None, b"", b'"\xff'])
def test_a_damaged_state_is_refused(learner: Learner, name: str, content: bytes | None, tmp_path: Path) -> None:
    state = save(learner, tmp_path)
    (state / name).unlink()
    if content is not None:
        (state / name).write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"is damaged|cannot be read as weights"):
        learner.load(state)
