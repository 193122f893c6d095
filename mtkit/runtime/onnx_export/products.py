"""Matrix products in the graphs: in float32, or in int8 with scales that are constants of the model.

Whatever enters a product of a recurrent network is bounded by its construction: hidden states and readouts by 1, sums
of residuals by the number of their terms, contexts by the memory they are averages of, embeddings by their table. So
int8 needs no calibration and no look at the batch, and integer sums being exact, no row changes another one's product.
A sum of many residuals keeps a loose bound, which costs precision: on random weights 0.2 nats at 4 layers, 0.4 at 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from mtkit.runtime.onnx_export.graph import CONTRIB, Graph

Matrix = NDArray[np.float32]

LEVELS = 127
"""Steps from zero to a bound: activations are stored as 128 + round(LEVELS * x / bound), so in 1 to 255."""


FOLDED = 2**25
"""Most bytes of a table of products: 8,000 pieces of a GRU with 700 units. It takes the place of a matrix a twentieth
of its size, and of its product and quantisation at every step."""


@dataclass(frozen=True)
class Operand:
    """A value (rows, width) in the form that products take it in, and the bound it is known to keep."""

    value: str
    bound: float
    width: int


@dataclass(frozen=True)
class Embedded(Operand):
    """Rows of a table (V, width), of which `value` holds the ids: their products can be looked up as well."""

    table: Matrix


class Products(Protocol):
    """How a graph multiplies by the weights of a model."""

    def operand(self, graph: Graph, value: str, bound: float, width: int) -> Operand:
        """Prepare a float32 value (rows, width) within [-bound, bound] for any number of products."""
        ...

    def embedded(self, graph: Graph, table: Matrix, ids: str, out: int) -> Operand:
        """Look ids (rows,) up in a table (V, E), for products of `out` columns in all."""
        ...

    def rows(self, graph: Graph, table: Matrix, ids: str) -> str:
        """Look ids (any shape) up in a table (V, E), in float32."""
        ...

    def product(self, graph: Graph, operands: Sequence[Operand], weight: Matrix, bias: Matrix | None = None) -> str:
        """Return [operands] W^T + b (rows, out) in float32, for a weight (out, sum of widths) and a bias (out,)."""
        ...


class Float32:
    """Products in float32."""

    def operand(self, graph: Graph, value: str, bound: float, width: int) -> Operand:
        """See `Products`."""
        return Operand(value, bound, width)

    def embedded(self, graph: Graph, table: Matrix, ids: str, out: int) -> Operand:
        """See `Products`."""
        return Operand(self.rows(graph, table, ids), float(np.abs(table).max()), table.shape[1])

    def rows(self, graph: Graph, table: Matrix, ids: str) -> str:
        """See `Products`."""
        return graph.op("Gather", graph.constant(table), ids)

    def product(self, graph: Graph, operands: Sequence[Operand], weight: Matrix, bias: Matrix | None = None) -> str:
        """See `Products`."""
        terms = [_joined(graph, operands), graph.constant(weight.T)]
        return graph.op("MatMul", *terms) if bias is None else graph.op("Gemm", *terms, graph.constant(bias))


@dataclass(frozen=True)
class Int8:
    """Products of 8-bit integers, with one constant scale an operand and one an output channel.

    `weight_levels` below 127 are for processors whose instructions add pairs of products in 16 bits, where
    2 * 255 * 127 would saturate and 2 * 255 * 63 cannot.
    """

    weight_levels: int = 127

    def operand(self, graph: Graph, value: str, bound: float, width: int) -> Operand:
        """See `Products`."""
        scale, zero = graph.constant(bound / LEVELS, np.float32), graph.constant(128, np.uint8)
        return Operand(graph.op("QuantizeLinear", value, scale, zero), bound, width)

    def embedded(self, graph: Graph, table: Matrix, ids: str, out: int) -> Operand:
        """See `Products`; the products are a table in 16 bits, or where that would be large, the embeddings in 8."""
        bound = float(np.abs(table).max())
        if len(table) * out * 2 <= FOLDED:
            return Embedded(ids, bound, table.shape[1], table)
        quantised = (128 + np.round(table * (LEVELS / bound))).astype(np.uint8)
        return Operand(graph.op("Gather", graph.constant(quantised), ids), bound, table.shape[1])

    def rows(self, graph: Graph, table: Matrix, ids: str) -> str:
        """See `Products`; the table has 16 bits."""
        return graph.op("Cast", graph.op("Gather", graph.constant(table, np.float16), ids), to=onnx.TensorProto.FLOAT)

    def product(self, graph: Graph, operands: Sequence[Operand], weight: Matrix, bias: Matrix | None = None) -> str:
        """See `Products`; the operands' bounds go into the weights, so that one scale serves all of them."""
        first, *others = operands
        if isinstance(first, Embedded):
            table = first.table @ weight[:, : first.width].T + (0 if bias is None else bias)
            looked_up = self.rows(graph, table, first.value)
            if not others:
                return looked_up
            return graph.op("Add", looked_up, self.product(graph, others, weight[:, first.width :]))
        bounds = np.concatenate([np.full(operand.width, operand.bound, np.float32) for operand in operands])
        scaled = weight * bounds
        scales = np.maximum(np.abs(scaled).max(axis=1), np.finfo(np.float32).tiny) / self.weight_levels
        quantised = np.round(scaled / scales[:, None]).astype(np.int8)
        return graph.op(
            "MatMulIntegerToFloat",
            _joined(graph, operands),
            graph.constant(quantised.T),
            graph.constant(1 / LEVELS, np.float32),
            graph.constant(scales, np.float32),
            graph.constant(128, np.uint8),
            *([] if bias is None else ["", graph.constant(bias, np.float32)]),
            domain=CONTRIB,
        )


def _joined(graph: Graph, operands: Sequence[Operand]) -> str:
    values = [operand.value for operand in operands]
    return values[0] if len(values) == 1 else graph.op("Concat", *values, axis=1)
