"""Nested tensors whose parts have lengths of their own, and which have no shape themselves. (Jagged ones have one.)"""

from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes


def is_ragged(tensor: torch.Tensor) -> bool:
    return bool(tensor.is_nested) and tensor.layout is torch.strided


def parts_of(tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
    with _disable_current_modes():
        return tuple(part.detach() for part in tensor.unbind())


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """Of a ragged one that of its only part, as a batch of one; of several parts all of their rows."""
    if not is_ragged(tensor):
        return tuple(tensor.shape)
    parts = [tuple(part.shape) for part in parts_of(tensor)]
    if len(parts) == 1:
        return (1, *parts[0])
    return (sum(prod(shape[:1]) for shape in parts), *parts[0][1:]) if parts else (0,)


def part_of(value: Any, index: int, batched: bool) -> Any:
    """Arguments with one part in the place of each nested tensor; `batched`: as a batch of one."""
    if isinstance(value, torch.Tensor):
        if not is_ragged(value):
            return value
        part = parts_of(value)[index]
        return part.unsqueeze(0) if batched else part
    if isinstance(value, dict):
        return {key: part_of(item, index, batched) for key, item in value.items()}
    return type(value)(part_of(item, index, batched) for item in value) if isinstance(value, (list, tuple)) else value
