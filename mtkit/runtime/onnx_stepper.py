"""The exported graphs behind the search's `Stepper` protocol: translation on a CPU, without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime import OrtValue

from mtkit.arrays import Ids
from mtkit.errors import ModelFolderError
from mtkit.process import onnx_memory_is_shared
from mtkit.search import Candidates, Distribution, numbered
from mtkit.storage import utf8_name
from mtkit.text.vocabulary import NEVER

Arrays = dict[str, npt.NDArray[Any]]
Values = dict[str, OrtValue]

GRAPH_FORMAT = "2"
"""What the graphs take and give, and under which names; it changes when this file needs other graphs."""


class Sources:
    """Places for N encoded sentences, bound to the inputs of the step's graph once for all steps."""

    def __init__(self, step: onnxruntime.InferenceSession, arrays: Arrays) -> None:
        self.step, self.arrays = step, arrays
        self.count = len(arrays["source.padding"])
        self.binding: onnxruntime.IOBinding = step.io_binding()
        self._bound: Arrays = {}
        for name, array in arrays.items():
            self.bind(name, array)

    def bind(self, name: str, array: npt.NDArray[Any]) -> None:
        """Bind an input, unless that very array is what it is bound to: it takes 2 us."""
        if self._bound.get(name) is not array:
            self.binding.bind_cpu_input(name, array)
            self._bound[name] = array

    def select(self, places: Ids) -> Sources:
        """Return the sentences at some of the places, or at some more than once."""
        return Sources(self.step, {name: array[places] for name, array in self.arrays.items()})

    def put(self, places: Ids, others: Sources, kept: Ids) -> None:
        """Write some sentences of others, `kept`, into places of these."""
        for name, array in self.arrays.items():
            array[places] = others.arrays[name][kept]


@dataclass(frozen=True)
class SlotAssignment:
    """How R hypotheses sit in the places of N sentences, K each: what attention needs to know of them."""

    rows: Ids
    """0 to R - 1, which is how the next step takes the rows of this one."""
    place_rows: Ids
    """(N, K) the row in each place, 0 where there is none."""
    row_places: Ids
    """(R,) the place of each row, counted through all sentences."""
    nothing: Ids
    """(R,) what is required where nothing is."""

    @classmethod
    def of(cls, sentences: Ids, ranks: Ids, count: int, places: int) -> SlotAssignment:
        """Assign hypotheses, by sentence and number within it (R,), to `places` slots for each of `count` sentences."""
        rows, row_places = np.arange(len(sentences)), sentences * places + ranks
        place_rows = np.zeros((count, places), np.int64)
        place_rows.flat[row_places] = rows
        return cls(rows, place_rows, row_places, np.zeros_like(rows))


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
    slots: SlotAssignment | None = None
    """Of the step before, where all its hypotheses go on."""

    def select(self, rows: Ids) -> OnnxState:
        """Reorder, repeat or drop hypotheses."""
        return replace(self, rows=self.rows[rows], sentences=self.sentences[rows], slots=None)

    def join(self, other: OnnxState) -> OnnxState:
        """Put the hypotheses of another state behind these; its sentences take the places of those that ended.

        If the sentences that stay were copied too, a join would take five times as long: new memory is slow.
        """
        sources, kept = self.sources, np.unique(other.sentences)
        count = len(kept)
        free = np.setdiff1d(np.arange(sources.count), self.sentences)[:count]
        if missing := count - len(free):  # more places, whatever they hold
            free = np.append(free, np.arange(missing) + sources.count)
            sources = sources.select(np.arange(sources.count + missing).clip(max=sources.count - 1))
        sources.put(free, other.sources, kept)
        hidden = {
            name: _value(np.concatenate((value.numpy()[self.rows], other.hidden[name].numpy()[other.rows])))
            for name, value in self.hidden.items()
        }
        return OnnxState(
            sources=sources,
            hidden=hidden,
            rows=np.arange(len(self.rows) + len(other.rows)),
            sentences=np.concatenate((self.sentences, free[np.searchsorted(kept, other.sentences)])),
            places=max(self.places, other.places),
        )


class OnnxStepper:
    """Steps the graphs of one model, on one core. It holds no state, so that threads can share it, with a core each."""

    def __init__(self, encoder: Path, step: Path) -> None:
        """Load the graphs; raise `ModelFolderError` where that fails."""
        self._encoder, self._step = _session(encoder), _session(step)
        self._encoded = [output.name for output in self._encoder.get_outputs()]

    def start(self, src: Ids, src_lengths: Ids) -> OnnxState:
        """Encode sources (N, S); see `search.Stepper`."""
        pieces, places = np.unique(src, return_inverse=True)
        feeds = {"pieces": pieces, "src": places.reshape(src.shape), "src_lengths": np.ascontiguousarray(src_lengths)}
        binding = self._encoder.io_binding()
        for name, array in feeds.items():
            binding.bind_cpu_input(name, array)
        for name in self._encoded:  # into memory that ONNX Runtime uses again: new memory is slow
            binding.bind_output(name)
        self._encoder.run_with_iobinding(binding)
        found: Values = dict(zip(self._encoded, binding.get_outputs(), strict=True))
        rows = np.arange(len(src))
        return OnnxState(
            sources=Sources(
                self._step, {name: value.numpy() for name, value in found.items() if name.startswith("source.")}
            ),
            hidden={name: value for name, value in found.items() if name.startswith("hidden.")},
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
        # the graph bans nothing: as many more are asked for as may have to leave
        spare = 0 if banned is None or not banned[0].size else int(np.bincount(banned[0]).max())
        wanted = ["ids", "log_probs", *_also_wanted(required, attention)]
        found, state = self._advance(last_tokens, state, wanted, k + spare, k, required)
        ids, log_probs = found["ids"], found["log_probs"]
        if spare:
            assert banned is not None
            ids, log_probs = _without(ids, log_probs, banned, k)
        return Candidates(ids, log_probs, found.get("required_log_probs"), found.get("attention")), state

    def distribution(
        self, last_tokens: Ids, state: OnnxState, *, required: Ids | None = None, attention: bool = False
    ) -> tuple[Distribution, OnnxState]:
        """Step once and return the log-probabilities of all next tokens; see `search.Stepper`."""
        wanted = ["distribution", *_also_wanted(required, attention)]
        # room for two at least: a lone row is multiplied by another routine than several, with other last bits, and
        # how many a sentence has may depend on its neighbours here
        found, state = self._advance(last_tokens, state, wanted, 1, 2, required)
        log_probs = found["distribution"]
        log_probs[:, NEVER] = -np.inf
        return Distribution(log_probs, found.get("required_log_probs"), found.get("attention")), state

    def _advance(
        self, last_tokens: Ids, state: OnnxState, wanted: list[str], k: int, places: int, required: Ids | None
    ) -> tuple[dict[str, npt.NDArray[Any]], OnnxState]:
        """Run the step's graph for `k` candidates, with at least `places` slots a sentence; return what is wanted."""
        sources, sentences, slots = state.sources, state.sentences, state.slots
        if slots is None or places > slots.place_rows.shape[1]:
            first_rows, numbers, ranks = numbered(sentences)
            if 2 * len(first_rows) <= sources.count:  # those that nobody translates any more cost more than a copy
                sources, sentences = sources.select(sentences[first_rows]), numbers
            places = max(places, state.places, int(ranks.max()) + 1)
            slots = SlotAssignment.of(sentences, ranks, sources.count, places)

        for name, value in state.hidden.items():
            sources.binding.bind_ortvalue_input(name, value)
        sources.bind("last_tokens", np.ascontiguousarray(last_tokens))
        sources.bind("rows", state.rows)
        sources.bind("place_rows", slots.place_rows)
        sources.bind("row_places", slots.row_places)
        sources.bind("k", _number(k))
        sources.bind("required", slots.nothing if required is None else np.ascontiguousarray(required))
        sources.bind("more", _flag(not {"ids", "log_probs"}.issuperset(wanted)))
        sources.bind("everything", _flag("distribution" in wanted))
        sources.binding.clear_binding_outputs()
        for name in [f"next.{name}" for name in state.hidden] + wanted:  # what is not wanted is left out
            sources.binding.bind_output(name)
        self._step.run_with_iobinding(sources.binding)
        values = sources.binding.get_outputs()
        hidden = dict(zip(state.hidden, values, strict=False))
        found = {name: value.numpy() for name, value in zip(wanted, values[len(hidden) :], strict=True)}
        return found, OnnxState(sources, hidden, slots.rows, sentences, slots.place_rows.shape[1], slots)

    @property
    def sessions(self) -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession]:
        """The encoder's and the step's."""
        return self._encoder, self._step

    @property
    def metadata(self) -> list[dict[str, str]]:
        """What is written in each graph: the format of its inputs and outputs, and the hash of its weights."""
        return [session.get_modelmeta().custom_metadata_map for session in self.sessions]


@cache
def _register_memory() -> None:
    """Make the one place that graphs share where the process wants it (`process.shared_onnx_memory`)."""
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, None)


def session_options() -> onnxruntime.SessionOptions:
    """Return how the graphs are run: on one core, as they were optimised at export."""
    options = onnxruntime.SessionOptions()
    if onnx_memory_is_shared():
        _register_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # the rest was done at export
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.enable_mem_pattern = False  # the shapes change with every batch
    options.log_severity_level = 4  # what fails is raised
    return options


def _session(path: Path) -> onnxruntime.InferenceSession:
    try:
        with utf8_name(path.parent) as folder:
            file = f"{folder}/{path.name}"
            return onnxruntime.InferenceSession(file, session_options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base
        raise ModelFolderError(
            f"{path}: cannot be loaded ({str(error).splitlines()[0]}); copy the model folder again"
        ) from error


@cache
def _number(k: int) -> Ids:
    return np.array([k])


@cache
def _flag(value: bool) -> npt.NDArray[np.bool_]:
    return np.array(value)


def _value(array: npt.NDArray[Any]) -> OrtValue:
    return OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def _also_wanted(required: Ids | None, attention: bool) -> list[str]:
    return ["required_log_probs"] * (required is not None) + ["attention"] * attention


def _without(ids: Ids, log_probs: npt.NDArray[np.float32], banned: tuple[Ids, Ids], k: int) -> tuple[Ids, Any]:
    """Take banned pairs out of candidates that come best first, and keep the k best of each row that are left."""
    rows, tokens = banned
    found = ids[rows] == tokens[:, None]
    if not found.any():
        return ids[:, :k], log_probs[:, :k]
    pairs, columns = np.nonzero(found)
    gone = np.zeros(ids.shape, np.bool_)
    gone[rows[pairs], columns] = True
    order = np.argsort(gone, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(np.where(gone, -np.inf, log_probs), order, axis=1)
    return np.take_along_axis(ids, order, axis=1), kept
