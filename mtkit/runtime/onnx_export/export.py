"""From weights to the graphs that translate without torch: `runtime/<precision>/encoder.onnx` and `step.onnx`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import onnx
import onnxruntime

from mtkit.lock import locked
from mtkit.model_folder import ModelFolder
from mtkit.runtime.onnx_export.network import GraphNetwork
from mtkit.runtime.onnx_export.products import Float32, Int8, Products
from mtkit.runtime.onnx_export.weights import read_weights
from mtkit.runtime.onnx_stepper import GRAPH_FORMAT
from mtkit.storage import new_folder, sha256, utf8_name

PRECISIONS: dict[str, Products] = {"float32": Float32(), "int8": Int8(), "int8-7bit": Int8(weight_levels=63)}

INSIDE = 2_000_000_000
"""Most bytes of constants in a graph's own file, which as a protocol buffer has 2 GiB at most. Those of a larger graph,
as the float32 one of 629 million weights is, lie in a file beside it, `step.onnx.data`."""

_EXTERNAL = "session.optimized_model_external_initializers_"
_SMALL = 1024
"""Constants of fewer bytes stay in the graph's own file always."""


def export(folder: ModelFolder) -> Path:
    """Write the graphs of a model into its folder, one folder a precision, and return the folder of all of them.

    Their hashes go into config.json, last: between a kill and the next export there are none.

    Raises:
        ModelFolderError: there are no weights, they cannot be read, or do not fit the settings.
        OutputError: the disk is full, or cannot be written, or somebody else writes the folder.
    """
    target = folder.path / "runtime"
    with locked(folder.path):
        network = GraphNetwork(folder.config.network, read_weights(folder))
        digest = sha256(folder.weights)
        with new_folder(target) as draft:
            for name in PRECISIONS:
                write_graphs(network, name, draft / name, digest)
            hashes = {str(file.relative_to(draft)): sha256(file) for file in sorted(draft.rglob("*.onnx*"))}
            if folder.config.graphs:
                folder = folder.with_graphs({})
        folder.with_graphs(hashes)
    return target


def write_graphs(network: GraphNetwork, precision: str, folder: Path, digest: str) -> None:
    """Write the two graphs of one precision, and into them the hash of the weights they were made from."""
    folder.mkdir()
    products = PRECISIONS[precision]
    for name, graph in (("encoder", network.encoder(products)), ("step", network.step(products))):
        model = graph.model(name)
        model.metadata_props.add(key="format", value=GRAPH_FORMAT)
        model.metadata_props.add(key="weights", value=digest)
        _write(model, folder / f"{name}.onnx")


def _write(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph, optimised here as far as holds on every processor, so that loading need not."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4  # what fails is raised; the session is of no other use
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    draft = path.with_suffix(".draft")
    try:
        with utf8_name(path.parent) as place:
            options.optimized_model_filepath = f"{place}/{path.name}"
            source: bytes | str
            if size <= INSIDE:
                source = model.SerializeToString()
            else:
                draft.mkdir()
                source = f"{place}/{draft.name}/graph"
                onnx.save_model(model, source, save_as_external_data=True, size_threshold=_SMALL)
                options.add_session_config_entry(f"{_EXTERNAL}file_name", f"{path.name}.data")
                options.add_session_config_entry(f"{_EXTERNAL}min_size_in_bytes", str(_SMALL))
            onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception:  # of a disk that takes no more, ONNX Runtime says that the graph is not valid
        _probe(path.with_suffix(".probe"), size)
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _probe(path: Path, size: int) -> None:
    """Raise the operating system's error where it would not let a file of this size be written."""
    block = bytes(1 << 20)
    try:
        with path.open("wb") as file:
            for start in range(0, size, len(block)):
                file.write(block[: size - start])
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)
