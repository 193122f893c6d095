"""The exported graphs behind the search's `Stepper` protocol: translation on a CPU, without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime import OrtValue

from mtkit.errors import ModelFolderError
from mtkit.search import Candidates, Distribution
from mtkit.text.vocabulary import BOS, PAD, UNK

Ids = npt.NDArray[np.int64]
Values = dict[str, OrtValue]

NEVER = [PAD, UNK, BOS]
"""Ids that are no part of any translation."""


class Sources:
    """Places for N encoded sentences, bound to the inputs of the step's graph once for all steps."""

    def __init__(self, step: onnxruntime.InferenceSession, values: Values) -> None:
        self.step, self.values = step, values
        self.count: int = values["source.padding"].shape()[0]
        self.binding: onnxruntime.IOBinding = step.io_binding()
        for name, value in values.items():
            self.binding.bind_ortvalue_input(name, value)

    def select(self, places: Ids) -> Sources:
        """Return the sentences at some of the places, or at some more than once."""
        return Sources(self.step, {name: _value(value.numpy()[places]) for name, value in self.values.items()})

    def put(self, places: Ids, others: Sources) -> None:
        """Write the sentences of others into places of these."""
        for name, value in self.values.items():
            value.numpy()[places] = others.values[name].numpy()


@dataclass(frozen=True)
class OnnxState:
    """The state of N hypotheses.

    Selecting rows only notes them: the graph takes them from `hidden` when it steps, and `sources` holds each sentence
    once however many hypotheses it has.
    """

    sources: Sources
    hidden: Values
    rows: Ids
    """(N,) the row of `hidden` that each hypothesis goes on from."""
    sentences: Ids
    """(N,) the place in `sources` of the sentence that each hypothesis translates."""
    places: int
    """Hypotheses of a sentence that attention makes room for. It never shrinks: the shape of a product can show in
    the last bits of its result, and must not depend on how other sentences fare."""

    def select(self, rows: Ids) -> OnnxState:
        """Reorder, repeat or drop hypotheses."""
        return replace(self, rows=self.rows[rows], sentences=self.sentences[rows])

    def join(self, other: OnnxState) -> OnnxState:
        """Put the hypotheses of another state behind these; its sentences take the places of those that ended.

        Copying the sentences that stay as well would take forty times as long: new memory is slow.
        """
        sources, count = self.sources, other.sources.count
        free = np.setdiff1d(np.arange(sources.count), self.sentences)[:count]
        if missing := count - len(free):
            free = np.append(free, np.arange(missing) + sources.count)
            sources = sources.select(np.arange(sources.count + missing).clip(max=sources.count - 1))
        sources.put(free, other.sources)
        hidden = {
            name: _value(np.concatenate((value.numpy()[self.rows], other.hidden[name].numpy()[other.rows])))
            for name, value in self.hidden.items()
        }
        return OnnxState(
            sources=sources,
            hidden=hidden,
            rows=np.arange(len(self.rows) + len(other.rows)),
            sentences=np.concatenate((self.sentences, free[other.sentences])),
            places=max(self.places, other.places),
        )


class OnnxStepper:
    """Steps the graphs of one model. It holds no state, so threads can share it."""

    def __init__(self, encoder: Path, step: Path, *, threads: int) -> None:
        """Load the graphs, to run with so many threads (0: all cores)."""
        self._encoder, self._step = _session(encoder, threads), _session(step, threads)
        self._encoder_outputs = [output.name for output in self._encoder.get_outputs()]
        self._step_outputs = [output.name for output in self._step.get_outputs()]
        self._flags = {flag: _value(np.array(flag)) for flag in (False, True)}

    def start(self, src: Ids, src_lengths: Ids) -> OnnxState:
        """Encode sources (N, S); see `search.Stepper`."""
        feeds = {"src": _value(src), "src_lengths": _value(src_lengths)}
        values = self._encoder.run_with_ort_values(self._encoder_outputs, feeds)
        found = dict(zip(self._encoder_outputs, values, strict=True))
        rows = np.arange(len(src))
        return OnnxState(
            sources=Sources(self._step, {name: found[name] for name in found if name.startswith("source.")}),
            hidden={name: found[name] for name in found if name.startswith("hidden.")},
            rows=rows,
            sentences=rows,
            places=1,
        )

    def step(
        self,
        last_tokens: Ids,
        state: OnnxState,
        k: int,
        *,
        required: Ids | None = None,
        banned: tuple[Ids, Ids] | None = None,
        attention: bool = False,
    ) -> tuple[Candidates, OnnxState]:
        """Step once and return the k best next tokens of each hypothesis; see `search.Stepper`."""
        # the graph bans nothing: so many more are asked for as may have to leave
        spare = 0 if banned is None or not banned[0].size else int(np.bincount(banned[0]).max())
        found, state = self._advance(last_tokens, state, k + spare, k, required=required)
        ids, log_probs = found["ids"].numpy(), found["log_probs"].numpy()
        if spare:
            assert banned is not None
            ids, log_probs = _without(ids, log_probs, banned, k)
        return (
            Candidates(
                ids,
                log_probs,
                None if required is None else found["required_log_probs"].numpy(),
                found["attention"].numpy() if attention else None,
            ),
            state,
        )

    def distribution(
        self, last_tokens: Ids, state: OnnxState, *, required: Ids | None = None, attention: bool = False
    ) -> tuple[Distribution, OnnxState]:
        """Step once and return the log-probabilities of all next tokens; see `search.Stepper`."""
        found, state = self._advance(last_tokens, state, 1, 1, required=required, everything=True)
        log_probs = found["distribution"].numpy()
        log_probs[:, NEVER] = -np.inf
        return (
            Distribution(
                log_probs,
                None if required is None else found["required_log_probs"].numpy(),
                found["attention"].numpy() if attention else None,
            ),
            state,
        )

    def _advance(
        self,
        last_tokens: Ids,
        state: OnnxState,
        k: int,
        places: int,
        *,
        required: Ids | None = None,
        everything: bool = False,
    ) -> tuple[Values, OnnxState]:
        """Run the step's graph for `k` candidates, with at least so many places a sentence."""
        sources, sentences = self._compacted(state.sources, state.sentences)
        rows = np.arange(len(sentences))
        ranks = ranks_within(sentences)
        places = max(places, state.places, int(ranks.max()) + 1)
        row_places = sentences * places + ranks
        place_rows = np.zeros(sources.count * places, np.int64)
        place_rows[row_places] = rows

        binding = sources.binding
        for name, value in state.hidden.items():
            binding.bind_ortvalue_input(name, value)
        for name, array in (
            ("last_tokens", last_tokens),
            ("rows", state.rows),
            ("place_rows", place_rows.reshape(sources.count, places)),
            ("row_places", row_places),
            ("k", np.array([k])),
            ("required", np.zeros_like(rows) if required is None else required),
        ):
            binding.bind_ortvalue_input(name, _value(array))
        binding.bind_ortvalue_input("everything", self._flags[everything])
        binding.clear_binding_outputs()
        for name in self._step_outputs:
            binding.bind_output(name)
        self._step.run_with_iobinding(binding)
        found = dict(zip(self._step_outputs, binding.get_outputs(), strict=True))
        hidden = {name: found[f"next.{name}"] for name in state.hidden}
        return found, OnnxState(sources, hidden, rows, sentences, places)

    def _compacted(self, sources: Sources, sentences: Ids) -> tuple[Sources, Ids]:
        """Drop the sentences that no hypothesis translates any more, once they are half of all."""
        live = 1 + np.count_nonzero(sentences[1:] != sentences[:-1])  # hypotheses of a sentence stand together
        if 2 * live > sources.count:
            return sources, sentences
        kept = np.unique(sentences)
        return sources.select(kept), np.searchsorted(kept, sentences)

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the weights that the graphs were made from."""
        return str(self._step.get_modelmeta().custom_metadata_map.get("weights", ""))


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    )  # the rest was done at export
    options.enable_mem_pattern = False  # the shapes change with every batch
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base
        raise ModelFolderError(
            f"{path}: cannot be loaded ({str(error).splitlines()[0]}); copy the model folder again"
        ) from error


def _value(array: npt.NDArray[Any]) -> OrtValue:
    return OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def ranks_within(sentences: Ids) -> Ids:
    """Number the hypotheses of each sentence, which stand together, from 0: [7, 7, 4, 4, 4] gives [0, 1, 0, 1, 2]."""
    begins = np.concatenate(([True], sentences[1:] != sentences[:-1]))
    first_rows = np.flatnonzero(begins)
    return np.arange(len(sentences)) - first_rows[begins.cumsum() - 1]


def _without(ids: Ids, log_probs: npt.NDArray[np.float32], banned: tuple[Ids, Ids], k: int) -> tuple[Ids, Any]:
    """Take banned pairs out of candidates that come best first, and keep the k best of each row that are left."""
    rows, tokens = banned
    width = int(max(ids.max(), tokens.max())) + 1
    gone = np.isin(np.arange(len(ids))[:, None] * width + ids, rows * width + tokens)
    order = np.argsort(gone, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(np.where(gone, -np.inf, log_probs), order, axis=1)
    return np.take_along_axis(ids, order, axis=1), kept
