"""From weights to the graphs that translate without torch: `runtime/<precision>/encoder.onnx` and `step.onnx`."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidProtobuf

from mtkit.lock import locked
from mtkit.model_folder import ModelFolder
from mtkit.runtime.onnx_export.network import GraphNetwork
from mtkit.runtime.onnx_export.products import Float32, Int8, Products
from mtkit.runtime.onnx_export.weights import read_weights
from mtkit.runtime.onnx_stepper import GRAPH_FORMAT
from mtkit.storage import new_folder, sha256, utf8_name

PRECISIONS: dict[str, Products] = {"float32": Float32(), "int8": Int8(), "int8-7bit": Int8(weight_levels=63)}


def export(folder: ModelFolder) -> Path:
    """Write the graphs of a model into its folder, one folder a precision, and return the folder of all of them.

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
    return target


def write_graphs(network: GraphNetwork, precision: str, folder: Path, digest: str) -> None:
    """Write the two graphs of one precision, and into them the hash of the weights they were made from."""
    folder.mkdir()
    products = PRECISIONS[precision]
    for name, graph in (("encoder", network.encoder(products)), ("step", network.step(products))):
        model = graph.model(name)
        model.metadata_props.add(key="format", value=GRAPH_FORMAT)
        model.metadata_props.add(key="weights", value=digest)
        # optimised here as far as holds on every processor, so that loading need not; the session is of no other use
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.log_severity_level = 3  # errors
        try:
            with utf8_name(folder) as place:
                options.optimized_model_filepath = f"{place}/{name}.onnx"
                onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except InvalidProtobuf as error:  # the graph is valid, but the disk did not take it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
