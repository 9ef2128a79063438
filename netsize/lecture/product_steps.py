"""The counts of products, derived step by step."""

from collections.abc import Iterator
from math import prod

from netsize.lecture.products import Bilinear, Custom, GroupedProduct, Outer, Product, SparseProduct
from netsize.lecture.steps import Step, connections, multiplied, remark, times


def bilinear(layer: Bilinear) -> Iterator[Step]:
    yield Step("fan_in", "I J", times(layer.input[-1], layer.second), layer.fan_in)
    yield Step("units", "N", times(multiplied(layer.input[1:-1]) or 1, layer.out_features), layer.units)
    yield connections(layer)
    yield Step("weights", "I J N", times(layer.fan_in, layer.out_features), layer.weights)
    yield remark("a unit is connected to every pair of an element of one input and one of the other")


def matmul(layer: Product) -> Iterator[Step]:
    rows, columns = layer.rows or 1, layer.columns or 1
    yield Step("fan_in", "inner axis", "", layer.inner)
    yield Step("units", "matrices * rows * columns", times(prod(layer.batch), rows, columns), layer.units)
    yield connections(layer)
    if layer.weighted:
        yield Step("weights", f"elements of the {layer.weighted} operand", "", layer.weights)
    else:
        yield remark("both operands are activations: there are connections, and no weights")


def outer(layer: Outer) -> Iterator[Step]:
    yield Step("units", "", "", layer.units)
    yield connections(layer)
    yield Step("weights", "", "", layer.weights)
    yield remark("the inner axis has a length of 1: a unit is one input times one weight")


def sparse(layer: SparseProduct) -> Iterator[Step]:
    yield Step(
        "units",
        "rows * columns",
        times(multiplied(layer.batch or (1,)), layer.rows or 1, layer.columns or 1),
        layer.units,
    )
    other = "columns" if layer.sparse == "left" else "rows"
    yield Step(
        "connections",
        f"entries * {other}",
        times(layer.entries, layer.connections // (layer.entries or 1)),
        layer.connections,
    )
    yield Step("weights", "", "", layer.weights)
    dense = prod(layer.batch) * (layer.rows or 1) * layer.inner * (layer.columns or 1)
    yield remark(f"only what is stored is multiplied: a dense matrix in its place would make it {dense:,} connections")


def grouped(layer: GroupedProduct) -> Iterator[Step]:
    split, used = layer.split, layer.used
    if layer.fan_in is not None:
        yield Step("fan_in", "inner axis", "", layer.inner)
    sizes = {"rows": layer.rows, "columns": layer.columns} | ({split: used} if split != "inner" else {})
    groups = (layer.groups,) if split == "inner" else ()
    formula = "groups * rows * columns" if groups else "rows * columns"
    yield Step("units", formula, times(*groups, *sizes.values()), layer.units)
    factors = times(sizes["rows"], used if split == "inner" else layer.inner, sizes["columns"])
    yield Step("connections", "rows * inner axis * columns", factors, layer.connections)
    if layer.weighted:
        yield Step("weights", f"elements of the {layer.weighted} operand", _elements(layer), layer.weights)
    yield remark(f"{layer.groups:,} matrices share the {split}: each of those goes through one of them")
    rest = getattr(layer, split) - used
    if rest:
        yield remark(f"{rest:,} of the {split} belong to no group, and are not multiplied")


def _elements(layer: GroupedProduct) -> str:
    inside = layer.columns if layer.weighted == "right" else layer.rows
    apart = {"right": "rows", "left": "columns"}.get(layer.weighted)
    return times(layer.groups if layer.split == apart else 1, layer.inner, inside)


def custom(layer: Custom) -> Iterator[Step]:
    yield Step("fan_in", "", "", layer.fan_in)
    yield Step("units", "elements of the output", multiplied(layer.output), layer.units)
    yield connections(layer)
    yield Step("weights", "elements of the parameters", "", layer.weights)
    yield remark("the fan-in is what was registered for this operation, and what it puts out on ones")
