"""Products of bounded numbers in 8 bits: exact integers, constant scales."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from mtkit.runtime.onnx_export import products as products_module
from mtkit.runtime.onnx_export.graph import Graph
from mtkit.runtime.onnx_export.products import Embedded, Float32, Int8, Products
from mtkit.runtime.processor import has_int8_instructions

FULL = pytest.param(127, marks=pytest.mark.skipif(not has_int8_instructions(), reason="8-bit weights saturate here"))
"""Levels of weights that only some processors sum up without saturating."""
WIDTHS, BOUNDS = (24, 40), (1.0, 3.0)


def multiply(
    products: Products, left: np.ndarray, right: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Multiply [left; right] by a weight, in a graph."""
    graph = Graph()
    operands = [
        products.operand(graph, graph.input(name, np.float32, ["R", width]), bound, width)
        for name, width, bound in zip(("left", "right"), WIDTHS, BOUNDS, strict=True)
    ]
    graph.output(products.product(graph, operands, weight, bias), np.float32, ["R", len(bias)], name="y")
    session = onnxruntime.InferenceSession(graph.model("test").SerializeToString())
    (found,) = session.run(None, {"left": left, "right": right})
    return np.asarray(found)


@pytest.fixture
def numbers() -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(1)
    left, right = (
        generator.uniform(-bound, bound, (17, width)).astype(np.float32)
        for width, bound in zip(WIDTHS, BOUNDS, strict=True)
    )
    weight = generator.normal(size=(33, sum(WIDTHS))).astype(np.float32)
    return left, right, weight, generator.normal(size=33).astype(np.float32)


def test_float32_is_the_product(numbers: tuple[np.ndarray, ...]) -> None:
    left, right, weight, bias = numbers
    np.testing.assert_allclose(
        multiply(Float32(), *numbers), np.hstack((left, right)) @ weight.T + bias, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("levels", [FULL, 63])
def test_int8_is_exact_on_the_numbers_it_rounds_to(numbers: tuple[np.ndarray, ...], levels: int) -> None:
    left, right, weight, bias = numbers
    rounded = [np.round(part * 127 / bound) * bound / 127 for part, bound in zip((left, right), BOUNDS, strict=True)]
    bounds = np.repeat(BOUNDS, WIDTHS)
    scales = np.abs(weight * bounds).max(axis=1, keepdims=True) / levels
    grid = np.round(weight * bounds / scales) * scales / bounds
    np.testing.assert_allclose(
        multiply(Int8(levels), *numbers), np.hstack(rounded) @ grid.T + bias, rtol=1e-4, atol=1e-4
    )


def test_int8_gives_a_row_the_same_bits_in_any_batch(numbers: tuple[np.ndarray, ...]) -> None:
    left, right, *rest = numbers
    together = multiply(Int8(), *numbers)
    for rows in ([0], [3, 2], list(range(9))):
        np.testing.assert_array_equal(multiply(Int8(), left[rows], right[rows], *rest), together[rows])


def test_what_leaves_its_bound_is_clipped(numbers: tuple[np.ndarray, ...]) -> None:
    left, right, *rest = numbers
    clipped = multiply(Int8(), np.full_like(left, 1.0), right, *rest)
    np.testing.assert_array_equal(multiply(Int8(), np.full_like(left, 1.5), right, *rest), clipped)


def test_a_channel_of_zeros_stays_zero(numbers: tuple[np.ndarray, ...]) -> None:
    left, right, weight, bias = numbers
    found = multiply(Int8(), left, right, np.zeros_like(weight), bias)
    np.testing.assert_array_equal(found, np.broadcast_to(bias, found.shape))


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
@pytest.mark.parametrize("largest", [2**25, 0], ids=["looked up", "multiplied"])
def test_products_of_an_embedding_are_looked_up_unless_their_table_is_large(
    monkeypatch: pytest.MonkeyPatch, largest: int, beside: bool
) -> None:
    monkeypatch.setattr(products_module, "FOLDED", largest)
    generator = np.random.default_rng(3)
    table = generator.normal(size=(50, 24)).astype(np.float32)
    weight, bias = generator.normal(size=(33, 64)).astype(np.float32), generator.normal(size=33).astype(np.float32)
    ids, other = np.array([7, 0, 49, 7]), generator.uniform(-1, 1, (4, 40)).astype(np.float32)
    levels = 127 if has_int8_instructions() else 63
    graph, products = Graph(), Int8(levels)
    operand = products.embedded(graph, table, graph.input("ids", np.int64, ["R"]), out=33)
    assert isinstance(operand, Embedded) == bool(largest)
    operands, expected, feeds = [operand], table[ids] @ weight[:, :24].T + bias, {"ids": ids}
    if beside:
        operands.append(products.operand(graph, graph.input("other", np.float32, ["R", 40]), 1.0, 40))
        expected, feeds = expected + other @ weight[:, 24:].T, feeds | {"other": other}
    product = products.product(graph, operands, weight[:, : 64 if beside else 24], bias)
    graph.output(product, np.float32, ["R", 33], name="y")
    (found,) = onnxruntime.InferenceSession(graph.model("test").SerializeToString()).run(None, feeds)
    tolerance = 0.01 if largest and not beside else 0.3 * 127 / levels  # 16 bits, or 8
    np.testing.assert_allclose(found, expected, atol=tolerance)
