"""Tensors that are made of others: numbers of few bits with their scales, as torchao has them."""

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def made_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The plain tensors that it holds; none of a plain one."""
    if not is_traceable_wrapper_subclass(tensor):
        return []
    parts = [getattr(tensor, name) for name in tensor.__tensor_flatten__()[0]]
    return [inner for part in parts if isinstance(part, torch.Tensor) for inner in (made_of(part) or [part])]
