"""From a model folder to the `Stepper` that suits a device: the one door that translation opens, late."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, Literal

from mtkit.errors import MissingExtraError, ModelFolderError, SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.runtime.processor import has_int8_instructions, may_have_gpu
from mtkit.search import Stepper
from mtkit.settings import Device, RuntimePrecision
from mtkit.storage import sha256


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
    from mtkit.runtime.onnx_stepper import GRAPH_FORMAT, OnnxStepper

    name: str = precision
    if precision == "auto":
        name = "int8" if has_int8_instructions() else "float32"
    elif precision == "int8" and not has_int8_instructions():
        name = "int8-7bit"
    graphs = folder.path / "runtime" / name
    remedy = f"make it with: mtkit export {shlex.quote(str(folder.path))}"
    for part in ("encoder.onnx", "step.onnx"):
        if not (graphs / part).is_file():
            raise ModelFolderError(f"{graphs / part}: is missing; {remedy}")
    stepper = OnnxStepper(graphs / "encoder.onnx", graphs / "step.onnx")
    if any(made.get("format") != GRAPH_FORMAT for made in stepper.metadata):
        raise ModelFolderError(f"{graphs}: was made by another version of mtkit; {remedy}")
    # a model translates without its weights; where they are, the graphs must be theirs
    if folder.has_weights:
        digest = sha256(folder.weights)
        if any(made.get("weights") != digest for made in stepper.metadata):
            raise ModelFolderError(f"{graphs}: was made from other weights than {folder.weights}; {remedy}")
    return stepper
