"""The torch network behind the search's `Stepper` protocol: for validation, and for GPUs.

Importing this file imports torch; `translation` does so only when it needs a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtkit.arrays import Ids
from mtkit.errors import SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.nn.decoder import DecoderState
from mtkit.nn.weights import load_weights
from mtkit.process import without_tf32
from mtkit.search import Candidates, Distribution
from mtkit.settings import Device, Precision, RuntimePrecision
from mtkit.text.vocabulary import NEVER


@dataclass(frozen=True)
class TorchState:
    """The state of N hypotheses; `select` takes NumPy rows. `sources` (N,) says which source each one translates."""

    decoder: DecoderState
    sources: Ids

    def select(self, rows: Ids) -> TorchState:
        """Reorder, repeat or drop hypotheses."""
        sources = self.sources[rows]
        index = torch.from_numpy(rows).to(self.decoder.memory.device, non_blocking=True)
        if np.array_equal(sources, self.sources):
            # The same sources, row by row: the memory and its keys, most of the state, stay where they are.
            hidden = tuple(tuple(part[index] for part in layer) for layer in self.decoder.hidden)
            return TorchState(replace(self.decoder, hidden=hidden), sources)
        return TorchState(self.decoder.select(index), sources)

    def join(self, other: TorchState) -> TorchState:
        """Put the hypotheses of another state behind these."""
        with torch.inference_mode():
            decoder = self.decoder.join(other.decoder)
        return TorchState(decoder, np.concatenate((self.sources, other.sources + self.sources.max() + 1)))


class TorchStepper:
    """Steps a network on the device it lives on, in its own number format unless `autocast` gives a faster one.

    On a GPU a step waits for the device once, when its results are fetched, and `exact` keeps its float32 from being
    rounded to TF32.
    """

    def __init__(self, network: Seq2Seq, *, autocast: torch.dtype | None = None, exact: bool = False) -> None:
        self.network = network
        self.autocast = autocast
        self.exact = exact
        self.device = next(network.parameters()).device
        # On the device from the start: constants that are copied there in a step would each make it wait.
        self._never = torch.tensor(NEVER, device=self.device)
        self._impossible = torch.tensor(-torch.inf, device=self.device)

    def start(self, src: Ids, src_lengths: Ids) -> TorchState:
        """Encode sources (N, S); see `search.Stepper`."""
        with torch.inference_mode(), self._precision():
            decoder = self.network.start(self._tensor(src), self._tensor(src_lengths))
        return TorchState(decoder, np.arange(len(src)))

    def step(
        self,
        last_tokens: Ids,
        state: TorchState,
        k: int,
        *,
        required: Ids | None = None,
        banned: tuple[Ids, Ids] | None = None,
        attention: bool = False,
    ) -> tuple[Candidates, TorchState]:
        """Step once and return the k best next tokens of each hypothesis; see `search.Stepper`."""
        with torch.inference_mode():
            log_probs, wanted, weights, state = self._advance(last_tokens, state, required)
            if banned is not None:
                log_probs.index_put_((self._tensor(banned[0]), self._tensor(banned[1])), self._impossible)
            best, ids = best_first(log_probs, min(k, log_probs.shape[1]))
            return Candidates(*self._fetch(ids, best, wanted, weights if attention else None)), state

    def distribution(
        self, last_tokens: Ids, state: TorchState, *, required: Ids | None = None, attention: bool = False
    ) -> tuple[Distribution, TorchState]:
        """Step once and return the log-probabilities of all next tokens; see `search.Stepper`."""
        with torch.inference_mode():
            log_probs, wanted, weights, state = self._advance(last_tokens, state, required)
            return Distribution(*self._fetch(log_probs, wanted, weights if attention else None)), state

    def _advance(
        self, last_tokens: Ids, state: TorchState, required: Ids | None
    ) -> tuple[Tensor, Tensor | None, Tensor, TorchState]:
        """Return log-probabilities (N, V), those required (N,), attention weights (N, S) and the next state."""
        with self._precision():
            logits, weights, decoder = self.network.step(self._tensor(last_tokens), state.decoder)
        log_probs = logits.float().log_softmax(dim=1)
        wanted = None
        if required is not None:
            wanted = log_probs.gather(1, self._tensor(required)[:, None])[:, 0]
        log_probs.index_fill_(1, self._never, -torch.inf)
        return log_probs, wanted, weights.float(), replace(state, decoder=decoder)

    def _fetch(self, *results: Tensor | None) -> list[Any]:
        """Copy tensors to NumPy, in one wait for the device; None stays None."""
        copies = [None if result is None else result.to("cpu", non_blocking=True) for result in results]
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
        return [None if copy is None else copy.numpy() for copy in copies]

    @contextmanager
    def _precision(self) -> Iterator[None]:
        with (
            torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None),
            without_tf32() if self.exact else nullcontext(),
        ):
            yield

    def _tensor(self, array: Ids) -> Tensor:
        # From memory that is not pinned, CUDA has taken its copy when this returns: the array may change after it.
        return torch.from_numpy(array).to(self.device, non_blocking=True)


def best_first(log_probs: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k greatest (N, k) of log-probabilities (N, V) in float32 and their ids, equal ones by their id.

    `topk` takes equal ones in no order, and in bfloat16 3 % of rows of 8,000 tie at the top. `max` takes the first.
    """
    if k == 1:
        best, ids = log_probs.max(dim=1, keepdim=True)
        return best, ids
    # As none is above 0, their bits without the sign grow as they fall: with the ids behind them, no two are equal.
    costs = (log_probs.view(torch.int32) & 0x7FFFFFFF).to(torch.int64) << 31
    keys = costs | torch.arange(log_probs.shape[1], device=log_probs.device)
    ids = keys.topk(k, dim=1, largest=False).values & 0x7FFFFFFF
    return log_probs.gather(1, ids), ids


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


def torch_device(device: Device) -> torch.device:
    """Resolve `auto` to a GPU where there is one; raise `SettingsError` for a GPU that is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("`device=cuda`: torch sees no GPU here; use `device=cpu` or auto")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def load_torch_stepper(folder: ModelFolder, device: torch.device, precision: RuntimePrecision) -> TorchStepper:
    """Build a model's network on a GPU.

    Raises:
        ModelFolderError: there are no weights, or they do not fit the settings.
        SettingsError: the precision is not one of a GPU.
    """
    if precision == "int8":
        raise SettingsError("`precision=int8` is for a CPU; on a GPU choose bfloat16 or float32")
    config = folder.config
    network = Seq2Seq(config.network, config.src_vocab_size, config.tgt_vocab_size)
    load_weights(network, folder.weights)
    autocast = choose_precision(precision, device)
    return TorchStepper(network.to(device).eval(), autocast=autocast, exact=autocast is None)
