"""Which of the saved states a training goes on from: the newest one that is whole.

A state may be damaged by a disk, or half there after a folder was copied. Whether it is whole is seen without torch:
each file has the length that its header says, moments and average have the shapes of the weights, the progress is one
of its update, and where there is `checksums.json`, every file has its SHA-256.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from mtkit.errors import ModelFolderError
from mtkit.storage import sha256
from mtkit.training.progress import decode_progress

CHECKSUMS = "checksums.json"
MOMENTS = ("exp_avg", "exp_avg_sq")
"""What Adam keeps of each weight; in the file as `WEIGHT.exp_avg`."""

Shapes = dict[str, tuple[int, ...]]
"""By the names of tensors."""

_NEEDED = ("network.safetensors", "optimizer.safetensors", "progress.json")
_LONGEST_HEADER = 100_000_000  # bytes, as safetensors has it


class Choice(NamedTuple):
    """The state to go on from, or None, and a line about each newer one that is damaged."""

    state: Path | None
    damaged: tuple[str, ...] = ()


def write_checksums(draft: Path) -> None:
    """Write the SHA-256 of each file of a state that is about to be complete."""
    sums = {file.name: sha256(file) for file in sorted(draft.iterdir()) if file.name != CHECKSUMS}
    (draft / CHECKSUMS).write_bytes(msgspec.json.encode(sums))


def newest_whole_state(folder: Path) -> Choice:
    """Choose among the states under `folder`, which need not exist."""
    damaged = []
    for state in sorted(saved_states(folder), key=lambda state: int(state.name), reverse=True):
        try:
            check_whole(state)
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            name = f" {Path(error.filename).name}" if isinstance(error, OSError) and error.filename else ""
            damaged.append(f"{state}: is damaged ({reason}{name and ':'}{name})")
        else:
            return Choice(state, tuple(damaged))
    return Choice(None, tuple(damaged))


def saved_states(folder: Path) -> list[Path]:
    """Return the folders that are named after an update, in no order."""
    try:
        found = [path for path in folder.iterdir() if re.fullmatch(r"[0-9]{1,18}", path.name)]
    except OSError:
        return []
    return [path for path in found if path.is_dir() and not path.is_symlink()]


def check_whole(state: Path) -> None:
    """Raise `OSError` or `ValueError` where a state is not whole."""
    for name in _NEEDED:
        if not (state / name).is_file():
            raise ValueError(f"it has no {name}")
    shapes = {file.name: _shapes(file) for file in sorted(state.glob("*.safetensors"))}
    _check_shapes(shapes)
    try:
        progress = decode_progress((state / "progress.json").read_bytes())
    except ValueError as error:
        raise ValueError(f"progress.json: {error}") from error
    if progress.update != int(state.name):
        raise ValueError(f"progress.json is of update {progress.update}")
    if (state / CHECKSUMS).exists():
        for name, digest in msgspec.json.decode((state / CHECKSUMS).read_bytes(), type=dict[str, str]).items():
            if sha256(state / Path(name).name) != digest:
                raise ValueError(f"{Path(name).name} has another checksum")


def refusal(folder: Path, damaged: tuple[str, ...]) -> ModelFolderError:
    """Return the error for a model at `folder` of which states are there, and none is whole."""
    remedy = "begin again with another `out`"
    if (folder / "model.safetensors").is_file():
        remedy = f"its best weights are there, and another `out` with `init_from={folder}` goes on from them"
    more = f", and {len(damaged) - 1:,} older too" if len(damaged) > 1 else ""
    return ModelFolderError(f"{damaged[0]}{more}; {remedy}")


def _check_shapes(shapes: dict[str, Shapes]) -> None:
    """Raise `ValueError` where moments or average are not those of the weights; files are given by their names."""
    weights = shapes["network.safetensors"]
    moments = {f"{name}.{key}": shape for name, shape in weights.items() for key in MOMENTS}
    for file, expected in (("optimizer.safetensors", moments), ("average.safetensors", weights)):
        found = shapes.get(file, expected)
        for name in sorted(expected.keys() ^ found.keys()):
            raise ValueError(f"{file} has {'no' if name in expected else 'a strange'} {name}")
        for name, shape in expected.items():
            if found[name] != shape:
                raise ValueError(f"{file}: {name} has shape {list(found[name])}, and its weight {list(shape)}")


def _shapes(file: Path) -> Shapes:
    """Return the shapes that a safetensors file has by its header; raise `ValueError` where it is not as long."""
    length = file.stat().st_size
    with file.open("rb") as opened:
        header = int.from_bytes(opened.read(8), "little")
        if not 2 <= header <= min(length - 8, _LONGEST_HEADER):
            raise ValueError(f"{file.name} is incomplete, or not a safetensors file")
        tensors = msgspec.json.decode(opened.read(header), type=dict[str, dict[str, msgspec.Raw]])
    tensors.pop("__metadata__", None)
    ends = [
        msgspec.json.decode(tensor.get("data_offsets", b"[]"), type=tuple[int, int])[1] for tensor in tensors.values()
    ]
    if 8 + header + max(ends, default=0) != length:
        raise ValueError(
            f"{file.name} has {length:,} bytes, and its header speaks of {8 + header + max(ends, default=0):,}"
        )
    return {
        name: msgspec.json.decode(tensor.get("shape", b"[]"), type=tuple[int, ...]) for name, tensor in tensors.items()
    }
