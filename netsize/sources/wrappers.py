"""Tensors that are made of others: numbers of few bits with their scales, as torchao has them."""

from collections import Counter

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def made_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The plain tensors that it holds; none of a plain one."""
    if not is_traceable_wrapper_subclass(tensor):
        return []
    parts = [getattr(tensor, name) for name in tensor.__tensor_flatten__()[0]]
    return [inner for part in parts if isinstance(part, torch.Tensor) for inner in (made_of(part) or [part])]


def weights_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The parts that hold its numbers, and not scales: those with an element for each of its own; if several of its
    elements are packed into one, the largest part of whole numbers."""
    parts = made_of(tensor)
    each = [part for part in parts if part.numel() == tensor.numel()]
    packed = [part for part in parts if not part.is_floating_point()]
    return each or sorted(packed, key=lambda part: part.nbytes)[-1:]


def bytes_of(tensor: torch.Tensor) -> Counter[str]:
    """How much is stored, by type: scales and zero points of quantized numbers, and the places of sparse ones, too; of
    what is spread over several devices, on all of them together."""
    if hasattr(tensor, "device_mesh"):
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
