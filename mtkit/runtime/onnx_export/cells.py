"""Recurrent cells as graphs: one position of many rows, and whole sentences in a loop.

Legend: R rows, N sentences, S source positions, H width. Weights come under their names in model.safetensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtkit.runtime.onnx_export.graph import Graph
from mtkit.runtime.onnx_export.products import Matrix, Operand, Products

WeightShapes = dict[str, tuple[int, ...]]
"""The shape of each weight of a module, by its name within it."""

Parts = tuple[str, ...]
"""The values of a hidden state: (R, H) each, one for a GRU, two for an LSTM."""


@dataclass(frozen=True)
class Weights:
    """A model's weights, those of one module."""

    tensors: Mapping[str, Matrix]
    prefix: str = ""

    def __getitem__(self, name: str) -> Matrix:
        return self.tensors[self.prefix + name]

    def __contains__(self, name: str) -> bool:
        """Whether they hold a tensor of this name, or any of a module of this name."""
        path = self.prefix + name
        return any(held == path or held.startswith(f"{path}.") for held in self.tensors)

    def part(self, name: str) -> Weights:
        """Narrow them to a module: `weights.part("decoder.layers.0")["cell.bias_hh_l0"]`."""
        return Weights(self.tensors, f"{self.prefix}{name}.")


class CellGraph(ABC):
    """A recurrent cell. `step` goes one position further; `inputs` and `loop` are its two halves.

    Where the inputs of all positions are known, as in the encoder, their products are made at once by `inputs`, and
    the loop over the positions is left with the products of the state. Where they are not, `step` multiplies both by
    one matrix.
    """

    parts: int
    """Values in its hidden state; the first is its output."""
    gates: int
    """Rows of its matrices, in widths of the hidden state."""

    def __init__(self, products: Products, weights: Weights) -> None:
        self.products = products
        (self.input_weight, self.input_bias), (self.weight, self.bias) = self.read(weights)
        self.width = self.weight.shape[1]

    @classmethod
    def weight_shapes(cls, inputs: int, width: int) -> WeightShapes:
        """Return the shapes of the weights of a cell that reads `inputs` numbers and holds `width`."""
        rows = cls.gates * width
        return {
            "cell.weight_ih_l0": (rows, inputs),
            "cell.weight_hh_l0": (rows, width),
            "cell.bias_ih_l0": (rows,),
            "cell.bias_hh_l0": (rows,),
        }

    def read(self, weights: Weights) -> tuple[tuple[Matrix, Matrix], tuple[Matrix, Matrix]]:
        """Return weight and bias of the inputs, and those of the state: H rows a gate, in torch's order."""
        inputs = weights["cell.weight_ih_l0"], weights["cell.bias_ih_l0"]
        return inputs, (weights["cell.weight_hh_l0"], weights["cell.bias_hh_l0"])

    def start(self, graph: Graph, hidden: str) -> Parts:
        """Return the state that begins from a hidden vector; what else it holds starts at zero."""
        return hidden, *[graph.op("Mul", hidden, graph.constant(0.0, np.float32))] * (self.parts - 1)

    @abstractmethod
    def inputs(self, graph: Graph, operand: Operand) -> list[str]:
        """Return what the gates take from inputs (R, width)."""

    @abstractmethod
    def loop(self, graph: Graph, inputs: Sequence[str], state: Parts) -> Parts:
        """Return the state after a position, from what `inputs` gave for it."""

    @abstractmethod
    def step(self, graph: Graph, operands: Sequence[Operand], state: Parts) -> Parts:
        """Return the state after a position, from its inputs (R, widths)."""

    def operand(self, graph: Graph, hidden: str) -> Operand:
        """Prepare a hidden vector for products; it lies in (-1, 1)."""
        return self.products.operand(graph, hidden, 1.0, self.width)


class GruGraph(CellGraph):
    """See `mtkit.nn.recurrent.GRU`.

    h' = h + z' * (n - h), where the gate z' = 1 - z is computed as such: the logistic function of the negated sum.
    """

    parts, gates = 1, 3

    def __init__(self, products: Products, weights: Weights) -> None:
        super().__init__(products, weights)
        sign = np.ones((3 * self.width, 1), np.float32)
        sign[self.width : 2 * self.width] = -1  # torch's order is r, z, n
        self.input_weight, self.weight = sign * self.input_weight, sign * self.weight
        self.input_bias, self.bias = sign[:, 0] * self.input_bias, sign[:, 0] * self.bias
        self._gates, self._candidate = slice(2 * self.width), slice(2 * self.width, None)
        self._gate_bias = (self.input_bias + self.bias)[self._gates]

    def inputs(self, graph: Graph, operand: Operand) -> list[str]:
        """See `CellGraph`: for the gates (R, 2 H) and for the candidate (R, H)."""
        return [
            self.products.product(graph, [operand], self.input_weight[self._gates], self._gate_bias),
            self._candidate_inputs(graph, [operand]),
        ]

    def loop(self, graph: Graph, inputs: Sequence[str], state: Parts) -> Parts:
        """See `CellGraph`."""
        gates, candidate = inputs
        operand = self.operand(graph, state[0])
        recurrent = self.products.product(graph, [operand], self.weight[self._gates])
        return self._update(graph, graph.op("Add", gates, recurrent), candidate, operand, state[0])

    def step(self, graph: Graph, operands: Sequence[Operand], state: Parts) -> Parts:
        """See `CellGraph`."""
        operand = self.operand(graph, state[0])
        weight = np.hstack((self.input_weight, self.weight))[self._gates]
        gates = self.products.product(graph, [*operands, operand], weight, self._gate_bias)
        return self._update(graph, gates, self._candidate_inputs(graph, operands), operand, state[0])

    def _candidate_inputs(self, graph: Graph, operands: Sequence[Operand]) -> str:
        weight, bias = self.input_weight[self._candidate], self.input_bias[self._candidate]
        return self.products.product(graph, operands, weight, bias)

    def _update(self, graph: Graph, gates: str, candidate: str, operand: Operand, hidden: str) -> Parts:
        reset, update = graph.split(graph.op("Sigmoid", gates), self.width, self.width)
        recurrent = self._candidate_state(graph, reset, operand, hidden)
        candidate = graph.op("Tanh", graph.op("Add", candidate, recurrent))
        change = graph.op("Mul", update, graph.op("Sub", candidate, hidden))
        return (graph.op("Add", hidden, change),)

    def _candidate_state(self, graph: Graph, reset: str, operand: Operand, hidden: str) -> str:
        weight, bias = self.weight[self._candidate], self.bias[self._candidate]
        return graph.op("Mul", reset, self.products.product(graph, [operand], weight, bias))


class OriginalGruGraph(GruGraph):
    """See `mtkit.nn.recurrent.OriginalGRU`: a GRU whose candidate multiplies the state after its reset."""

    @classmethod
    def weight_shapes(cls, inputs: int, width: int) -> WeightShapes:
        """See `CellGraph`."""
        return {
            "inputs.weight": (cls.gates * width, inputs),
            "inputs.bias": (cls.gates * width,),
            "gates.weight": (2 * width, width),
            "candidate.weight": (width, width),
        }

    def read(self, weights: Weights) -> tuple[tuple[Matrix, Matrix], tuple[Matrix, Matrix]]:
        """See `CellGraph`; the state has no bias of its own."""
        weight = np.vstack((weights["gates.weight"], weights["candidate.weight"]))
        return (weights["inputs.weight"], weights["inputs.bias"]), (weight, np.zeros(len(weight), np.float32))

    def _candidate_state(self, graph: Graph, reset: str, operand: Operand, hidden: str) -> str:
        remembered = self.operand(graph, graph.op("Mul", reset, hidden))
        return self.products.product(graph, [remembered], self.weight[self._candidate])


class LstmGraph(CellGraph):
    """See `mtkit.nn.recurrent.LSTM`."""

    parts, gates = 2, 4

    def inputs(self, graph: Graph, operand: Operand) -> list[str]:
        """See `CellGraph`: for all four gates together (R, 4 H)."""
        return [self.products.product(graph, [operand], self.input_weight, self.input_bias + self.bias)]

    def loop(self, graph: Graph, inputs: Sequence[str], state: Parts) -> Parts:
        """See `CellGraph`."""
        recurrent = self.products.product(graph, [self.operand(graph, state[0])], self.weight)
        return self._update(graph, graph.op("Add", inputs[0], recurrent), state[1])

    def step(self, graph: Graph, operands: Sequence[Operand], state: Parts) -> Parts:
        """See `CellGraph`."""
        operands = [*operands, self.operand(graph, state[0])]
        weight, bias = np.hstack((self.input_weight, self.weight)), self.input_bias + self.bias
        return self._update(graph, self.products.product(graph, operands, weight, bias), state[1])

    def _update(self, graph: Graph, gates: str, memory: str) -> Parts:
        enter, forget, candidate, leave = graph.split(gates, *[self.width] * 4)  # torch's order is i, f, g, o
        kept = graph.op("Mul", graph.op("Sigmoid", forget), memory)
        added = graph.op("Mul", graph.op("Sigmoid", enter), graph.op("Tanh", candidate))
        memory = graph.op("Add", kept, added)
        return graph.op("Mul", graph.op("Sigmoid", leave), graph.op("Tanh", memory)), memory


CELL_GRAPHS: dict[str, type[CellGraph]] = {"gru": GruGraph, "lstm": LstmGraph, "gru-original": OriginalGruGraph}


@dataclass(frozen=True)
class Positions:
    """Where N sentences are real, and where they end."""

    real: str
    """(S, N, 1), 1 and 0 at padding."""
    last: str
    """(N, 2), position and number of each sentence's last token."""


def encoder_layer(
    graph: Graph, kind: str, products: Products, weights: Weights, inputs: Operand, positions: Positions, rows: str = ""
) -> tuple[str, str]:
    """Run a layer of the encoder over whole sentences; see `mtkit.nn.recurrent.SequenceLayer`.

    The products of the inputs are made at once. A loop then goes over the positions, the backward direction beside the
    forward one. At padding the backward state is zero, so that it enters each sentence at its end with the zeros it
    began from; the forward state wanders on, and its outputs there mean nothing.

    Args:
        graph: where to build it.
        kind: name of the cell.
        products: how to multiply.
        weights: those of the layer.
        inputs: (S * N, width), position by position, or (U, width).
        positions: of the sentences.
        rows: (S, N), where positions share rows of the inputs: which one each reads.

    Returns:
        The outputs (S, N, H), and the final hidden vectors (N, H).
    """
    names = ["forwards", "backwards"] if "backwards" in weights else ["forwards"]
    cells = [CELL_GRAPHS[kind](products, weights.part(name)) for name in names]
    by_position = graph.op("Concat", graph.op("Shape", positions.real, end=2), graph.constant([-1], np.int64), axis=0)
    sentences = graph.op("Shape", positions.real, start=1, end=2)

    body = Graph(graph)
    states = [
        tuple(body.input(body.fresh(), np.float32, ["N", cell.width]) for _ in range(cell.parts)) for cell in cells
    ]
    starts, scanned, directions, after = [], [], [], []
    for direction, (cell, state) in enumerate(zip(cells, states, strict=True)):  # 0 is forward for Scan, 1 backward
        shape = graph.op("Concat", sentences, graph.constant([cell.width], np.int64), axis=0)
        starts += [graph.op("Expand", graph.constant(0.0, np.float32), shape)] * cell.parts
        terms = cell.inputs(graph, inputs)
        if rows:  # taken where they are needed: all of them at once would go through memory twice
            scanned.append(rows)
            directions.append(direction)
            here = body.input(body.fresh(), np.int64, ["N"])
            terms = [body.op("Gather", term, here) for term in terms]
        else:
            scanned += [graph.op("Reshape", term, by_position) for term in terms]
            directions += [direction] * len(terms)
            terms = [body.input(body.fresh(), np.float32, ["N", "terms"]) for _ in terms]
        new = cell.loop(body, terms, state)
        if direction:
            scanned.append(positions.real)
            directions.append(direction)
            real = body.input(body.fresh(), np.float32, ["N", 1])
            new = tuple(body.op("Mul", part, real) for part in new)
        after.append(new)
    for parts in (*after, [parts[0] for parts in after]):  # the states that go on, then the outputs
        for part in parts:
            body.output(part, np.float32, ["N", cells[0].width])
    results = graph.ops(
        "Scan",
        *starts,
        *scanned,
        count=len(starts) + len(cells),
        body=body.proto("position"),
        num_scan_inputs=len(scanned),
        scan_input_directions=directions,
        scan_output_directions=list(range(len(cells))),
    )
    outputs = results[len(starts) :]
    final = graph.op("GatherND", outputs[0], positions.last)
    if len(cells) == 1:
        return outputs[0], final
    return graph.op("Concat", *outputs, axis=2), graph.op("Concat", final, results[cells[0].parts], axis=1)
