"""Attention over many positions, executed by torch's fused kernel, which never makes all scores at once.

What torch computes where it is not fused (its two products, and what lies between) is executed beside it on shapes
alone, is seen like any other operation, and leads from the real operands to the real output. It takes neither memory
nor time; with values it would take twice as long as the rest of a network that looks at thousands of positions.
"""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from netsize.trace.by_tensor import Tensors
from netsize.trace.operations import tensors

MANY = 2**20  # scores, of all heads together: 4 MiB


def is_long(func: Any, args: Any, kwargs: Any) -> bool:
    """Whether the kernel may do the same: on a CPU, where nothing goes backward. What it does not take (dropout), torch
    computes by the products itself."""
    given = tensors((args, kwargs))
    if func is not F.scaled_dot_product_attention or len(given) < 2 or not all(map(_is_plain, given)):
        return False
    query, key = kwargs.get("query", given[0]), kwargs.get("key", given[1])
    return bool(prod(query.shape[:-1]) * key.shape[-2] >= MANY)


def _is_plain(tensor: torch.Tensor) -> bool:
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(tensor)  # by vmap and its like: no memory of its own
    plain = type(tensor) in (torch.Tensor, nn.Parameter) and tensor.layout is torch.strided and not wrapped
    return plain and tensor.dim() >= 2 and tensor.device.type == "cpu" and not tensor.requires_grad


def fused(known: Tensors, see: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Its output, of which the same is known as of what `see` makes of the shapes."""
    with _disable_current_modes(), sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
        output = F.scaled_dot_product_attention(*args, **kwargs)
    shapes = pytree.tree_map_only(torch.Tensor, partial(_shape, known), (args, kwargs))
    known.stands_for(output, see(*shapes[0], **shapes[1]))
    return output


def _shape(known: Tensors, tensor: torch.Tensor) -> torch.Tensor:
    """Lies in memory as the tensor does, of which it has none."""
    with torch._C._DisableTorchDispatch():
        memory = torch.UntypedStorage(tensor.untyped_storage().nbytes(), device="meta")
        shape = torch.empty(0, dtype=tensor.dtype, device="meta")
        shape.set_(memory, int(tensor.storage_offset()), tensor.size(), tensor.stride())
    known.stands_for(shape, tensor)
    return shape
