"""Networks without values: fake tensors have shapes, and take neither memory nor time.

What they cannot know is how many boxes survive, or which places are not zero. A network that is counted
without being run is counted as if every candidate survived: the most that it can execute. The report says so.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)

from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.silent_operations import name_of

aten = torch.ops.aten


@contextmanager
def without_values(
    model: nn.Module, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> Iterator[None]:
    """Inside, the network computes shapes only, as if it were on `device` (None: where it is) and of `dtype` (None:
    of its own). Its parameters and buffers are put back afterwards.

    They are exchanged for fake ones at once: converting them at each operation takes eight times as long.
    Whole-number buffers stay: a network may read its settings from them.
    """
    log = logging.getLogger("torch._subclasses.fake_tensor")  # writes a traceback for every error that is caught
    heard, log.disabled = log.disabled, True
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    before: list[tuple[nn.Module, str, torch.Tensor]] = []
    shapes: dict[int, torch.Tensor] = {}
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue
        for name, value in (*module._parameters.items(), *module._buffers.items()):
            if value is not None and not nn.parameter.is_lazy(value) and value.is_floating_point():
                before.append((module, name, value))
                as_it_is = not value.is_meta and dtype in (None, value.dtype) and device in (None, value.device)
                fake = mode.from_tensor(value) if as_it_is else _from_shape(value, mode, shapes, device, dtype)
                setattr(module, name, fake)
            elif value is not None and device is not None and value.device != device:
                before.append((module, name, value))
                setattr(module, name, value.to(device))
    try:
        with mode, EverythingSurvives():
            yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        log.disabled = heard


def _from_shape(
    value: torch.Tensor,
    mode: FakeTensorMode,
    shapes: dict[int, torch.Tensor],
    device: torch.device | None,
    dtype: torch.dtype | None,
) -> torch.Tensor:
    """A fake tensor for a parameter that was never given memory, or not there, or not of that type; the same for
    the same. (On the CPU, if it does not matter.)"""
    if id(value) not in shapes:
        with mode:
            where = device or torch.device("cpu")
            empty = torch.empty_strided(value.size(), value.stride(), dtype=dtype or value.dtype, device=where)
            parameter = isinstance(value, nn.Parameter)
            shapes[id(value)] = nn.Parameter(empty, value.requires_grad) if parameter else empty
    return shapes[id(value)]


class EverythingSurvives(DispatchMode):
    """Entered above the fake tensors: answers what they refuse to."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            return func(*args, **(kwargs or {}))
        except (DynamicOutputShapeException, DataDependentOutputException):
            answer = _ANSWERS.get(name_of(func))
            if answer is None:
                raise
            return answer(*args)


def _nonzero(mask: torch.Tensor) -> torch.Tensor:
    return mask.new_empty((mask.numel(), mask.dim()), dtype=torch.int64)


def _index(tensor: torch.Tensor, indices: list[torch.Tensor | None]) -> Any:
    """A mask becomes one list of indices for each of its axes."""
    places: list[torch.Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype in (torch.bool, torch.uint8):
            places += [index.new_empty(index.numel(), dtype=torch.int64) for _ in range(index.dim())]
        else:
            places.append(index)
    return aten.index.Tensor(tensor, places)


def _unique(tensor: torch.Tensor, *_: Any) -> tuple[torch.Tensor, ...]:
    """One class of candidates: torchvision suppresses overlapping boxes class by class, without connections."""
    one = tensor.new_empty(1)
    return one, tensor.new_empty(tensor.shape, dtype=torch.int64), one.new_empty(1, dtype=torch.int64)


def _number(tensor: torch.Tensor) -> bool | int | float:
    if not isinstance(tensor, FakeTensor):  # a buffer, whose value is known
        with torch.utils._python_dispatch._disable_current_modes():
            return tensor.item()
    return tensor.dtype.is_floating_point * 1.0 or (True if tensor.dtype == torch.bool else 1)


_ANSWERS: dict[str, Callable[..., Any]] = {
    "aten.nonzero": _nonzero,
    "aten.index": _index,
    "aten.masked_select": lambda tensor, mask: tensor.new_empty(tensor.numel()),
    "aten._unique2": _unique,
    "aten._local_scalar_dense": _number,
    "torchvision.nms": lambda boxes, scores, overlap: boxes.new_empty(len(boxes), dtype=torch.int64),
}
