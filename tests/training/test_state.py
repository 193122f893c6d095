"""Training state: what is saved comes back to the last bit."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from msgspec.structs import asdict

from mtkit.errors import ModelFolderError, OutputError
from mtkit.nn import Seq2Seq
from mtkit.settings import NetworkSettings
from mtkit.storage import remove_drafts
from mtkit.training.average import MovingAverage
from mtkit.training.state import Progress, load_state, newest_state, save_state

NETWORK = NetworkSettings(embedding_size=6, hidden_size=6, tied_embeddings="all")


class Learner:
    """A network, its optimizer and its average."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = Seq2Seq(NETWORK, 9, 9)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=0.01, fused=True)
        self.average = MovingAverage(self.network, 0.9)

    def update(self, number: int) -> None:
        """An update with dropout; chance follows from its number, as in training."""
        torch.manual_seed(number)
        src, tgt = torch.randint(4, 9, (3, 5)), torch.randint(4, 9, (3, 4))
        loss = self.network.logits(self.network(src, torch.tensor([5, 3, 1]), tgt)).square().mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(self.network, 1, torch.tensor(True))

    def weights(self) -> torch.Tensor:
        return torch.cat([weight.detach().flatten() for weight in self.network.parameters()])


def progress(update: int = 2) -> Progress:
    return Progress(
        update=update,
        epoch=1,
        position=7,
        best_bleu=100 / 3,
        best_update=1,
        validations_since_best=4,
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
    save_state(folder, learner.network, learner.optimizer, learner.average, progress(update))
    state = newest_state(folder)
    assert state is not None
    return state


def test_what_is_saved_comes_back_to_the_last_bit(learner: Learner, tmp_path: Path) -> None:
    other = Learner(seed=2)
    state = save(learner, tmp_path)
    assert asdict(load_state(state, other.network, other.optimizer, other.average)) == asdict(progress())
    assert torch.equal(other.weights(), learner.weights())
    assert all(torch.equal(other.average.tensors[name], tensor) for name, tensor in learner.average.tensors.items())
    for one, two in zip(learner.network.parameters(), other.network.parameters(), strict=True):
        before, after = learner.optimizer.state[one], other.optimizer.state[two]
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_the_next_updates_are_those_of_an_unbroken_training(learner: Learner, tmp_path: Path) -> None:
    other = Learner(seed=2)
    state = save(learner, tmp_path)
    for number in range(2, 5):
        learner.update(number)
    load_state(state, other.network, other.optimizer, other.average)
    for number in range(2, 5):
        other.update(number)
    assert torch.equal(other.weights(), learner.weights())


def test_only_the_newest_state_is_kept(learner: Learner, tmp_path: Path) -> None:
    (tmp_path / "prepared").mkdir()
    for update in (2, 9, 10):
        assert save(learner, tmp_path, update).name == str(update)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "prepared"]


def test_the_newest_state_is_that_of_the_greatest_update(tmp_path: Path) -> None:
    assert newest_state(tmp_path) is None
    assert newest_state(tmp_path / "nowhere") is None
    for name in ("9", "100", "20", "prepared", ".200.1.part"):
        (tmp_path / name).mkdir()
    assert newest_state(tmp_path) == tmp_path / "100"


def test_a_save_that_fails_leaves_the_older_state(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(learner, tmp_path, 2)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("mtkit.training.state.save_tensors", fail)
    with pytest.raises(RuntimeError):
        save(learner, tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["2"]


@pytest.mark.parametrize("dead", [False, True], ids=["full", "dead"])
def test_wherever_the_disk_fails_a_whole_state_is_left_and_the_next_save_is_none_the_worse(
    dead: bool, learner: Learner, disk, tmp_path: Path
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
            save_state(folder, learner.network, learner.optimizer, learner.average, progress(3))
            break  # more writes than a save has
        disk.heal()
        found, other = newest_state(folder), Learner(seed=3)
        assert found is not None
        update = load_state(found, other.network, other.optimizer, other.average).update
        assert int(found.name) == update
        assert torch.equal(other.weights(), (older if update == 2 else learner).weights())
        remove_drafts(folder)
        save(learner, folder, 4)
        assert [path.name for path in folder.iterdir()] == ["4"]
    assert at > 20


def test_before_the_first_update_the_moments_are_zero(tmp_path: Path) -> None:
    fresh, other = Learner(seed=1), Learner(seed=2)
    state = save(fresh, tmp_path, 0)
    load_state(state, other.network, other.optimizer, other.average)
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
        load_state(state, learner.network, learner.optimizer, learner.average)
