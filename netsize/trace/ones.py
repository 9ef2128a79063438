"""The ones that count: run a layer's operation with every input and every weight set to 1, without bias.

Each output unit then is its own fan-in, and the sum of the outputs is the number of connections. With the
padding filled with ones it counts connections to padding, too; left at zero it leaves them out.

float32 holds every whole number up to 2^24, and adds ones exactly as long as the sums stay below that;
beyond that fan-in the ones are float64 (exact up to 2^53). Outputs are rounded before they are added up in
int64: GPU libraries may convolve by a transform (Winograd, FFT) with a relative error of about 1e-6, which
leaves a fan-in below 2^17 within 1/8 of its whole number. Direct summation has no error to round away.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import _disable_current_modes

from netsize.facts.network import Execution
from netsize.lecture.formulas import Convolution, DeformableConvolution, FractionalPooling, Pooling, Shape
from netsize.lecture.products import GroupedProduct

EXACT_IN_FLOAT32 = 2**24
COMPRESSED = (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)
FEW = 2**20  # elements of a convolution's input of ones at a time, 4 MiB
CHUNK = 2**22  # elements of a matrix of ones at a time, 16 MiB: a large layer's matrix is run in pieces


def _total(output: torch.Tensor) -> int:
    return int(output.round_().sum(dtype=torch.int64).item())


def _ones(shape: Shape | torch.Size, fan_in: int, device: torch.device) -> torch.Tensor:
    exact = torch.float32 if fan_in <= EXACT_IN_FLOAT32 else torch.float64
    return torch.ones(tuple(shape), dtype=exact, device=device)


@lru_cache(maxsize=4096)  # networks have layers of the same shapes as others
def convolution(
    input: Shape,
    weight: Shape,
    padding: Shape,
    extra: Shape,
    settings: tuple[Shape, Shape, bool, int],
    unpadded: Shape | None,
    device: torch.device,
) -> Execution:
    """A convolution, or a transposed one with output_padding `extra`, of such shapes; `settings`: stride, dilation,
    whether it is transposed, groups. `unpadded` is the shape of the input before torch padded it by a copy
    (padding="same" with an even kernel): those zeros are padding, too.

    All output channels see as many inputs, and with weights of 1 they are equal: one is run on the inputs of its group,
    and stands for as many as the parameter that was really used has. Input channels are run some at a time: the
    network's own activations are in memory, too."""
    stride, dilation, transposed, groups = settings
    channels = input[1] // groups
    outputs = weight[1] * groups if transposed else weight[0]
    fan_in = prod(weight[2:]) * channels
    at_once = max(1, FEW // max(1, prod((input[0], *input[2:]))))

    def some(channels: int, size: Sequence[int], grown: list[int], padding: Shape, extra: Shape) -> int:
        kernel = _ones((channels, 1, *weight[2:]) if transposed else (1, channels, *weight[2:]), fan_in, device)
        ones = _ones((input[0], channels, *size), fan_in, device)
        ones = F.pad(ones, grown) if any(grown) else ones
        output = torch.ops.aten.convolution.default(
            ones, kernel, None, stride, padding, dilation, transposed, extra, groups=1
        )
        return _total(output)

    def run(*how: Any) -> int:
        return outputs * sum(some(min(at_once, channels - n), *how) for n in range(0, channels, at_once))

    size, none = input[2:], (0,) * len(padding)
    inner = size if unpadded is None else unpadded[2:]
    grown = [n for before, after in zip(inner, size) for n in (after - before, 0)][::-1]  # F.pad's last axis is first
    inside = run(inner, grown, padding, extra)
    if not any(padding) and not any(extra) and not unpadded:
        return Execution(connections=inside, inside=inside)
    if transposed:  # its padding crops the output: uncropped, nothing falls outside
        return Execution(connections=run(size, [], none, none), inside=inside)
    padded = [n + 2 * p for n, p in zip(size, padding)]
    return Execution(connections=run(padded, [], none, none), inside=inside)


def time_first_convolution(func: Any, formula: Convolution, device: torch.device) -> Execution:
    """As `convolution`: one output channel stands for all."""
    (batch, channels, time), (kernel,), (padding,) = formula.input, formula.kernel, formula.padding

    def run(time: int, padding: int) -> int:
        left, right = ((time, batch, channels), (kernel, channels, 1))
        ones = [_ones(shape, formula.fan_in, device) for shape in (left, right)]
        return formula.out_channels * _total(func(*ones, torch.zeros(1, dtype=ones[0].dtype, device=device), padding))

    return Execution(connections=run(time + 2 * padding, 0), inside=run(time, padding))


def deformable_convolution(func: Any, formula: DeformableConvolution, given: dict[str, Any]) -> Execution:
    """With its places where a plain kernel has them, and all that surrounds the input filled with ones; one output
    channel of each group stands for all."""
    device, (height, width) = given["input"].device, formula.padding
    batch, channels, *size = formula.input
    padded = (batch, channels, size[0] + 2 * height, size[1] + 2 * width)
    kernel = _ones((formula.groups, *given["weight"].shape[1:]), formula.fan_in, device)
    offset, mask = (torch.zeros_like(given["offset"], dtype=kernel.dtype),
                    torch.ones_like(given["mask"], dtype=kernel.dtype))  # fmt: skip
    bias = torch.zeros(formula.groups, dtype=kernel.dtype, device=device)
    changed = {"input": _ones(padded, formula.fan_in, device), "weight": kernel, "offset": offset, "mask": mask,
               "bias": bias, "pad_h": 0, "pad_w": 0}  # fmt: skip
    names = [argument.name for argument in func._schema.arguments]
    total = formula.out_channels // formula.groups * _total(func(*(({**given, **changed})[name] for name in names)))
    return Execution(connections=total, inside=total)


_BATCHED = (torch.ops.aten.bmm.default, torch.ops.aten.baddbmm.default)


def product(
    func: Any, operands: tuple[torch.Tensor, torch.Tensor], added: torch.Tensor | None, fan_in: int
) -> Execution:
    """Any product that torch spells func(left, right) or func(added, left, right), where 0 is added.

    All columns of the result see the same rows, and all matrices of a batch are equal: one is run, and stands for as
    many as the operand that was really used has."""
    left, right = (tuple(operand.shape) for operand in operands)
    device = operands[0].device
    if device.type == "meta":  # shapes alone, inside of a kernel of the CPU's
        device = torch.device("cpu")
    return _product(func, left, right, None if added is None else added.dim(), fan_in, device)


@lru_cache(maxsize=4096)
def _product(func: Any, left: Shape, right: Shape, added: int | None, fan_in: int, device: torch.device) -> Execution:
    columns = matrices = 1
    if func in _BATCHED:
        matrices, left, right = left[0], (1, *left[1:]), (1, *right[1:])
    if func is torch.ops.aten.linear.default:
        columns, right = right[0], (1, *right[1:])
    elif len(right) > 1:
        columns, right = right[-1], (*right[:-1], 1)
    ones = [_ones(shape, fan_in, device) for shape in (left, right)]
    if added is not None:
        ones.insert(0, torch.zeros((1,) * added, dtype=ones[0].dtype, device=device))
    total = matrices * columns * _total(func(*ones))
    return Execution(connections=total, inside=total)


def outer(left: torch.Tensor, right: torch.Tensor) -> Execution:
    total = _total(_ones(left.shape, 1, left.device) * _ones(right.shape, 1, left.device))
    return Execution(connections=total, inside=total)


def sparse_product(
    func: Any, operands: tuple[torch.Tensor, torch.Tensor], added: torch.Tensor | None, fan_in: int
) -> Execution:
    """A product with a sparse operand: its ones stand where it stores its entries."""
    ones = [_sparse_ones(operand, fan_in) if is_sparse(operand) else _ones(operand.shape, fan_in, operand.device)
            for operand in operands]  # fmt: skip
    if added is None:
        total = _total(func(*ones))
    else:
        shape = (ones[0].shape[0], *ones[1].shape[1:])
        total = _total(func(torch.zeros(shape, dtype=ones[0].dtype, device=operands[0].device), *ones))
    return Execution(connections=total, inside=total)


def grouped(formula: GroupedProduct, ends: torch.Tensor, kind: torch.dtype) -> Execution:
    """The product of groups itself, with the groups that values made. Its kernels take few types, and put out what
    they are given: the inner axis is run in pieces that this type adds up exactly. They ask for rows of memory that
    are whole multiples of 16 bytes: the ones lie in wider ones. What belongs to no group is left out, nobody writes
    it."""
    on_left, on_right = ((formula.groups,) if formula.split == axis else () for axis in ("columns", "rows"))
    piece = min(formula.inner, _EXACT[kind])
    width = max(1, CHUNK // max(1, piece * formula.groups)) if on_right else max(1, formula.columns)
    total = 0
    for first in range(0, formula.inner, piece or 1):
        inner = min(piece, formula.inner - first)
        here = (ends.clamp(first, first + inner) - first).to(ends.dtype) if formula.split == "inner" else ends
        left = _aligned((*on_left, formula.rows, inner), kind, ends.device)
        for column in range(0, formula.columns, width):
            right = _aligned((*on_right, inner, min(width, formula.columns - column)), kind, ends.device)
            made = torch.ops.aten._grouped_mm.default(left, right, here)
            made = made[: formula.used] if on_right else made[:, : formula.used] if on_left else made
            total += _total(made)
    return Execution(connections=total, inside=total)


def custom(func: Any, arguments: dict[str, Any], added: tuple[str, ...], fan_in: int) -> Execution:
    """The operation itself, whatever numbers it takes, where they are exact; those of half precision in float32, if
    their sums need it."""

    def on_ones(name: str, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(on_ones(name, item) for item in value)
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            return value
        kind = value.dtype if fan_in <= _EXACT.get(value.dtype, 2**53) else _ones((), fan_in, value.device).dtype
        made = torch.zeros_like if name in added else torch.ones_like
        return made(value, dtype=kind, requires_grad=False)

    made = func(**{name: on_ones(name, value) for name, value in arguments.items()})
    total = _total((made if isinstance(made, torch.Tensor) else made[0]).clone())
    return Execution(connections=total, inside=total)


# whole numbers up to here are exact: of the significand's bits, one more than are stored
_EXACT = {torch.float32: 2**24, torch.float16: 2**11, torch.bfloat16: 2**8}


def _aligned(shape: Shape, kind: torch.dtype, device: torch.device) -> torch.Tensor:
    wide = -(-shape[-1] // 16) * 16
    return torch.ones((*shape[:-1], wide), dtype=kind, device=device)[..., : shape[-1]]


def is_sparse(tensor: torch.Tensor) -> bool:
    return tensor.layout in (torch.sparse_coo, *COMPRESSED)


def _sparse_ones(sparse: torch.Tensor, fan_in: int) -> torch.Tensor:
    kind = torch.float32 if fan_in <= EXACT_IN_FLOAT32 else torch.float64
    if sparse.layout is torch.sparse_coo:
        ones = torch.ones_like(sparse._values(), dtype=kind)
        return torch.sparse_coo_tensor(sparse._indices(), ones, sparse.shape, check_invariants=False)
    by_rows = sparse.layout in (torch.sparse_csr, torch.sparse_bsr)
    starts, places = (
        (sparse.crow_indices(), sparse.col_indices()) if by_rows else (sparse.ccol_indices(), sparse.row_indices())
    )
    ones = torch.ones_like(sparse.values(), dtype=kind)
    return torch.sparse_compressed_tensor(
        starts, places, ones, sparse.shape, layout=sparse.layout, check_invariants=False
    )


def entries(tensor: torch.Tensor) -> int:
    """Elements that are stored: of a dense tensor all, of a sparse one those that may be other than 0."""
    if not is_sparse(tensor):
        return tensor.numel()
    with _disable_current_modes():  # without values torch takes a sparse tensor for an empty one
        values = tensor._values() if tensor.layout is torch.sparse_coo else tensor.values()
        return values.numel()


def distance(left: torch.Tensor, right: torch.Tensor) -> Execution:
    """Ones against zeros by the 1-norm: every pair of numbers that is compared adds 1."""
    ones = _ones(left.shape, left.shape[-1], left.device)
    zeros = torch.zeros_like(right, dtype=ones.dtype)
    total = _total(torch.ops.aten._cdist_forward.default(ones, zeros, 1.0, None))
    return Execution(connections=total, inside=total)


def trilinear(func: Any, operands: tuple[torch.Tensor, ...], settings: list[Any], fan_in: int) -> Execution:
    ones = [_ones(tensor.shape, fan_in, tensor.device) for tensor in operands]
    total = _total(func(*ones, *settings))
    return Execution(connections=total, inside=total)


def windows(formula: Pooling, output: Shape, device: torch.device) -> Execution:
    """A pool of ones gives 1, not its fan-in: its windows are run once more as a convolution with a kernel of
    ones, on one channel, at as many places as outputs came out."""
    axes = len(formula.kernel)
    sizes, counts, fan_in = formula.input[-axes:], output[-axes:], prod(formula.kernel)
    pads: list[int] = []
    for size, count, kernel, stride, padding, dilation in zip(
        sizes, counts, formula.kernel, formula.stride, formula.padding, formula.dilation
    ):
        reached = (count - 1) * stride + dilation * (kernel - 1) + 1
        pads = [padding, reached - size - padding, *pads]  # a negative pad crops what no window reaches
    convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    kernels = _ones((1, 1, *formula.kernel), fan_in, device)
    planes = prod(output[:-axes])

    def run(ones: torch.Tensor, pads: list[int]) -> int:
        return planes * _total(convolve(F.pad(ones, pads), kernels, stride=formula.stride, dilation=formula.dilation))

    inside = run(_ones((1, 1, *sizes), fan_in, device), pads)
    grown = [size + pads[-2 * i - 2] + pads[-2 * i - 1] for i, size in enumerate(sizes)]
    return Execution(connections=run(_ones((1, 1, *grown), fan_in, device), [0] * len(pads)), inside=inside)


def adaptive(func: Any, formula: Pooling, device: torch.device) -> Execution:
    """The pool itself is run, axis by axis, on inputs that are 1 in places as far from each other as two of the
    longest windows are long, and 0 elsewhere: the outputs that answer are those that see one of them. Each place is 1
    in one of these inputs. (Were a window longer, it would answer to all of them: more often than its formula
    says.) Windows are boxes, so the axes multiply."""
    axes = len(formula.outputs)
    total = prod(formula.input[:-axes])
    for axis in range(axes):
        size, count = formula.input[-axes + axis], formula.outputs[axis]
        total *= sum(_answers(func, marked, axes, axis, count) for marked in _spread(size, count, device))
    return Execution(connections=total, inside=total)


def _answers(func: Any, marked: torch.Tensor, axes: int, axis: int, count: int) -> int:
    shape, outputs = [1] * axes, [1] * axes
    shape[axis], outputs[axis] = marked.shape[1], count
    result = func(marked.reshape(marked.shape[0], 1, *shape), outputs)
    return int(((result[0] if isinstance(result, tuple) else result) > 0).sum().item())


def _spread(size: int, count: int, device: torch.device) -> Iterator[torch.Tensor]:
    """Inputs x places, some inputs at a time: each place is 1 in one of them."""
    apart = min(size, 2 * (size // count + 2))
    together = max(1, CHUNK // size)
    places = torch.arange(size, device=device) % apart
    for start in range(0, apart, together):
        inputs = torch.arange(start, min(start + together, apart), device=device)
        yield (places == inputs[:, None]).float()


def fractional(func: Any, formula: FractionalPooling, samples: torch.Tensor) -> Execution:
    """As `adaptive`, plane by plane: the windows of each fall by its own random numbers, those that were drawn. (Along
    the other axes one of two places is taken: torch wants more places than it puts out.)"""
    axes, planes = len(formula.kernel), samples.shape[0] * samples.shape[1]
    taps = torch.ones(planes, dtype=torch.int64, device=samples.device)
    for axis in range(axes):
        size, shape, kernel, outputs = formula.input[-axes + axis], [1] * axes, [1] * axes, [1] * axes
        shape[axis], kernel[axis], outputs[axis] = size, formula.kernel[axis], formula.outputs[axis]
        places = [size if i == axis else 2 for i in range(axes)]
        eye = torch.eye(size, device=samples.device).reshape(size, 1, *shape).expand(size, planes, *places)
        drawn = samples.reshape(1, planes, axes).expand(size, planes, axes).contiguous().float()
        seen = func(eye.contiguous(), kernel, outputs, drawn)[0] > 0
        taps *= seen.sum(dim=(0, *range(2, axes + 2)))
    total = int(taps.sum().item())
    return Execution(connections=total, inside=total)


def mean(formula: Pooling, device: torch.device) -> Execution:
    """A mean over all places: the sum of ones in its stead."""
    places = tuple(range(2, len(formula.input)))
    total = _total(torch.sum(_ones(formula.input, prod(formula.input[2:]), device), dim=places))
    return Execution(connections=total, inside=total)
