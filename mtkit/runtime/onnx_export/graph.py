"""ONNX graphs under construction: every call adds a node and returns the names of its outputs.

graph = Graph()
x = graph.input("x", np.float32, ["rows", 4])
graph.output(graph.op("Tanh", x), np.float32, ["rows", 4], name="y")
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Shape = Sequence[int | str]
"""Numbers, and names for what a run decides."""

OPSET = 21
CONTRIB = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""


class Graph:
    """A graph, or the body of a loop inside one; bodies see the names of the graphs around them."""

    def __init__(self, outer: Graph | None = None) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        # constants live in the outermost graph, where ONNX Runtime packs the matrices among them once
        self._root: Graph = outer._root if outer else self
        self._constants: dict[tuple[str, bytes], tuple[str, onnx.TensorProto]] = {}
        self._names = 0
        self._renamed: dict[str, str] = {}  # output names and the values they stand for

    def input(self, name: str, dtype: npt.DTypeLike, shape: Shape) -> str:
        """Declare an input."""
        self.inputs.append(_info(name, dtype, shape))
        return name

    def output(self, value: str, dtype: npt.DTypeLike, shape: Shape, *, name: str = "") -> None:
        """Make a value that a node of this graph gives an output, under a name of its own where one is asked for."""
        if any(value in (output.name, self._renamed.get(output.name)) for output in self.outputs):
            value = self.op("Identity", value)
        if name:
            self._renamed[name] = value
        self.outputs.append(_info(name or value, dtype, shape))

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> str:
        """Return the name of a constant; equal ones are kept once."""
        array = np.ascontiguousarray(np.asarray(value, dtype))
        array = array.reshape(np.shape(value))  # ascontiguousarray gives a number one dimension
        key = repr((array.dtype, array.shape)), sha256(array.reshape(-1).view(np.uint8).data).digest()
        if key not in self._root._constants:
            name = f"constant{len(self._root._constants)}"
            self._root._constants[key] = name, numpy_helper.from_array(array, name)
        return self._root._constants[key][0]

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; an empty name stands for an optional input that is not given."""
        (output,) = self.ops(kind, *inputs, count=1, domain=domain, **attributes)
        return output

    def ops(self, kind: str, *inputs: str, count: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with `count` outputs."""
        outputs = [self.fresh() for _ in range(count)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs

    def fresh(self) -> str:
        """Return a name that nothing has yet."""
        self._root._names += 1
        return f"value{self._root._names}"

    def reshape(self, value: str, *shape: int) -> str:
        """Give a value another shape: 0 keeps the dimension in that place, -1 is what is left."""
        return self.op("Reshape", value, self.constant(shape, np.int64))

    def split(self, value: str, *sizes: int) -> list[str]:
        """Cut a value along its last dimension."""
        return self.ops("Split", value, self.constant(sizes, np.int64), count=len(sizes), axis=-1)

    def proto(self, name: str) -> onnx.GraphProto:
        """Return the finished graph, without the constants."""
        names = {value: name for name, value in self._renamed.items()}
        for node in self.nodes:  # renamed rather than copied: an Identity in front of an output is a copy
            node.input[:] = [names.get(value, value) for value in node.input]
            node.output[:] = [names.get(value, value) for value in node.output]
        return helper.make_graph(self.nodes, name, self.inputs, self.outputs)

    def model(self, name: str) -> onnx.ModelProto:
        """Return the finished graph as a model, and give up its constants: they may fill the memory."""
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(self.proto(name), opset_imports=opsets, ir_version=10, producer_name="mtkit")
        while self._constants:
            _, tensor = self._constants.pop(next(iter(self._constants)))
            model.graph.initializer.append(tensor)  # a copy
        return model


def _info(name: str, dtype: npt.DTypeLike, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), list(shape))
