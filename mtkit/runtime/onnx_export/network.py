"""The network as graphs: `encoder` and `step` of `mtkit.nn.Seq2Seq`, from its weights.

    encoder   pieces (U,), src (N, S), src_lengths (N,)  ->  source.* (what attention looks at), hidden.* (N, H)
    step      last_tokens (R,), hidden.* (M, H), source.*, ...  ->  the k best next pieces of each row, next.hidden.*

The encoder multiplies each piece of a batch once, however often it comes: `src` are places in `pieces`.

Legend: U distinct pieces, N sentences, S source positions, R rows (hypotheses), M rows of the step before, K places of
a sentence, H hidden width, V pieces of the target vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from mtkit.arrays import Ids
from mtkit.runtime.onnx_export.attention import ATTENTION_GRAPHS, AttentionGraph, Memory, Places
from mtkit.runtime.onnx_export.cells import CELL_GRAPHS, CellGraph, Positions, Weights, encoder_layer
from mtkit.runtime.onnx_export.graph import Graph
from mtkit.runtime.onnx_export.products import Matrix, Products
from mtkit.settings import NetworkSettings
from mtkit.text.vocabulary import NEVER

BLOCK = 64
"""Columns of the output layer in a block: the k best pieces lie in the k blocks with the largest maxima."""


@dataclass(frozen=True)
class Logits:
    """What the output layer gives."""

    value: str
    """(R, columns)."""
    normaliser: str
    """(R, 1), the logarithm of the sum of their exponentials."""
    column_of: Ids
    """(V,) the column of each piece."""


class GraphNetwork:
    """`mtkit.nn.Seq2Seq` as graphs."""

    def __init__(self, settings: NetworkSettings, tensors: Mapping[str, Matrix]) -> None:
        """Take the weights by their names in model.safetensors, whose names and shapes are those of the settings."""
        self.settings, self.weights = settings, Weights(tensors)
        width = np.float32(self.settings.embedding_size**0.5)
        source = self.weights["src_embedding.weight"]
        tied = self.settings.tied_embeddings
        target = source if tied == "all" else self.weights["tgt_embedding.weight"]
        self.src_table = source * width
        self.tgt_table = self.src_table if target is source else target * width
        self.output_weight: Matrix = target if tied != "none" else self.weights["output.weight"]
        self.output_bias: Matrix = self.weights["output.bias"]
        self.lexicon = self.weights.part("decoder.lexicon.linear") if self.settings.has_lexicon else None

    def attention(self, products: Products) -> AttentionGraph:
        """Return the attention, by its name in the settings."""
        settings = self.settings
        kind = ATTENTION_GRAPHS[settings.attention]
        return kind(products, self.weights.part("decoder.attention"), settings.hidden_size, settings.attention_heads)

    def decoder_cells(self, products: Products) -> list[CellGraph]:
        """Return the cells of the decoder, from the first layer up."""
        layers = (self.weights.part(f"decoder.layers.{depth}") for depth in range(self.settings.decoder_layers))
        return [CELL_GRAPHS[self.settings.cell](products, layer) for layer in layers]

    def encoder(self, products: Products) -> Graph:
        """Build the graph that reads N sources and returns all that the decoder starts from."""
        graph, hidden = Graph(), self.settings.hidden_size
        pieces = graph.input("pieces", np.int64, ["U"])
        src = graph.input("src", np.int64, ["N", "S"])
        lengths = graph.input("src_lengths", np.int64, ["N"])
        places = _range(graph, _size(graph, src, 1))
        real = graph.op("Less", places, graph.op("Unsqueeze", lengths, graph.constant([1])))  # (N, S)
        positions = self._positions(graph, real, lengths)
        rows = graph.op("Transpose", src, perm=[1, 0])

        first = self.weights.part("encoder.layers.0")
        directions = 1 + ("backwards" in first)
        out = directions * len(CELL_GRAPHS[self.settings.cell](products, first.part("forwards")).input_weight)
        operand, value, bound = products.embedded(graph, self.src_table, pieces, out), "", 0.0
        finals = []
        for depth in range(self.settings.encoder_layers):
            weights = self.weights.part(f"encoder.layers.{depth}")
            if depth:
                rows, operand = "", products.operand(graph, graph.reshape(value, -1, hidden), bound, hidden)
            outputs, final = encoder_layer(graph, self.settings.cell, products, weights, operand, positions, rows)
            residual = self.settings.residual and depth > 0
            value = graph.op("Add", outputs, value) if residual else outputs
            bound = bound + 1 if residual else 1.0
            finals.append(final)

        attention = self.attention(products)
        value = graph.op("Transpose", value, perm=[1, 0, 2])
        operand = products.operand(graph, value, bound, hidden)
        source = attention.project(graph, Memory(value, operand, finals[-1]))
        for name, shape in attention.shapes().items():
            graph.output(source[name], np.float32, shape, name=name)
        if self.lexicon is not None:
            words = products.rows(graph, self.src_table, graph.op("Gather", pieces, src))
            graph.output(words, np.float32, ["N", "S", self.settings.embedding_size], name="source.words")
        padding = graph.op("Where", real, graph.constant(0.0, np.float32), graph.constant(-np.inf, np.float32))
        graph.output(
            graph.op("Unsqueeze", padding, graph.constant([1])), np.float32, ["N", 1, "S"], name="source.padding"
        )
        for depth, cell in enumerate(self.decoder_cells(products)):
            final = finals[min(depth, self.settings.encoder_layers - 1)]
            start = cell.start(graph, self._bridge(graph, products, depth, final))
            for part, name in enumerate(_hidden_names(depth, cell)):
                graph.output(start[part], np.float32, ["N", hidden], name=name)
        return graph

    @staticmethod
    def _positions(graph: Graph, real: str, lengths: str) -> Positions:
        """Return what `encoder_layer` needs to know of sentences, from where they are real (N, S)."""
        mask = graph.op("Cast", graph.op("Transpose", real, perm=[1, 0]), to=onnx.TensorProto.FLOAT)
        last = graph.op("Sub", lengths, graph.constant(1))
        pair = [
            graph.op("Unsqueeze", part, graph.constant([1])) for part in (last, _range(graph, _size(graph, real, 0)))
        ]
        return Positions(graph.op("Unsqueeze", mask, graph.constant([2])), graph.op("Concat", *pair, axis=1))

    def _bridge(self, graph: Graph, products: Products, depth: int, final: str) -> str:
        """See `mtkit.nn.decoder.Bridge`."""
        weights = self.weights.part(f"decoder.bridge.maps.{depth}.0")
        if "weight" not in weights:
            return final
        operand = products.operand(graph, final, 1.0, self.settings.hidden_size)
        return graph.op("Tanh", products.product(graph, [operand], weights["weight"], weights["bias"]))

    def step(self, products: Products) -> Graph:
        """Build the graph that takes R hypotheses one token further."""
        graph, settings, hidden = Graph(), self.settings, self.settings.hidden_size
        attention, cells = self.attention(products), self.decoder_cells(products)
        tokens = graph.input("last_tokens", np.int64, ["R"])
        rows = graph.input("rows", np.int64, ["R"])
        places = Places(graph.input("place_rows", np.int64, ["N", "K"]), graph.input("row_places", np.int64, ["R"]))
        k = graph.input("k", np.int64, [1])
        source = {name: graph.input(name, np.float32, shape) for name, shape in attention.shapes().items()}
        padding = graph.input("source.padding", np.float32, ["N", 1, "S"])
        states = [
            tuple(
                graph.op("Gather", graph.input(name, np.float32, ["M", hidden]), rows)
                for name in _hidden_names(depth, cell)
            )
            for depth, cell in enumerate(cells)
        ]

        inputs = [products.embedded(graph, self.tgt_table, tokens, len(cells[0].input_weight))]
        # a context is an average of memory states, and keeps their bound
        bound = float(settings.encoder_layers) if settings.residual and attention.needs_query else 1.0
        if not attention.needs_query:
            context, weights = attention.attend(graph, "", source, padding, places)
            inputs.append(products.operand(graph, context, bound, hidden))
        new = cells[0].step(graph, inputs, states[0])
        after, output, output_bound = [new], new[0], 1.0
        if attention.needs_query:
            context, weights = attention.attend(graph, output, source, padding, places)
        context_operand = products.operand(graph, context, bound, hidden)
        for cell, state in zip(cells[1:], states[1:], strict=True):
            inputs = [products.operand(graph, output, output_bound, hidden)]
            inputs += [context_operand] * attention.needs_query
            new = cell.step(graph, inputs, state)
            after.append(new)
            output = graph.op("Add", new[0], output) if settings.residual else new[0]
            output_bound = output_bound + 1 if settings.residual else 1.0
        for depth, (cell, parts) in enumerate(zip(cells, after, strict=True)):
            for name, part in zip(_hidden_names(depth, cell), parts, strict=True):
                graph.output(part, np.float32, ["R", hidden], name=f"next.{name}")

        operands = [products.operand(graph, output, output_bound, hidden), context_operand]
        readout = self.weights.part("decoder.readout")
        value, bound = graph.op("Tanh", products.product(graph, operands, readout["weight"], readout["bias"])), 1.0
        if self.lexicon is not None:
            value = graph.op("Add", value, self._say(graph, products, self.lexicon, weights, places))
            bound = 3.0
        logits = self._output(graph, products, value, bound, k)
        self._more(graph, logits, weights, places)
        return graph

    def _say(self, graph: Graph, products: Products, lexicon: Weights, attention: str, places: Places) -> str:
        """Return what the lexicon says (R, E), within (-2, 2), of attention (N, K, S); see `mtkit.nn.decoder`."""
        width = self.settings.embedding_size
        attended = graph.op("MatMul", attention, graph.input("source.words", np.float32, ["N", "S", width]))
        attended = graph.op("Tanh", graph.op("Gather", graph.reshape(attended, -1, width), places.places))
        operand = products.operand(graph, attended, 1.0, width)
        said = graph.op("Tanh", products.product(graph, [operand], lexicon["weight"], lexicon["bias"]))
        return graph.op("Add", said, attended)

    def _output(self, graph: Graph, products: Products, readout: str, bound: float, k: str) -> Logits:
        """Add the output layer and the k best pieces.

        Its columns are those of all pieces that can be candidates, each in the place of its id, filled up to whole
        blocks, and then a block for the others, which count for the normaliser alone.
        """
        pieces = len(self.output_bias)
        candidates = _filled(np.where(np.isin(np.arange(pieces), NEVER), -1, np.arange(pieces)))
        columns = np.concatenate((candidates, _filled(np.array(NEVER))))
        weight = np.where(columns[:, None] < 0, 0, self.output_weight[columns])
        bias = np.where(columns < 0, -np.inf, self.output_bias[columns]).astype(np.float32)
        operand = products.operand(graph, readout, bound, self.settings.embedding_size)
        logits = products.product(graph, [operand], weight, bias)

        blocks, wanted = len(columns) // BLOCK, len(candidates) // BLOCK
        table = graph.reshape(logits, 0, blocks, BLOCK)
        maxima = graph.op("ReduceMax", table, graph.constant([2]), keepdims=0)  # (R, blocks)
        largest = bound * np.abs(self.output_weight).sum(axis=1) + np.abs(self.output_bias)  # of logits
        # where no sum of exponentials can overflow, there is no need to take the maximum off first
        if largest.max() + np.log(len(columns)) < 88:
            normaliser = self._logarithm_of_sum(graph, graph.op("Exp", logits))
        else:
            highest = graph.op("ReduceMax", maxima, graph.constant([1]))
            logarithm = self._logarithm_of_sum(graph, graph.op("Exp", graph.op("Sub", logits, highest)))
            normaliser = graph.op("Add", logarithm, highest)

        maxima, _ = graph.split(maxima, wanted, blocks - wanted)
        few = graph.op("Min", k, graph.constant([wanted]))
        _, best_blocks = graph.ops("TopK", maxima, few, count=2, axis=1)  # (R, few)
        # in the order of the pieces: of equal ones TopK takes the first, below, which is then the one of the lowest id
        best_blocks, _ = graph.ops("TopK", best_blocks, few, count=2, axis=1, largest=0)
        chosen = graph.op("Unsqueeze", best_blocks, graph.constant([2]))
        found = graph.op("GatherND", table, chosen, batch_dims=1)  # (R, few, BLOCK)
        found = graph.op("Flatten", found, axis=1)
        best, where = graph.ops("TopK", found, graph.op("Min", k, graph.constant([wanted * BLOCK])), count=2, axis=1)
        block = graph.op("GatherElements", best_blocks, graph.op("Div", where, graph.constant(BLOCK)), axis=1)
        ids = graph.op(
            "Add", graph.op("Mul", block, graph.constant(BLOCK)), graph.op("Mod", where, graph.constant(BLOCK))
        )
        graph.output(ids, np.int64, ["R", "k"], name="ids")
        graph.output(graph.op("Sub", best, normaliser), np.float32, ["R", "k"], name="log_probs")

        column_of = np.full(pieces, -1)
        column_of[columns[columns >= 0]] = np.flatnonzero(columns >= 0)
        return Logits(logits, normaliser, column_of)

    @staticmethod
    def _more(graph: Graph, logits: Logits, weights: str, places: Places) -> None:
        """Add what only some searches want, and what costs next to nothing where they do not.

        The input `more` asks for the log-probabilities of what is required and for the attention, `everything`, which
        says nothing without it, for those of all pieces. What is not asked for is empty.
        """
        required = graph.input("required", np.int64, ["R"])
        more, everything = graph.input("more", np.bool_, []), graph.input("everything", np.bool_, [])
        # if more: `some`, inside of which, if everything: `whole`, else `none`; if not more: `nothing`. A branch sees
        # the values of the graphs around it, and only the one that is taken runs.
        some, nothing, whole, none = Graph(graph), Graph(graph), Graph(graph), Graph(graph)
        column_of = graph.constant(logits.column_of)
        empty = np.zeros((0, len(logits.column_of)), np.float32)

        # first output: each row's logit in the column of the piece that it requires, (R, 1), normalised
        columns = some.op("Unsqueeze", some.op("Gather", column_of, required), some.constant([1]))
        asked = some.op("Sub", some.op("GatherElements", logits.value, columns, axis=1), logits.normaliser)
        some.output(some.op("Squeeze", asked, some.constant([1])), np.float32, ["R"])
        # second output: the weights (N, K, S) as (N * K, S), from which each row takes those of its place
        by_place = some.op("Concat", some.constant([-1]), some.op("Shape", weights, start=-1), axis=0)
        some.output(some.op("Gather", some.op("Reshape", weights, by_place), places.places), np.float32, ["R", "S"])
        # third output: all columns in the order of the pieces (R, V), or no row of them. It is an If within the branch,
        # since it is the only costly one.
        of_all = whole.op("Sub", whole.op("Gather", logits.value, column_of, axis=1), logits.normaliser)
        whole.output(of_all, np.float32, ["R", "V"])
        none.output(none.op("Identity", none.constant(empty)), np.float32, ["none", "V"])
        full = some.op("If", everything, then_branch=whole.proto("all"), else_branch=none.proto("none"))
        some.output(full, np.float32, ["rows", "V"])

        # the other branch: as many outputs, of the same ranks and types, which an If asks for; all of them empty
        for array in (empty[:, 0], empty[:, :0], empty):
            nothing.output(nothing.op("Identity", nothing.constant(array)), np.float32, ["none"] * array.ndim)
        # "rows" and "width" rather than R and S: the sizes depend on the branch
        branches = {"then_branch": some.proto("more"), "else_branch": nothing.proto("nothing")}
        found = graph.ops("If", more, count=3, **branches)
        shapes = {"required_log_probs": ["rows"], "attention": ["rows", "width"], "distribution": ["rows", "V"]}
        for value, (name, shape) in zip(found, shapes.items(), strict=True):
            graph.output(value, np.float32, shape, name=name)

    @staticmethod
    def _logarithm_of_sum(graph: Graph, values: str) -> str:
        """Return the logarithms (R, 1) of the sums of rows.

        Each is computed sixteen times over: in a shorter vector a number's place decides whether its logarithm is taken
        in a vector register or alone, and with another last bit.
        """
        total = graph.op("ReduceSum", values, graph.constant([1]))
        logarithms = graph.op("Log", graph.op("Add", total, graph.constant(np.zeros(16), np.float32)))
        return graph.op("Gather", logarithms, graph.constant([0]), axis=1)


def _filled(ids: np.ndarray) -> np.ndarray:
    """Fill ids up to whole blocks with -1."""
    return np.pad(ids, (0, -len(ids) % BLOCK), constant_values=-1)


def _size(graph: Graph, value: str, axis: int) -> str:
    """Return one of a value's dimensions, as a number."""
    return graph.op("Squeeze", graph.op("Shape", value, start=axis, end=axis + 1))


def _range(graph: Graph, count: str) -> str:
    """Return the numbers from 0 to `count` - 1."""
    return graph.op("Range", graph.constant(0), count, graph.constant(1))


def _hidden_names(depth: int, cell: CellGraph) -> list[str]:
    return [f"hidden.{depth}.{part}" for part in range(cell.parts)]
