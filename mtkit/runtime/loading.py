"""From a model folder to the `Stepper` that suits a device: the one door that translation opens, late."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mtkit.errors import MissingExtraError, ModelFolderError, SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.runtime.processor import has_int8_instructions, may_have_gpu
from mtkit.search import Stepper
from mtkit.settings import Device, RuntimePrecision
from mtkit.storage import fault, sha256
from mtkit.text.vocabulary import EOS

if TYPE_CHECKING:
    from mtkit.runtime.onnx_stepper import OnnxStepper

PARTS = ("encoder.onnx", "step.onnx")


def choose_device(
    device: Device, precision: RuntimePrecision, folders: Sequence[ModelFolder]
) -> Literal["cpu", "cuda"]:
    """Resolve `auto` to a GPU where there is one, torch to run on it, and nothing that only a CPU can do.

    Raises:
        SettingsError: the device is not there.
        MissingExtraError: it needs the full install.
    """
    for_cpu = precision == "int8" or not all(folder.has_weights for folder in folders)
    if device == "cpu" or (device == "auto" and (for_cpu or not may_have_gpu())):
        return "cpu"
    try:
        from mtkit.runtime import torch_stepper
    except ModuleNotFoundError as error:
        if device == "auto":
            return "cpu"
        raise MissingExtraError(
            f"`device=cuda` needs the full install ({error.name} is missing): pip install 'mtkit[train]'"
        ) from error
    return "cuda" if torch_stepper.torch_device(device).type == "cuda" else "cpu"


def load_stepper(folder: ModelFolder, device: Literal["cpu", "cuda"], precision: RuntimePrecision) -> Stepper[Any]:
    """Load a model's network: its graphs on a CPU, without torch; the torch network on a GPU.

    Raises:
        ModelFolderError: what the device needs is missing from the folder, or does not fit its settings.
        SettingsError: the device cannot run at this precision.
    """
    if device == "cuda":
        from mtkit.runtime import torch_stepper

        return torch_stepper.load_torch_stepper(folder, torch_stepper.torch_device(device), precision)
    if precision == "bfloat16":
        raise SettingsError("`precision=bfloat16` is for a GPU; on a CPU choose int8 or float32")
    return _load_graphs(folder, precision)


def _load_graphs(folder: ModelFolder, precision: RuntimePrecision) -> Stepper[Any]:
    name: str = precision
    if precision == "auto":
        name = "int8" if has_int8_instructions() else "float32"
    elif precision == "int8" and not has_int8_instructions():
        name = "int8-7bit"
    graphs = folder.path / "runtime" / name
    remedy = f"make it with: mtkit export {shlex.quote(str(folder.path))}"
    for part in PARTS:
        if not (graphs / part).is_file():
            raise ModelFolderError(f"{graphs / part}: is missing; {remedy}")
    recorded = folder.config.graphs  # of none in a model that was exported before there were hashes
    mine = [file for file in recorded if file.startswith(f"{name}/")]
    if recorded and not {f"{name}/{part}" for part in PARTS} <= set(mine):
        raise ModelFolderError(f"{graphs}: has no hashes in config.json; {remedy}")
    files = [graphs.parent / file for file in mine]
    hashes = Hashes([*files, *([folder.weights] if folder.has_weights else [])])

    from mtkit.runtime.graph_check import misfit
    from mtkit.runtime.onnx_stepper import GRAPH_FORMAT, OnnxStepper

    for file, path in zip(mine, files, strict=True):  # before they are read: what is damaged may do anything
        if hashes.next() != recorded[file]:
            wrong = fault(path, f"is not the file that export wrote, or is damaged; {remedy}")
            raise ModelFolderError(f"{path}: {wrong}")
    stepper = OnnxStepper(graphs / "encoder.onnx", graphs / "step.onnx")
    if any(made.get("format") != GRAPH_FORMAT for made in stepper.metadata):
        raise ModelFolderError(f"{graphs}: was made by another version of mtkit; {remedy}")
    if reason := misfit(*stepper.sessions, folder.config.network):
        raise ModelFolderError(f"{graphs}: does not fit config.json: {reason}; {remedy}")
    # a model translates without its weights; where they are, the graphs must be theirs
    if folder.has_weights:
        digest = hashes.next()
        if any(made.get("weights") != digest for made in stepper.metadata):
            if wrong := fault(folder.weights, ""):
                raise ModelFolderError(f"{folder.weights}: {wrong}")
            raise ModelFolderError(f"{graphs}: was made from other weights than {folder.weights}; {remedy}")
    elif not recorded:
        _try(stepper, folder, f"{graphs}: does not fit config.json: ", remedy)
    return stepper


def _try(stepper: OnnxStepper, folder: ModelFolder, what: str, remedy: str) -> None:
    """Take a step with graphs of which nothing is recorded; raise `ModelFolderError` where they are others'."""
    if len({made.get("weights") for made in stepper.metadata}) > 1:
        raise ModelFolderError(f"{what}encoder.onnx and step.onnx were made from different weights; {remedy}")
    config = folder.config
    try:
        state = stepper.start(np.array([[config.src_vocab_size - 1, EOS]]), np.array([2]))
        distribution, _ = stepper.distribution(np.array([config.tgt_vocab_size - 1]), state)
    except Exception as error:  # ONNX Runtime's own errors share no base
        raise ModelFolderError(f"{what}they do not run ({str(error).splitlines()[0]}); {remedy}") from error
    pieces = distribution.log_probs.shape[1]
    if pieces != config.tgt_vocab_size:
        raise ModelFolderError(f"{what}they know {pieces:,} pieces, and there are {config.tgt_vocab_size:,}; {remedy}")


class Hashes:
    """The SHA-256 of files, found one after another by a thread of its own, while ONNX Runtime is imported."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._found: SimpleQueue[str | OSError] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def next(self) -> str:
        """Return that of the next file; raise `ModelFolderError` where it cannot be read."""
        found = self._found.get()
        if isinstance(found, OSError):
            raise ModelFolderError(f"{found.filename}: cannot be read ({found.strerror})") from found
        return found

    def _run(self) -> None:
        for file in self._files:
            try:
                self._found.put(sha256(file))
            except OSError as error:
                self._found.put(error)
