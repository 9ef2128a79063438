"""Operators of ONNX that have connections: their attributes and the shapes of what they are given -> formulas. Names
and defaults as in https://onnx.ai/onnx/operators. The shapes of a node's inputs are known when it is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import onnx

from netsize.graphs.values import Values
from netsize.lecture.formulas import (
    Convolution,
    Embedding,
    Formula,
    Linear,
    Pooling,
    Recurrent,
    Shape,
    TransposedConvolution,
)  # fmt: skip
from netsize.lecture.products import Outer, Product


@dataclass(frozen=True)
class Run:
    """A node to be run on ones of these shapes; what comes out counts so many `times`."""

    operator: str
    shapes: tuple[Shape, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    times: int = 1


@dataclass(frozen=True)
class Counted:
    """`operands`: values that its connections multiply by, with the number of elements that are used. `inside`: runs on
    ones whose sum are its connections without padding; `filled`: with it, if it has any. `reads`: the shapes of what
    the node put out, as the formula has its output; the node's first output, if nothing else is said."""

    formula: Formula
    input: Shape
    inside: tuple[Run, ...]
    operands: tuple[tuple[str, int], ...] = ()
    bias: tuple[str, int] = ("", 0)
    filled: tuple[Run, ...] = ()
    reads: Callable[[list[Shape | None]], Shape | None] = lambda outputs: outputs[0]


@dataclass(frozen=True)
class Node:
    """A node whose inputs have shapes."""

    proto: Any
    values: Values

    def attribute(self, name: str, otherwise: Any = None) -> Any:
        for attribute in self.proto.attribute:
            if attribute.name == name:
                value = onnx.helper.get_attribute_value(attribute)
                return value.decode(errors="replace") if isinstance(value, bytes) else value
        return otherwise

    def name(self, place: int) -> str:
        return self.proto.input[place] if place < len(self.proto.input) else ""

    def shape(self, place: int) -> Shape:
        """Raises Unsettled."""
        found = self.values.shape(self.name(place))
        if found is None:
            raise Unsettled(self.name(place))
        return found

    def is_weight(self, place: int) -> bool:
        return self.name(place) in self.values.origins

    def operand(self, place: int) -> tuple[tuple[str, int], ...]:
        return ((self.name(place), prod(self.shape(place))),) if self.is_weight(place) else ()

    def bias(self, place: int) -> tuple[str, int]:
        return (self.name(place), prod(self.shape(place))) if self.is_weight(place) else ("", 0)


class Unsettled(Exception):
    """A shape that cannot be told without running the graph."""


class NoFormula(Exception):
    """A form of an operator that netsize does not know."""


def _windows(node: Node, size: Shape, kernel: Shape) -> tuple[Shape, Shape, Shape, Shape]:
    """Stride, dilation, and padding before and after."""
    axes = len(kernel)
    stride = tuple(node.attribute("strides") or (1,) * axes)
    dilation = tuple(node.attribute("dilations") or (1,) * axes)
    pads = tuple(node.attribute("pads") or (0,) * 2 * axes)
    auto = node.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        sums = [
            max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0) for n, s, k, d in zip(size, stride, kernel, dilation)
        ]
        less, more = tuple(n // 2 for n in sums), tuple(n - n // 2 for n in sums)
        return stride, dilation, *((less, more) if auto == "SAME_UPPER" else (more, less))
    pads = (0,) * 2 * axes if auto == "VALID" else pads
    return stride, dilation, pads[:axes], pads[axes:]


def _convolution(node: Node, image: int = 0, kernel: int = 1, added: int = 2) -> Iterator[Counted]:
    input, weight = node.shape(image), node.shape(kernel)
    groups = node.attribute("group", 1)
    stride, dilation, before, after = _windows(node, input[2:], weight[2:])
    formula = Convolution(
        input, weight[0], weight[2:], stride, before, dilation, groups, after if after != before else None
    )
    ones = (groups, *weight[1:])  # output channels of a group are equal: one stands for all
    common = {"strides": stride, "dilations": dilation, "group": groups}
    times = weight[0] // groups
    grown = (*input[:2], *(n + b + a for n, b, a in zip(input[2:], before, after)))
    inside = Run("Conv", (input, ones), common | {"pads": (*before, *after)}, times)
    filled = Run("Conv", (grown, ones), common, times)
    padded = any(before) or any(after)
    yield Counted(formula, input, (inside,), node.operand(kernel), node.bias(added), (filled,) if padded else ())


def _transposed(node: Node) -> Iterator[Counted]:
    input, weight = node.shape(0), node.shape(1)
    groups, axes = node.attribute("group", 1), len(weight) - 2
    stride, dilation, before, after = _windows(node, input[2:], weight[2:])
    extra = tuple(node.attribute("output_padding") or (0,) * axes)
    asked = node.attribute("output_shape")
    if asked is not None or node.attribute("auto_pad", "NOTSET") != "NOTSET":
        raise NoFormula
    beyond = tuple(e + b - a for e, b, a in zip(extra, before, after))
    formula = TransposedConvolution(input, weight[1] * groups, weight[2:], stride, before, dilation, groups, beyond)
    ones, common = (weight[0], 1, *weight[2:]), {"strides": stride, "dilations": dilation, "group": groups}
    cropped = common | {"pads": (*before, *after), "output_padding": extra}
    padded = any((*before, *after, *extra))
    yield Counted(
        formula, input, (Run("ConvTranspose", (input, ones), cropped, weight[1]),), node.operand(1), node.bias(2),
        (Run("ConvTranspose", (input, ones), common, weight[1]),) if padded else (),
    )  # fmt: skip


def _matmul(node: Node, first: int = 0, second: int = 1) -> Iterator[Counted]:
    left, right = node.shape(first), node.shape(second)
    run = (Run("MatMul", (left, right)),)
    operands = node.operand(first) + node.operand(second)
    if node.is_weight(second) and not node.is_weight(first) and len(left) > 1 and prod(right[:-2]) == 1 < len(right):
        extra = (1,) * (len(right) - len(left))  # its leading axes of 1 come out, too
        yield Counted(Linear((*extra, *left), right[-1]), left, run, operands)
        return
    rows, columns = left[-2] if len(left) > 1 else None, right[-1] if len(right) > 1 else None
    batch = _broadcast(left[:-2], right[:-2])
    weighted = {(True, True): "both", (True, False): "left", (False, True): "right"}.get(
        (node.is_weight(first), node.is_weight(second)), ""
    )
    yield Counted(Product(batch, rows, left[-1], columns, weighted), left, run, operands)


def _broadcast(left: Shape, right: Shape) -> Shape:
    axes = max(len(left), len(right))
    left, right = ((1,) * (axes - len(shape)) + shape for shape in (left, right))
    return tuple(n if m == 1 else m for n, m in zip(left, right))


def _gemm(node: Node) -> Iterator[Counted]:
    left, right = node.shape(0), node.shape(1)
    turned = {"transA": node.attribute("transA", 0), "transB": node.attribute("transB", 0)}
    rows, inner = reversed(left) if turned["transA"] else left
    columns = right[0] if turned["transB"] else right[1]
    run = (Run("Gemm", (left, right), turned),)
    formula: Formula = Product((), rows, inner, columns)
    if node.is_weight(1) and not node.is_weight(0):
        formula = Linear((rows, inner), columns)
    elif node.is_weight(0):
        formula = Product((), rows, inner, columns, "both" if node.is_weight(1) else "left")
    bias = node.bias(2) if len(node.proto.input) > 2 else ("", 0)
    yield Counted(formula, left, run, node.operand(0) + node.operand(1), bias if bias[1] == columns else ("", 0))


def _matmul_of_bits(node: Node) -> Iterator[Counted]:
    """Microsoft's, with weights of 2 to 8 bits: as many as they stand for."""
    input, inner, columns = node.shape(0), node.attribute("K"), node.attribute("N")
    operands = ((node.name(1), inner * columns),) if node.is_weight(1) else ()
    run = (Run("MatMul", (input, (inner, columns))),)
    yield Counted(Linear(input, columns), input, run, operands, node.bias(5) if node.name(5) else ("", 0))


def _einsum(node: Node) -> Iterator[Counted]:
    """Two operands: axes of both that come out are a batch, axes of both that do not are summed over."""
    equation = node.attribute("equation", "").replace(" ", "")
    given, arrow, made = equation.partition("->")
    terms = given.split(",")
    if not arrow or len(terms) != 2 or "." in equation or any(len(set(term)) != len(term) for term in (*terms, made)):
        raise NoFormula
    sizes = {letter: n for place in (0, 1) for letter, n in zip(terms[place], node.shape(place))}
    left, right = terms

    def axes(belongs: Callable[[str], bool]) -> Shape:
        return tuple(sizes[letter] for letter in dict.fromkeys(left + right) if belongs(letter))

    if any((letter in left) != (letter in right) and letter not in made for letter in sizes):
        raise NoFormula
    batch = axes(lambda a: a in left and a in right and a in made)
    inner = prod(axes(lambda a: a in left and a in right and a not in made))
    rows, columns = axes(lambda a: a not in right), axes(lambda a: a not in left)
    run = (Run("Einsum", (node.shape(0), node.shape(1)), {"equation": equation}),)
    shapes = [tuple(sizes[letter] for letter in term) for term in terms]
    weights = (node.is_weight(0), node.is_weight(1))
    weighted = {(True, True): "both", (True, False): "left", (False, True): "right"}.get(weights, "")
    formula: Formula = Product(batch, prod(rows), inner, prod(columns), weighted)
    if inner == 1 and not any(letter not in made for letter in sizes):
        formula = Outer((*batch, prod(rows), 1), (*batch, 1, prod(columns)), weighted)
    elif weighted == "right" and not batch:
        formula = Linear((*rows, inner), prod(columns))

    def reads(outputs: list[Shape | None]) -> Shape | None:
        """Axes of the batch first, then those of the left operand, then those of the right one."""
        if outputs[0] is None:
            return None
        came = dict(zip(made, outputs[0]))
        both, of_left, of_right = (
            tuple(came[letter] for letter in dict.fromkeys(left + right) if letter in made and belongs(letter))
            for belongs in (
                lambda a: a in left and a in right, lambda a: a not in right, lambda a: a not in left,
            )
        )  # fmt: skip
        return (*of_left, prod(of_right)) if isinstance(formula, Linear) else (*both, prod(of_left), prod(of_right))

    yield Counted(formula, shapes[0], run, node.operand(0) + node.operand(1), reads=reads)


GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def _recurrent(node: Node) -> Iterator[Counted]:
    """Each direction has products of its own, with the input and with the state of the step before."""
    cell = node.proto.op_type
    input, weight, state = node.shape(0), node.shape(1), node.shape(2)
    turned = node.attribute("layout", 0)  # the batch axis first
    steps = (input[1], input[0]) if turned else input[:2]
    directions, hidden = weight[0], state[2]
    formula = Recurrent(steps, input[2], hidden, hidden, GATES[cell], cell.lower())
    runs = (
        Run("MatMul", ((prod(steps), input[2]), (weight[2], weight[1]))),
        Run("MatMul", ((prod(steps), hidden), (state[2], state[1]))),
    )
    operands = tuple((name, elements // directions) for name, elements in node.operand(1) + node.operand(2))
    name, biases = node.bias(3) if node.name(3) else ("", 0)

    def reads(outputs: list[Shape | None]) -> Shape | None:
        """Of one direction: all steps, or the last one, which is all that some ask for."""
        all_steps, last = outputs[0], outputs[1] if len(outputs) > 1 else None
        if all_steps is not None:
            return (all_steps[1], all_steps[0], all_steps[3]) if turned else (all_steps[0], *all_steps[2:])
        return None if last is None else (steps[0], last[0] if turned else last[1], last[2])

    for _ in range(directions):
        yield Counted(formula, input, runs, operands, (name, biases // directions), reads=reads)


def _attention(node: Node) -> Iterator[Counted]:
    """Scores of each query and key, and the values that they weigh, for each head: Attention of opset 23."""
    query, key, value = node.shape(0), node.shape(1), node.shape(2)
    beside = len(query) == 3  # all heads of a token side by side
    if beside:
        heads, of_keys = node.attribute("q_num_heads"), node.attribute("kv_num_heads")
        query = (query[0], heads, query[1], query[2] // heads)
        key, value = ((s[0], of_keys, s[1], s[2] // of_keys) for s in (key, value))
    past = node.shape(4)[2] if node.name(4) else 0
    keys = key[2] + past
    scores = Product(query[:2], query[2], query[3], keys, kind="attention")
    mixed = Product(query[:2], query[2], keys, value[3], kind="attention")
    across = (*query[:2], keys, value[3])
    turned = (*query[:2], key[3], keys)

    def reads(outputs: list[Shape | None]) -> Shape | None:
        made = outputs[0]
        if made is None or not beside:
            return made
        return (made[0], query[1], made[1], made[2] // query[1])

    # the node does not put its scores out: their shape is that of the formula
    yield Counted(scores, query, (Run("MatMul", (query, turned)),), reads=lambda _: scores.output)
    yield Counted(mixed, scores.output, (Run("MatMul", (scores.output, across)),), reads=reads)


def _gather(node: Node) -> Iterator[Counted]:
    """A lookup in a table of parameters; everything else that gathers only moves."""
    table = node.shape(0)
    if not node.is_weight(0) or len(table) != 2 or node.attribute("axis", 0) or node.values.is_fixed(node.name(1)):
        return
    yield Counted(Embedding(node.shape(1), *table), node.shape(1), (), node.operand(0))


def _pool(node: Node) -> Iterator[Counted]:
    input, kernel = node.shape(0), tuple(node.attribute("kernel_shape"))
    stride, dilation, before, after = _windows(node, input[2:], kernel)
    if before != after:
        raise NoFormula
    formula = Pooling(input, kernel, stride, before, dilation, bool(node.attribute("ceil_mode", 0)))
    counts = formula.output[2:]
    reached = [(c - 1) * s + d * (k - 1) + 1 for c, s, d, k in zip(counts, stride, dilation, kernel)]
    ends = tuple(r - n - b for r, n, b in zip(reached, input[2:], before))  # negative: what no window reaches
    kept = tuple(n + min(end, 0) for n, end in zip(input[2:], ends))
    beyond = tuple(max(end, 0) for end in ends)
    planes, ones = prod(input[:2]), (1, 1, *kernel)
    common = {"strides": stride, "dilations": dilation}
    inside = Run("Conv", ((1, 1, *kept), ones), common | {"pads": (*before, *beyond)}, planes)
    filled = Run("Conv", ((1, 1, *reached), ones), common, planes)
    yield Counted(formula, input, (inside,), filled=(filled,))


def _global_pool(node: Node) -> Iterator[Counted]:
    input = node.shape(0)
    formula = Pooling(input, outputs=(1,) * (len(input) - 2))
    run = Run("Conv", ((1, 1, *input[2:]), (1, 1, *input[2:])), {}, prod(input[:2]))
    yield Counted(formula, input, (run,))


READERS: dict[str, Callable[[Node], Iterator[Counted]]] = {
    "Conv": _convolution,
    "FusedConv": _convolution,
    "ConvInteger": lambda node: _convolution(node, added=99),
    "QLinearConv": lambda node: _convolution(node, 0, 3, 8),
    "ConvTranspose": _transposed,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "MatMulIntegerToFloat": _matmul,
    "DynamicQuantizeMatMul": _matmul,
    "QLinearMatMul": lambda node: _matmul(node, 0, 3),
    "Gemm": _gemm,
    "FusedGemm": _gemm,
    "MatMulNBits": _matmul_of_bits,
    "Einsum": _einsum,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "Attention": _attention,
    "Gather": _gather,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "LpPool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "GlobalLpPool": _global_pool,
}
