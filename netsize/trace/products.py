"""Which formula describes an executed product: see `netsize.trace.operations`."""

from functools import partial
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import _disable_current_modes

from netsize.lecture.formulas import Formula, Linear
from netsize.lecture.products import Bilinear, GroupedProduct, Outer, Product, SparseProduct
from netsize.trace import ones
from netsize.trace.operations import Given, Operation, Weighted, reads

aten = torch.ops.aten


@reads(aten.mm, aten.bmm, aten.mv, aten.dot, aten.vdot, aten._int_mm)
def product(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation | None:
    left, right = _factors(given)
    return _product(func, left, right, None, output, weighted)


@reads(aten._scaled_mm)
def scaled_product(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation | None:
    """Of numbers of 8 bits, which are scaled afterwards; on ones as a plain one."""
    found = _product(aten.mm.default, given["self"], given["mat2"], None, output, weighted)
    if found is not None:
        found.bias = given["bias"]
    return found


def _factors(given: Given) -> list[torch.Tensor]:
    """The tensors that go in; not `out`, the memory that the result is written to."""
    return [value for name, value in given.items() if isinstance(value, torch.Tensor) and name != "out"]


@reads(
    aten.addmm, aten.addmm_, aten.baddbmm, aten.baddbmm_, aten.addmv, aten.addmv_, aten._addmm_activation,
    aten._sparse_addmm,
)  # fmt: skip
def added_product(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation | None:
    """With a factor `beta` of 0 nothing is added, whatever is given."""
    added, left, right = _factors(given)
    found = _product(func, left, right, added, output, weighted)
    if found is not None and given["beta"] == 0:
        found.bias = None
    return found


def _product(
    func: Any, left: torch.Tensor, right: torch.Tensor, added: torch.Tensor | None, output: Any, weighted: Weighted
) -> Operation | None:
    """(rows, inner) @ (inner, columns), with or without a batch axis; a vector lacks an axis."""
    which, operands = _held(left, right, weighted)
    inner, batch = left.shape[-1], tuple(left.shape[:-2])
    rows = left.shape[-2] if left.dim() > 1 else None
    columns = right.shape[-1] if right.dim() > 1 else None
    run = partial(ones.product, _on_ones(func), (left, right), added, inner)
    formula: Formula
    sparse = [side for side, operand in (("left", left), ("right", right)) if ones.is_sparse(operand)]
    if len(sparse) == 2:
        return None  # how many entries meet hangs on where they are: named as unknown
    if sparse:
        stored = ones.entries(left if sparse == ["left"] else right)
        formula = SparseProduct(batch, rows, inner, columns, stored, sparse[0], which, _kind(which))
        run = partial(ones.sparse_product, _on_ones(func), (left, right), added, inner)
    elif which == "right" and left.dim() == right.dim() == 2:
        formula = Linear(tuple(left.shape), right.shape[1])
    else:
        formula = Product(batch, rows, inner, columns, which, _kind(which))
    input = right if which == "left" else left
    return Operation(formula, input, output, run, operands, added, (left, right))


def _on_ones(func: Any) -> Any:
    """What is run on ones in its place: nothing that writes into what it is given, and whole numbers as others."""
    packet = func.overloadpacket
    if packet is aten._int_mm:
        return aten.mm.default
    plain = packet.__name__.removesuffix("_")
    return getattr(aten, plain).default if packet.__name__ != plain or "out" in func._overloadname else func


@reads(aten._grouped_mm, aten._scaled_grouped_mm)
def grouped_product(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """(rows, inner) @ (groups, inner, columns), the rows shared among the groups; or another axis, the one that a
    matrix without groups has. `offs`: where each group ends on it."""
    left, right, ends = given["self"], given["mat2"], given["offs"]
    which, operands = _held(left, right, weighted)
    if ends is None:
        formula: Formula = Product((left.shape[0],), left.shape[1], left.shape[2], right.shape[2], which, _kind(which))
        run = partial(ones.product, aten.bmm.default, (left, right), None, left.shape[2])
        return Operation(formula, left, output, run, operands, None, (left, right))
    rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    split = {(2, 3): "rows", (3, 2): "columns", (2, 2): "inner"}[left.dim(), right.dim()]
    whole = {"rows": rows, "columns": columns, "inner": inner}[split]
    used = whole if isinstance(ends, FakeTensor) else min(_last(ends), whole)  # without values: as many as may be
    kind = "experts" if which in ("left", "right") else "matmul"
    grouped = GroupedProduct(rows, inner, columns, ends.shape[0], split, used, which, kind)
    run = partial(
        ones.grouped, grouped, ends, left.dtype if func.overloadpacket is aten._grouped_mm else torch.bfloat16
    )
    input = right if which == "left" else left
    return Operation(grouped, input, output, run, operands, None, (left, right))


def _last(ends: torch.Tensor) -> int:
    with _disable_current_modes():
        return int(ends[-1].item()) if ends.numel() else 0


@reads(aten.addbmm)
def summed_product(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """The products of a batch, added up: one product whose inner axis runs through all of them."""
    added, left, right = given["self"], given["batch1"], given["batch2"]
    which, operands = _held(left, right, weighted)
    inner = left.shape[0] * left.shape[2]
    formula = Product((), left.shape[1], inner, right.shape[2], which, _kind(which))
    run = partial(ones.product, func, (left, right), added, inner)
    return Operation(formula, left, output, run, operands, added, (left, right))


def outer(left: torch.Tensor, right: torch.Tensor, output: torch.Tensor, weighted: Weighted) -> Operation:
    """A product over an inner axis of 1 (torch.einsum), which torch executes as a pointwise one."""
    which, operands = _held(left, right, weighted)
    formula = Outer(tuple(left.shape), tuple(right.shape), which, _kind(which))
    input = right if which == "left" else left
    return Operation(formula, input, output, partial(ones.outer, left, right), operands, factors=(left, right))


def _held(left: torch.Tensor, right: torch.Tensor, weighted: Weighted) -> tuple[str, list[torch.Tensor]]:
    """Which operands hold parameters, by name and as a list."""
    sides = {"left": left, "right": right}
    held = {side: operand for side, operand in sides.items() if weighted(operand)}
    owned = [side for side, operand in held.items() if weighted.owned(operand)]
    if len(held) == 2 and len(owned) == 1:  # a learned query goes through a layer: it is the layer's input
        held = {owned[0]: held[owned[0]]}
    return "both" if len(held) == 2 else "".join(held), list(held.values())


def _kind(which: str) -> str:
    return "linear" if which in ("left", "right") else "matmul"


@reads(aten.linear)
def linear(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """Apple's GPUs do not take it apart into a transpose and a product."""
    return _linear(given["input"], given["weight"], given["bias"], output)


@reads(aten._weight_int8pack_mm)
def linear_of_few_bits(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """x (M, K), W (N, K) of 8 bits, scaled afterwards; on ones as a plain one."""
    return _linear(given["self"], given["mat2"], None, output)


@reads(aten._weight_int4pack_mm, aten._weight_int4pack_mm_for_cpu, aten._weight_int4pack_mm_with_scales_and_zeros)
def linear_of_four_bits(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """x (M, K), W (N, K), several of whose elements lie in each of `mat2`; on ones as a plain one."""
    input, packed = given["self"], given["mat2"]
    weight = weighted.unpacked(packed, packed.numel() * packed.element_size() * 8 // 4)
    found = _linear(input, torch.empty(output.shape[-1], input.shape[-1], device="meta"), None, output)
    found.operands, found.factors = [weight], (input, weight)
    return found


def _linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, output: torch.Tensor) -> Operation:
    run = partial(ones.product, aten.linear.default, (input, weight), None, weight.shape[1])
    formula = Linear(tuple(input.shape), weight.shape[0])
    return Operation(formula, input, output, run, [weight], bias, (input, weight))


@reads(aten._trilinear)
def trilinear(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """torch.nn.Bilinear: x (batch, I), W (O, I, J), z (batch, J)."""
    first, weight, second = given["i1"], given["i2"], given["i3"]
    formula = Bilinear(tuple(first.shape), second.shape[-1], weight.shape[0])
    settings = [given[name] for name in ("expand1", "expand2", "expand3", "sumdim")]
    run = partial(ones.trilinear, func, (first, weight, second), settings, formula.fan_in)
    return Operation(formula, first, output, run, [weight], factors=(first, weight, second))


@reads(aten._cdist_forward, aten._euclidean_dist)
def distance(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    left, right = given["x1"], given["x2"]
    which, operands = _held(left, right, weighted)
    formula = Product(tuple(left.shape[:-2]), left.shape[-2], left.shape[-1], right.shape[-2], which, "distance")
    run = partial(ones.distance, left, right)
    return Operation(formula, left, output, run, operands, factors=(left, right))
