"""Attentions as graphs. The encoder's graph binds to a source once; the step's graph looks at it again and again.

Legend: N sentences, S source positions, R rows (hypotheses), K places of a sentence, H width of queries and memory.

Rows of one sentence share its memory: their queries go to the places of that sentence, (N, K, H), and the contexts
come back, so that no row ever holds a copy of the memory. All of this is float32, whose last bits can depend on the
shapes of a product: K is fixed (`OnnxStepper`), and only sentences of one width S meet (`translation.batching`),
so that no neighbour changes a bit of a context.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from mtkit.runtime.onnx_export.cells import Weights, WeightShapes
from mtkit.runtime.onnx_export.graph import CONTRIB, Graph, Shape
from mtkit.runtime.onnx_export.products import Operand, Products


@dataclass(frozen=True)
class Memory:
    """What the encoder made of N sentences: (N, S, H), as a value and as an operand."""

    value: str
    operand: Operand
    final: str
    """The last layer's final hidden vectors, (N, H)."""


@dataclass(frozen=True)
class Places:
    """Where the rows of a step sit: `rows` (N, K) at each place, any row where there is none; `places` (R,) of each."""

    rows: str
    places: str


class AttentionGraph(ABC):
    """Base of all attentions. `project` names what `attend` finds again under the same names."""

    needs_query = True
    """As in `mtkit.nn.attention`: False where the context is known before the decoder's first layer has run."""

    def __init__(self, products: Products, weights: Weights, width: int, heads: int) -> None:
        self.products, self.weights = products, weights
        self.width, self.heads, self.head_width = width, heads, width // heads

    @classmethod
    def weight_shapes(cls, width: int, heads: int) -> WeightShapes:
        """Return the shapes of its weights, of which this one has none."""
        return {}

    @abstractmethod
    def shapes(self) -> dict[str, Shape]:
        """Return the shapes of what `project` gives, by name."""

    @abstractmethod
    def project(self, graph: Graph, memory: Memory) -> dict[str, str]:
        """Bind to N sources: values by name, N first in their shapes."""

    @abstractmethod
    def attend(self, graph: Graph, query: str, source: dict[str, str], padding: str, places: Places) -> tuple[str, str]:
        """Return contexts (R, H) of queries (R, H), and weights (N, K, S), the mean over heads.

        `padding` (N, 1, S) is 0, and -inf at padding.
        """


class FixedContextGraph(AttentionGraph):
    """See `mtkit.nn.attention.FixedContext`."""

    needs_query = False

    def shapes(self) -> dict[str, Shape]:
        """See `AttentionGraph`."""
        return {"source.context": ["N", self.width]}

    def project(self, graph: Graph, memory: Memory) -> dict[str, str]:
        """See `AttentionGraph`."""
        return {"source.context": memory.final}

    def attend(self, graph: Graph, query: str, source: dict[str, str], padding: str, places: Places) -> tuple[str, str]:
        """See `AttentionGraph`; the weights are uniform over the sentence."""
        sentences = graph.op("Div", places.places, graph.op("Shape", places.rows, start=1, end=2))
        shape = graph.op("Concat", graph.op("Shape", places.rows), graph.op("Shape", padding, start=2), axis=0)
        weights = graph.op("Expand", graph.op("Softmax", padding, axis=2), shape)
        return graph.op("Gather", source["source.context"], sentences), weights


class ScoredAttentionGraph(AttentionGraph):
    """Softmax over scores of each head, whose values are slices of the memory.

    With several heads, values (N, S, H) are held as (N, heads, S, H / heads).
    """

    @abstractmethod
    def keys(self, graph: Graph, memory: Memory) -> str:
        """Return the keys, in the form that `scores` wants."""

    @abstractmethod
    def scores(self, graph: Graph, query: str, keys: str, places: Places) -> str:
        """Return the scores of queries (R, H): (N, K, S), or (N, heads, K, S) of several heads."""

    def shapes(self) -> dict[str, Shape]:
        """See `AttentionGraph`."""
        return {"source.memory": self.shape_by_head(), "source.keys": self.key_shape()}

    def key_shape(self) -> Shape:
        """Return the shape of the keys."""
        return self.shape_by_head()

    def shape_by_head(self) -> Shape:
        """Return the shape of what `by_head` gives of (N, S, H)."""
        return ["N", "S", self.width] if self.heads == 1 else ["N", self.heads, "S", self.head_width]

    def by_head(self, graph: Graph, value: str) -> str:
        """Part (N, any, H) by heads, where there are several: (N, heads, any, H / heads)."""
        if self.heads == 1:
            return value
        value = graph.reshape(value, 0, 0, self.heads, self.head_width)
        return graph.op("Transpose", value, perm=[0, 2, 1, 3])

    def project(self, graph: Graph, memory: Memory) -> dict[str, str]:
        """See `AttentionGraph`."""
        return {"source.memory": self.by_head(graph, memory.value), "source.keys": self.keys(graph, memory)}

    def attend(self, graph: Graph, query: str, source: dict[str, str], padding: str, places: Places) -> tuple[str, str]:
        """See `AttentionGraph`."""
        if self.heads > 1:
            padding = graph.op("Unsqueeze", padding, graph.constant([1]))
        scores = graph.op("Add", self.scores(graph, query, source["source.keys"], places), padding)
        weights = graph.op("Softmax", scores, axis=-1)
        context = graph.op("MatMul", weights, source["source.memory"])  # (N, [heads,] K, H / heads)
        if self.heads > 1:
            context = graph.op("Transpose", context, perm=[0, 2, 1, 3])
            weights = graph.op("ReduceMean", weights, graph.constant([1]), keepdims=0)
        # (N, K, H) as (N * K, H), from which each row takes its own
        return graph.op("Gather", graph.reshape(context, -1, self.width), places.places), weights


class DotAttentionGraph(ScoredAttentionGraph):
    """See `mtkit.nn.attention.DotAttention`; the scale is in the keys."""

    def keys(self, graph: Graph, memory: Memory) -> str:
        """See `ScoredAttentionGraph`."""
        scale = graph.constant(1 / math.sqrt(self.head_width), np.float32)
        return self.by_head(graph, graph.op("Mul", memory.value, scale))

    def scores(self, graph: Graph, query: str, keys: str, places: Places) -> str:
        """See `ScoredAttentionGraph`."""
        query = self.by_head(graph, graph.op("Gather", query, places.rows))  # (N, [heads,] K, H / heads)
        return graph.op("FusedMatMul", query, keys, transB=1, domain=CONTRIB)


class GeneralAttentionGraph(DotAttentionGraph):
    """See `mtkit.nn.attention.GeneralAttention`."""

    @classmethod
    def weight_shapes(cls, width: int, heads: int) -> WeightShapes:
        """See `AttentionGraph`."""
        return {"key.weight": (width, width)}

    def keys(self, graph: Graph, memory: Memory) -> str:
        """See `ScoredAttentionGraph`."""
        weight = self.weights["key.weight"] / np.float32(math.sqrt(self.head_width))
        return self.by_head(graph, self.products.product(graph, [memory.operand], weight))


class AdditiveAttentionGraph(ScoredAttentionGraph):
    """See `mtkit.nn.attention.AdditiveAttention`."""

    @classmethod
    def weight_shapes(cls, width: int, heads: int) -> WeightShapes:
        """See `AttentionGraph`."""
        return {
            "vector": (heads, width // heads),
            "query.weight": (width, width),
            "query.bias": (width,),
            "key.weight": (width, width),
        }

    def key_shape(self) -> Shape:
        """See `ScoredAttentionGraph`."""
        return ["N", 1, "S", self.width]

    def keys(self, graph: Graph, memory: Memory) -> str:
        """See `ScoredAttentionGraph`."""
        keys = self.products.product(graph, [memory.operand], self.weights["key.weight"])
        return graph.op("Unsqueeze", keys, graph.constant([1]))

    def scores(self, graph: Graph, query: str, keys: str, places: Places) -> str:
        """See `ScoredAttentionGraph`."""
        operand = self.products.operand(graph, query, 1.0, self.width)
        query = self.products.product(graph, [operand], self.weights["query.weight"], self.weights["query.bias"])
        query = graph.op("Unsqueeze", graph.op("Gather", query, places.rows), graph.constant([2]))
        table = graph.op("Tanh", graph.op("Add", query, keys))  # (N, K, S, H)
        vector = self.weights["vector"]  # (heads, H / heads), each head's slice of the table
        columns = np.zeros((self.width, self.heads), np.float32)
        for head in range(self.heads):
            columns[head * self.head_width : (head + 1) * self.head_width, head] = vector[head]
        scores = graph.op("MatMul", table, graph.constant(columns))
        if self.heads == 1:
            return graph.op("Squeeze", scores, graph.constant([3]))
        return graph.op("Transpose", scores, perm=[0, 3, 1, 2])


ATTENTION_GRAPHS: dict[str, type[AttentionGraph]] = {
    "none": FixedContextGraph,
    "additive": AdditiveAttentionGraph,
    "dot": DotAttentionGraph,
    "general": GeneralAttentionGraph,
}
