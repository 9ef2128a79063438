"""Which formula describes an executed torch operation, and which of its arguments are what.

To count one more operation: write a function that reads its arguments, and register it with `@reads`.
A reader gets the operation, its arguments by the names in torch's schema (`self` is the first of most),
what came out, and `weighted`, which tells whether a tensor was made from parameters alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol

import torch

from netsize.facts.network import Execution
from netsize.lecture.formulas import (
    Convolution,
    DeformableConvolution,
    Embedding,
    Formula,
    FractionalPooling,
    Pooling,
    Shape,
    TransposedConvolution,
)
from netsize.trace import ones
from netsize.trace.silent_operations import name_of

aten = torch.ops.aten
Given = dict[str, Any]


Packed = tuple[torch.Tensor, torch.Tensor | None]  # weights and biases


class Weighted(Protocol):
    """Whether a tensor was made from parameters; and whether from those of the module that is being called.
    `packed`: weights and biases of that module that are no parameters to torch, told that they are. `unpacked`: a
    tensor without values that stands for as many elements as are packed into another one."""

    def __call__(self, tensor: torch.Tensor) -> bool: ...

    def owned(self, tensor: torch.Tensor) -> bool: ...

    def packed(self, parts: Packed) -> Packed: ...

    def unpacked(self, tensor: torch.Tensor, elements: int) -> torch.Tensor: ...


@dataclass
class Operation:
    """An executed operation, read."""

    formula: Formula
    input: torch.Tensor
    output: torch.Tensor
    run_on_ones: Callable[[], Execution]
    operands: list[torch.Tensor] = field(default_factory=list)  # what the connections multiply by
    bias: torch.Tensor | None = None
    factors: tuple[torch.Tensor, ...] = ()  # what is multiplied: inputs and weights
    state_bias: torch.Tensor | None = None  # a recurrent layer has one beside each of its two products
    parts: tuple["Operation", ...] = ()  # what the same kernel executes besides: a recurrent network's other layers
    deep: int = 1  # layers with weights on the longest way through it

    @property
    def biases(self) -> list[torch.Tensor]:
        return [bias for bias in (self.bias, self.state_bias) if bias is not None]


Reader = Callable[[Any, Given, Any, Weighted], Operation | None]
READERS: dict[str, Reader] = {}


def reads(*operations: Any) -> Callable[[Reader], Reader]:
    """Register a function as the reader of these operations (those of libraries that may not be there by name:
    torchvision.deform_conv2d); twice is an error."""

    def register(reader: Reader) -> Reader:
        for operation in operations:
            name = operation if isinstance(operation, str) else f"aten.{operation.__name__}"
            assert name not in READERS, f"{name} has a reader already"
            READERS[name] = reader
        return reader

    return register


def is_read(func: Any) -> bool:
    return name_of(func) in READERS


def named(func: Any, args: tuple[Any, ...], kwargs: Given) -> Given:
    """The arguments of an operation by their names in torch's schema, defaults among them."""
    names, defaults = _arguments(func)
    given = defaults.copy()
    given.update(zip(names, args))
    given.update(kwargs)
    return given


@cache
def _arguments(func: Any) -> tuple[list[str], Given]:
    """Their names, in order, and what they are if they are not given."""
    schema = func._schema.arguments
    return [argument.name for argument in schema], {argument.name: argument.default_value for argument in schema}


def read(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation | None:
    """The operation that was executed, or None if it is none that netsize has a formula for."""
    reader = READERS.get(name_of(func))
    return reader(func, given, output, weighted) if reader is not None else None


@reads(aten.convolution, aten._convolution)
def convolution(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """`unpadded` is the shape of the input before torch padded it by a copy: padding="same", even kernel."""
    input, weight, unpadded = given["input"], given["weight"], given.get("unpadded")
    kernel, shape, groups = tuple(weight.shape[2:]), tuple(input.shape), given["groups"]
    stride, padding, dilation, extra = (
        each(given[name], len(kernel)) for name in ("stride", "padding", "dilation", "output_padding")
    )
    formula: Formula
    if given["transposed"]:
        out = weight.shape[1] * groups
        formula = TransposedConvolution(shape, out, kernel, stride, padding, dilation, groups, extra)
    elif unpadded and unpadded != shape:
        after = tuple(p + n - m for p, n, m in zip(padding, shape[2:], unpadded[2:]))
        formula = Convolution(unpadded, weight.shape[0], kernel, stride, padding, dilation, groups, after)
    else:
        unpadded = None
        formula = Convolution(shape, weight.shape[0], kernel, stride, padding, dilation, groups)
    settings = (stride, dilation, given["transposed"], groups)
    run = partial(ones.convolution, shape, tuple(weight.shape), padding, extra, settings, unpadded, input.device)
    return Operation(formula, input, output, run, [weight], given["bias"], (input, weight))


@reads(aten.conv_tbc)
def time_first_convolution(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """x (time, batch, M), W (kernel, M, N): torch's convolution for sequences."""
    input, weight = given["self"], given["weight"]
    time, batch, channels = input.shape
    kernel, _, out = weight.shape
    formula = Convolution((batch, channels, time), out, (kernel,), (1,), (given["pad"],), (1,), 1)
    run = partial(ones.time_first_convolution, func, formula, input.device)
    batch_first = output.permute(1, 2, 0)
    return Operation(
        formula, input.permute(1, 2, 0), batch_first, run, [weight], given["bias"], factors=(input, weight)
    )


@reads("torchvision.deform_conv2d")
def deformable_convolution(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """torchvision.ops.deform_conv2d, with its modulation (a mask) or without."""
    input, weight, offset = given["input"], given["weight"], given["offset"]
    stride, padding, dilation = (
        (given[f"{name}_h"], given[f"{name}_w"]) for name in ("stride", "pad", "dilation")
    )  # fmt: skip
    settings = (tuple(weight.shape[2:]), stride, padding, dilation, given["groups"])
    formula = DeformableConvolution(tuple(input.shape), weight.shape[0], *settings)
    run = partial(ones.deformable_convolution, func, formula, given)
    moved = input if input.requires_grad else offset  # the gradients of both come from one product
    return Operation(formula, input, output, run, [weight], given["bias"], (moved, weight))


@reads(aten.embedding)
def embedding(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    table, indices = given["weight"], given["indices"]
    formula = Embedding(tuple(indices.shape), *table.shape)
    return Operation(formula, indices, output, _multiplies_nothing, [table])


@reads(aten._embedding_bag, aten._embedding_bag_forward_only)
def embedding_bag(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """Indices are one long list, `offsets` says where each bag begins (and, if so given, where the last ends)."""
    table, indices = given["weight"], given["indices"]
    bags = given["offsets"].shape[0] - int(given["include_last_offset"])
    entries, features = table.shape
    formula = Embedding((bags, indices.shape[0]), entries, features, summed=True)
    return Operation(formula, indices, output[0], _multiplies_nothing, [table])


def _multiplies_nothing() -> Execution:
    return Execution(connections=0, inside=0)


@reads(
    aten.max_pool2d_with_indices, aten.max_pool3d_with_indices, aten.avg_pool1d, aten.avg_pool2d, aten.avg_pool3d,
    aten.quantized_max_pool1d, aten.quantized_max_pool2d, aten.quantized_max_pool3d,
)  # fmt: skip
def pool(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    input, result = given["self"], output[0] if isinstance(output, tuple) else output
    axes = int(func.overloadpacket.__name__.partition("pool")[2][0])
    kernel = each(given["kernel_size"], axes)
    formula = Pooling(
        tuple(input.shape),
        kernel,
        each(given["stride"], axes) or kernel,
        each(given["padding"], axes),
        each(given.get("dilation", 1), axes),
        given["ceil_mode"],
    )
    run = partial(ones.windows, formula, tuple(result.shape), input.device)
    return Operation(formula, input, result, run)


@reads(aten._adaptive_avg_pool2d, aten._adaptive_avg_pool3d, aten.adaptive_max_pool2d, aten.adaptive_max_pool3d)
def adaptive_pool(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    input, result = given["self"], output[0] if isinstance(output, tuple) else output
    formula = Pooling(tuple(input.shape), outputs=tuple(given["output_size"]))
    return Operation(formula, input, result, partial(ones.adaptive, func, formula, input.device))


@reads(aten.fractional_max_pool2d, aten.fractional_max_pool3d)
def fractional_pool(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    input = given["self"]
    formula = FractionalPooling(tuple(input.shape), tuple(given["kernel_size"]), tuple(given["output_size"]))
    run = partial(ones.fractional, func, formula, given["random_samples"])
    return Operation(formula, input, output[0], run)


@reads(aten.mean)
def global_pool(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation | None:
    """torch runs adaptive pooling to 1x1 as a mean over all places; a mean over anything else is no pool."""
    input = given["self"]
    places = range(2, input.dim())
    if len(places) < 2 or sorted(axis % input.dim() for axis in given.get("dim") or ()) != list(places):
        return None
    formula = Pooling(tuple(input.shape), outputs=(1,) * len(places))
    result = output.reshape(formula.output)
    return Operation(formula, input, result, partial(ones.mean, formula, input.device))


def each(value: Any, axes: int) -> Shape:
    """One number for each axis: torch writes (2,) or 2 for (2, 2)."""
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * axes if len(values) == 1 else values


_NUMBERS = frozenset((int, float, bool, str, type(None)))  # most of what operations are given besides tensors


def tensors(value: Any) -> list[torch.Tensor]:
    """The tensors in arguments or results, in order."""
    found: list[torch.Tensor] = []
    _gather((value,), found)
    return found


def _gather(values: Iterable[Any], found: list[torch.Tensor]) -> None:
    for value in values:
        if type(value) in _NUMBERS:
            continue
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            _gather(value, found)
        elif isinstance(value, dict):
            _gather(value.values(), found)
