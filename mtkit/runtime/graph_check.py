"""Whether two graphs are the encoder and the step of one model: what they take and give fits, and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from mtkit.settings import NetworkSettings

Shapes = dict[str, tuple[int | str, ...]]

ENCODER_TAKES = {"pieces": 1, "src": 2, "src_lengths": 1}
STEP_TAKES = {
    "last_tokens": 1, "rows": 1, "place_rows": 2, "row_places": 1, "k": 1, "required": 1, "more": 0, "everything": 0
}  # fmt: skip
STEP_GIVES = {"ids": 2, "log_probs": 2, "required_log_probs": 1, "attention": 2, "distribution": 2}
"""The number of dimensions of each value, but for what the encoder makes for the step."""


class Value(Protocol):
    """An input or an output, as ONNX Runtime describes it."""

    name: str
    shape: list[int | str]


class Session(Protocol):
    """The part of ONNX Runtime's sessions that describes inputs and outputs."""

    def get_inputs(self) -> Iterable[Value]:
        """Return the inputs."""
        ...

    def get_outputs(self) -> Iterable[Value]:
        """Return the outputs."""
        ...


def misfit(encoder: Session, step: Session, network: NetworkSettings) -> str | None:
    """Return what does not fit, in words, or None where all does."""
    takes, gives = _shapes(encoder.get_inputs()), _shapes(encoder.get_outputs())
    step_takes, step_gives = _shapes(step.get_inputs()), _shapes(step.get_outputs())
    handed_on = {name: shape for name, shape in step_takes.items() if name.startswith(("source.", "hidden."))}
    if reason := _differs("the encoder takes", takes, ENCODER_TAKES):
        return reason
    if reason := _differs("the step takes", {**step_takes}, {**STEP_TAKES, **_ranks(gives)}):
        return reason
    goes_on = {f"next.{name}": len(shape) for name, shape in handed_on.items() if name.startswith("hidden.")}
    if reason := _differs("the step gives", step_gives, {**STEP_GIVES, **goes_on}):
        return reason
    for name, shape in handed_on.items():
        if _numbers(shape) != _numbers(gives[name]):
            return f"the encoder gives {name} in the shape {list(gives[name])}, the step takes {list(shape)}"
    return _unlike_settings(handed_on, network)


def _unlike_settings(handed_on: Shapes, network: NetworkSettings) -> str | None:
    layers = {name.split(".")[1] for name in handed_on if name.startswith("hidden.")}
    if layers != {str(depth) for depth in range(network.decoder_layers)}:
        return f"the decoder has {len(layers)} layers, and decoder_layers is {network.decoder_layers}"
    widths = {shape[-1] for name, shape in handed_on.items() if name.startswith("hidden.")}
    if widths != {network.hidden_size}:
        return f"hidden states are {min(widths, key=str)} wide, and hidden_size is {network.hidden_size}"
    words = handed_on.get("source.words")
    if (words is not None) != network.has_lexicon:
        return f"there is {'a' if words else 'no'} lexicon, and lexical is {str(network.lexical).lower()}"
    if words is not None and words[-1] != network.embedding_size:
        return f"embeddings are {words[-1]} wide, and embedding_size is {network.embedding_size}"
    return None


def _shapes(values: Iterable[Value]) -> Shapes:
    return {value.name: tuple(value.shape) for value in values}


def _ranks(shapes: Shapes) -> dict[str, int]:
    return {name: len(shape) for name, shape in shapes.items()}


def _differs(what: str, found: Shapes, ranks: Mapping[str, int]) -> str | None:
    for name in sorted(found.keys() ^ ranks.keys()):
        return f"{what} {'' if name in found else 'no '}{name}"
    for name, rank in ranks.items():
        if len(found[name]) != rank:
            return f"{what} {name} in {len(found[name])} dimensions, not {rank}"
    return None


def _numbers(shape: tuple[int | str, ...]) -> list[int | None]:
    """Return the dimensions that are fixed; names for the others mean nothing outside of a graph."""
    return [size if isinstance(size, int) else None for size in shape]
