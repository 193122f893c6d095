"""A training goes on from the newest state that is whole, and says which ones are not."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from mtkit.training.whole_state import MOMENTS, Choice, newest_whole_state, refusal, saved_states, write_checksums

Damage = Callable[[Path], object]


def write_state(folder: Path, update: int, *, sums: bool = False) -> Path:
    state = folder / str(update)
    state.mkdir(parents=True)
    weight = np.full((3, 4), update, np.float32)
    moments = {f"weight.{key}": weight for key in MOMENTS}
    for name, tensors in (("network", {"weight": weight}), ("optimizer", moments), ("average", {"weight": weight})):
        save_file(tensors, state / f"{name}.safetensors")
    progress = {"update": update, "best_bleu": -1.0, "loss_sum": 0.5, "skipped": 0}
    (state / "progress.json").write_text(json.dumps(progress))
    if sums:
        write_checksums(state)
    return state


def cut(name: str) -> Damage:
    return lambda state: (state / name).write_bytes((state / name).read_bytes()[:-1])


def empty(name: str) -> Damage:
    return lambda state: (state / name).write_bytes(b"")


def progress(text: str) -> Damage:
    return lambda state: (state / "progress.json").write_text(text)


def remove_all(state: Path) -> None:
    for file in state.iterdir():
        file.unlink()


def tensors(file: str, **tensors: npt.NDArray[np.float32]) -> Damage:
    return lambda state: save_file(tensors, state / file)


WEIGHT = np.zeros((3, 4), np.float32)

DAMAGES: dict[str, Damage] = {
    "an average of another shape": tensors("average.safetensors", weight=WEIGHT[:2]),
    "an average of another weight": tensors("average.safetensors", other=WEIGHT),
    "moments of another shape": tensors(
        "optimizer.safetensors", **{"weight.exp_avg": WEIGHT, "weight.exp_avg_sq": WEIGHT.T.copy()}
    ),
    "half of the moments": tensors("optimizer.safetensors", **{"weight.exp_avg": WEIGHT}),
    "nothing in it": remove_all,
    "half copied": lambda state: (state / "optimizer.safetensors").unlink(),
    "no progress": lambda state: (state / "progress.json").unlink(),
    "weights cut": cut("network.safetensors"),
    "average cut": cut("average.safetensors"),
    "moments empty": empty("optimizer.safetensors"),
    "a score out of bounds": progress('{"update": 20, "best": {"metric": "bleu", "value": 1e9, "perplexity": 1}}'),
    "progress empty": empty("progress.json"),
    "progress of another update": progress('{"update": 2}'),
    "negative progress": progress('{"update": 20, "position": -1}'),
    "progress no object": progress("[20]"),
    "progress nested deep": progress("[" * 100_000),
    "a header of nothing": lambda state: (state / "network.safetensors").write_bytes(b"\xff" * 100),
    "a header of no tensors": lambda state: (state / "network.safetensors").write_bytes(b"\x04\0\0\0\0\0\0\0[[]]"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_state_is_passed_over_for_the_whole_one_before_it(name: str, tmp_path: Path) -> None:
    whole, newest = write_state(tmp_path, 10), write_state(tmp_path, 20)
    assert newest_whole_state(tmp_path) == Choice(newest)
    DAMAGES[name](newest)
    choice = newest_whole_state(tmp_path)
    assert choice.state == whole
    (line,) = choice.damaged
    assert line.startswith(f"{newest}: is damaged (")
    assert "\n" not in line


def test_where_none_is_whole_none_is_chosen_and_all_are_named(tmp_path: Path) -> None:
    assert newest_whole_state(tmp_path / "nowhere") == Choice(None)
    for update in (9, 100, 20):
        cut("network.safetensors")(write_state(tmp_path, update))
    choice = newest_whole_state(tmp_path)
    assert choice.state is None
    assert [line.split(":")[0] for line in choice.damaged] == [str(tmp_path / name) for name in ("100", "20", "9")]


def test_only_folders_named_after_an_update_are_states(tmp_path: Path) -> None:
    state = write_state(tmp_path, 7)
    for name in ("²", "prepared", "-1", ".8.1.part", "1" * 30):
        (tmp_path / name).mkdir()
    (tmp_path / "9").write_text("a file")
    (tmp_path / "10").symlink_to(state)
    assert saved_states(tmp_path) == [state]


def test_with_checksums_no_flipped_bit_is_missed(tmp_path: Path) -> None:
    chance = random.Random(1)
    state = write_state(tmp_path / "whole", 3, sums=True)
    assert newest_whole_state(tmp_path / "whole").state == state
    for number in range(100):
        copy = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", copy)
        file = chance.choice(sorted((copy / "3").iterdir()))
        content = bytearray(file.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
        assert newest_whole_state(copy).state is None, file.name


def test_force_is_never_the_advice(tmp_path: Path) -> None:
    damaged = ("model/training/20: is damaged (it has no progress.json)", "model/training/10: is damaged (cut)")
    bare = str(refusal(tmp_path, damaged))
    assert bare.startswith(f"{damaged[0]}, and 1 older too; begin again with another `out`")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert f"another `out` with `init_from={tmp_path}`" in str(refusal(tmp_path, damaged[:1]))
    assert "force" not in (bare + str(refusal(tmp_path, damaged))).replace(str(tmp_path), "")
