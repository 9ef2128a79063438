"""How many connections an executed operation goes through: forward, or backward to its inputs or its weights."""

from math import prod
from typing import Any

import torch

from netsize.trace.operations import Packed, convolution, deformable_convolution, is_read, named, read
from netsize.trace.silent_operations import name_of

aten = torch.ops.aten
_APART = ("pooling", "recurrent")  # kernels of whose backward nothing is known, and what is no product


def connections(func: Any, args: Any, kwargs: Any, output: Any) -> int:
    """Of all examples together; 0 for what has none, or no formula."""
    if func.overloadpacket is aten.convolution_backward:
        given = named(func, args, kwargs) | {"bias": None}
        made = convolution(func, given, given["grad_output"], _unweighted)
        wanted: int = sum(given["output_mask"][:2])
        return made.formula.connections * wanted if made else 0
    if func.overloadpacket is aten._trilinear:
        return _trilinear(named(func, args, kwargs))
    if func.overloadpacket is aten._cdist_backward:
        others: int = named(func, args, kwargs)["x2"].shape[-2]
        return int(output.numel()) * others
    if name_of(func) == "torchvision._deform_conv2d_backward":  # to the places and the weights, whoever asks for them
        given = named(func, args, kwargs)
        made = deformable_convolution(func, given, given["grad"], _unweighted)
        return 2 * made.formula.connections if made else 0
    fused = _fused(func, args, kwargs)
    if fused is not None or not is_read(func):
        return fused or 0
    operation = read(func, named(func, args, kwargs), output, _unweighted)
    return 0 if operation is None or operation.formula.kind in _APART else operation.formula.connections


def _trilinear(given: dict[str, Any]) -> int:
    """Products of three factors, each of which is repeated along the axes that it lacks."""
    factors = []
    for name, axes in (("i1", "expand1"), ("i2", "expand2"), ("i3", "expand3")):
        shape = list(given[name].shape)
        for axis in sorted(given[axes]):
            shape.insert(axis, 1)
        factors.append(shape)
    return prod(torch.broadcast_shapes(*factors))


def _fused(func: Any, args: Any, kwargs: Any) -> int | None:
    """Attention in one kernel: scores and attended values; in backward the gradients of values, probabilities,
    queries and keys, and the scores once more (Dao et al. 2022)."""
    name = func.overloadpacket.__name__
    if not name.startswith("_scaled_dot_product_") or "choice" in name:
        return None
    given = named(func, args, kwargs)
    query, key, value = given["query"], given["key"], given["value"]
    pairs = prod(query.shape[:-1]) * key.shape[-2]
    scores: int = pairs * query.shape[-1]
    values: int = pairs * value.shape[-1]
    return 3 * scores + 2 * values if "backward" in name else scores + values


class _Unweighted:
    """Where the number alone matters: which operand holds parameters does not change it."""

    def __call__(self, tensor: torch.Tensor) -> bool:
        return False

    def owned(self, tensor: torch.Tensor) -> bool:
        return False

    def packed(self, parts: Packed) -> Packed:
        return parts

    def unpacked(self, tensor: torch.Tensor, elements: int) -> torch.Tensor:
        return torch.empty(elements, device="meta")


_unweighted = _Unweighted()
