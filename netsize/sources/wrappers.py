"""Tensors that are made of others: numbers of few bits with their scales, as torchao has them, and what is spread over
several devices, each of which holds a share (DTensor)."""

from collections import Counter
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass_type


@cache
def is_wrapper(kind: type) -> bool:
    """Whether tensors of this type are made of others."""
    return bool(is_traceable_wrapper_subclass_type(kind))


def made_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The plain tensors that it holds; none of a plain one."""
    if not is_wrapper(type(tensor)):
        return []
    wrapper: Any = tensor
    parts = [getattr(wrapper, name) for name in wrapper.__tensor_flatten__()[0]]
    return [inner for part in parts if isinstance(part, torch.Tensor) for inner in (made_of(part) or [part])]


def weights_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The parts that hold its numbers, and not scales: those with an element for each of its own; if several of its
    elements are packed into one, the largest part of whole numbers. Of a spread one its share."""
    share = share_of(tensor)
    if share is not None:
        return [share]
    parts = made_of(tensor)
    each = [part for part in parts if part.numel() == tensor.numel()]
    packed = [part for part in parts if not part.is_floating_point()]
    return each or sorted(packed, key=lambda part: part.nbytes)[-1:]


@cache
def is_spread(kind: type) -> bool:
    """Whether tensors of this type are spread; without importing torch's, which takes long and may not be there."""
    return issubclass(kind, torch.Tensor) and hasattr(kind, "device_mesh")


def share_of(tensor: torch.Tensor) -> torch.Tensor | None:
    """What this device holds of a spread one; None of any other."""
    share = getattr(tensor, "_local_tensor", None) if is_spread(type(tensor)) else None
    return share if isinstance(share, torch.Tensor) else None


def bytes_of(tensor: torch.Tensor) -> Counter[str]:
    """How much is stored, by type: scales and zero points of quantized numbers, and the places of sparse ones, too; of
    what is spread over several devices, on all of them together."""
    if is_spread(type(tensor)):
        return Counter({_type(tensor): tensor.numel() * tensor.element_size()})
    found: Counter[str] = Counter()
    for part in made_of(tensor) or _sparse_parts(tensor) or [tensor]:
        found[_type(part)] += part.numel() * part.element_size()
    return found


def _sparse_parts(tensor: torch.Tensor) -> list[torch.Tensor]:
    if tensor.layout is torch.sparse_coo:
        return [tensor._indices(), tensor._values()]
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return [tensor.ccol_indices(), tensor.row_indices(), tensor.values()]
    return []


def _type(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
