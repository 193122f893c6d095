"""The torch network behind the search's `Stepper` protocol: for validation, and for GPUs.

Importing this file imports torch; `translation` does so only when it needs a network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mtkit.errors import SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.nn.decoder import DecoderState
from mtkit.runtime.weights import load_weights
from mtkit.search import Candidates
from mtkit.settings import Device, Precision, RuntimePrecision
from mtkit.text.vocabulary import BOS, PAD, UNK

Ids = npt.NDArray[np.int64]
NEVER = [PAD, UNK, BOS]
"""Ids that are no part of any translation."""


@dataclass(frozen=True)
class TorchState:
    """The state of N hypotheses; `select` takes NumPy rows."""

    decoder: DecoderState

    def select(self, rows: Ids) -> TorchState:
        """Reorder, repeat or drop hypotheses."""
        return replace(self, decoder=self.decoder.select(torch.from_numpy(rows).to(self.decoder.memory.device)))


class TorchStepper:
    """Steps a network on the device it lives on, in its own number format unless `autocast` gives a faster one."""

    def __init__(self, network: Seq2Seq, *, autocast: torch.dtype | None = None) -> None:
        self.network = network
        self.autocast = autocast
        self.device = next(network.parameters()).device

    def start(self, src: Ids, src_lengths: Ids) -> TorchState:
        """Encode sources (N, S); see `search.Stepper`."""
        with torch.inference_mode(), self._precision():
            return TorchState(self.network.start(self._tensor(src), self._tensor(src_lengths)))

    def step(
        self,
        last_tokens: Ids,
        state: TorchState,
        k: int,
        *,
        required: Ids | None = None,
        banned: tuple[Ids, Ids] | None = None,
    ) -> tuple[Candidates, TorchState]:
        """Step once and return the k best next tokens of each hypothesis; see `search.Stepper`."""
        with torch.inference_mode(), self._precision():
            logits, _, decoder = self.network.step(self._tensor(last_tokens), state.decoder)
            log_probs = logits.float().log_softmax(dim=1)
            wanted = None
            if required is not None:
                wanted = log_probs.gather(1, self._tensor(required)[:, None])[:, 0].cpu().numpy()
            log_probs[:, NEVER] = -torch.inf
            if banned is not None:
                log_probs[self._tensor(banned[0]), self._tensor(banned[1])] = -torch.inf
            best, ids = log_probs.topk(min(k, log_probs.shape[1]), dim=1)
        candidates = Candidates(ids.cpu().numpy(), best.cpu().numpy(), wanted)
        return candidates, TorchState(decoder)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None)

    def _tensor(self, array: Ids) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def choose_precision(precision: Precision, device: torch.device) -> torch.dtype | None:
    """Return the type to autocast products to, or None for float32.

    `auto` takes bfloat16 where the machine multiplies it faster than float32, which a CPU without its instructions
    does not: it only emulates them.
    """
    if precision == "auto":
        if device.type == "cuda":
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            capabilities = torch.cpu.get_capabilities()
            fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
        return torch.bfloat16 if fast else None
    return torch.bfloat16 if precision == "bfloat16" else None


def choose_device(device: Device) -> torch.device:
    """Resolve `auto` to a GPU where there is one; raise `SettingsError` for a GPU that is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("--device cuda: torch sees no GPU here; use --device cpu or auto")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def load_stepper(folder: ModelFolder, device: torch.device, precision: RuntimePrecision) -> TorchStepper:
    """Build a model's network on a GPU.

    Raises:
        ModelFolderError: there are no weights, or they do not fit the settings.
        SettingsError: the precision is not one of a GPU.
    """
    if precision == "int8":
        raise SettingsError("--precision int8 is for a CPU; on a GPU choose bfloat16 or float32")
    config = folder.config
    network = Seq2Seq(config.network, config.src_vocab_size, config.tgt_vocab_size)
    load_weights(network, folder.weights)
    return TorchStepper(network.to(device).eval(), autocast=choose_precision(precision, device))
