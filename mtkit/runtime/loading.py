"""From a model folder to the `Stepper` that suits a device: the one door that translation opens, late."""

from __future__ import annotations

from typing import Any

from mtkit.errors import MissingExtraError
from mtkit.model_folder import ModelFolder
from mtkit.search import Stepper
from mtkit.settings import Device, RuntimePrecision


def load_stepper(folder: ModelFolder, *, device: Device, precision: RuntimePrecision, threads: int) -> Stepper[Any]:
    """Load a model's network.

    Raises:
        ModelFolderError: what the device needs is missing from the folder, or does not fit its settings.
        SettingsError: the device is not there, or cannot run at this precision.
        MissingExtraError: the device needs the full install.
    """
    try:
        from mtkit.runtime import torch_stepper
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"translating needs the full install ({error.name} is missing): pip install 'mtkit[train]'"
        ) from error
    return torch_stepper.load_stepper(folder, device, threads)
