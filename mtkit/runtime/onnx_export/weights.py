"""The weights that graphs are made from: all that the settings ask for, under their names and in their shapes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mtkit.errors import ModelFolderError
from mtkit.model_folder import ModelFolder
from mtkit.runtime.onnx_export.attention import ATTENTION_GRAPHS
from mtkit.runtime.onnx_export.cells import CELL_GRAPHS, WeightShapes
from mtkit.runtime.onnx_export.products import Matrix
from mtkit.settings import NetworkSettings
from mtkit.storage import fault


def read_weights(folder: ModelFolder) -> dict[str, Matrix]:
    """Return the weights of a model by name.

    Raises:
        ModelFolderError: there are none, they cannot be read, or they are not those of the settings: each is there,
            in its shape, finite, and nothing else is.
    """
    path, config = folder.weights, folder.config
    try:
        tensors: dict[str, Matrix] = load_file(path)
    except (OSError, SafetensorError, TypeError) as error:  # TypeError: a number format that NumPy does not have
        wrong = fault(path, f"cannot be read as weights ({error}); copy the model folder again")
        raise ModelFolderError(f"{path}: {wrong}") from error
    expected = weight_shapes(config.network, config.src_vocab_size, config.tgt_vocab_size)
    for name in sorted(expected.keys() ^ tensors.keys()):
        place = "is missing from the file" if name in expected else "is not part of the network"
        raise ModelFolderError(f"{path}: does not fit config.json: {name} {place}")
    for name, shape in expected.items():
        tensor = tensors[name]
        if tensor.shape != shape:
            raise ModelFolderError(
                f"{path}: does not fit config.json: {name} has shape {list(tensor.shape)}, the settings ask for "
                f"{list(shape)}"
            )
        if tensor.dtype != np.float32:
            raise ModelFolderError(f"{path}: {name} is stored as {tensor.dtype}, and weights are float32")
        if not np.isfinite(tensor).all():
            raise ModelFolderError(f"{path}: {name} is not finite; the training that wrote it diverged")
    return tensors


def weight_shapes(settings: NetworkSettings, src_vocab_size: int, tgt_vocab_size: int) -> WeightShapes:
    """Return the shape of every weight of a network by its name; a table that is used twice has its first name."""
    shapes: WeightShapes = {"src_embedding.weight": (src_vocab_size, settings.embedding_size)}
    if settings.tied_embeddings != "all":
        shapes["tgt_embedding.weight"] = (tgt_vocab_size, settings.embedding_size)
    shapes |= dict(_encoder(settings)) | dict(_decoder(settings))
    if settings.tied_embeddings == "none":
        shapes["output.weight"] = (tgt_vocab_size, settings.embedding_size)
    return shapes | {"output.bias": (tgt_vocab_size,)}


def count_weights(settings: NetworkSettings, src_vocab_size: int, tgt_vocab_size: int) -> int:
    """Return how many weights a network has, which costs nothing to find out before there is one."""
    return sum(map(prod, weight_shapes(settings, src_vocab_size, tgt_vocab_size).values()))


def _encoder(settings: NetworkSettings) -> Iterator[tuple[str, tuple[int, ...]]]:
    cell, hidden = CELL_GRAPHS[settings.cell], settings.hidden_size
    directions = ("forwards", "backwards") if settings.bidirectional else ("forwards",)
    for depth in range(settings.encoder_layers):
        inputs = hidden if depth else settings.embedding_size
        for direction in directions:
            shapes = cell.weight_shapes(inputs, hidden // len(directions))
            yield from _named(f"encoder.layers.{depth}.{direction}", shapes)


def _decoder(settings: NetworkSettings) -> Iterator[tuple[str, tuple[int, ...]]]:
    cell, attention = CELL_GRAPHS[settings.cell], ATTENTION_GRAPHS[settings.attention]
    hidden, embedding = settings.hidden_size, settings.embedding_size
    yield from _named("decoder.attention", attention.weight_shapes(hidden, settings.attention_heads))
    for depth in range(settings.decoder_layers):
        if settings.bidirectional or settings.encoder_layers != settings.decoder_layers:
            yield from _named(f"decoder.bridge.maps.{depth}.0", {"weight": (hidden, hidden), "bias": (hidden,)})
        # a context that needs no query feeds the first layer, one that does those above it
        inputs = hidden if depth else embedding
        inputs += hidden * ((depth > 0) == attention.needs_query)
        yield from _named(f"decoder.layers.{depth}", cell.weight_shapes(inputs, hidden))
    yield from _named("decoder.readout", {"weight": (embedding, 2 * hidden), "bias": (embedding,)})
    if settings.has_lexicon:
        yield from _named("decoder.lexicon.linear", {"weight": (embedding, embedding), "bias": (embedding,)})


def _named(module: str, shapes: WeightShapes) -> Iterator[tuple[str, tuple[int, ...]]]:
    return ((f"{module}.{name}", shape) for name, shape in shapes.items())
