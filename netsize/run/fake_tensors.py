"""Networks without values: fake tensors have shapes, and take neither memory nor time.

What they cannot know is how many boxes survive, or which places are not zero. A network that is counted
without being run is counted as if every candidate survived: the most that it can execute. The report says so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.utils.weak import WeakTensorKeyDictionary

from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.operations import tensors
from netsize.trace.silent_operations import name_of

aten = torch.ops.aten
REMEMBERED = 10_000  # answers that fake tensors keep for the next time, of all networks together: about 100 MiB
PATIENCE = 1_000  # guesses, before it is clear that a loop never ends


@contextmanager
def without_values(
    model: nn.Module,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
    answer: bool = True,
) -> Iterator["Guesses"]:
    """Inside, the network computes shapes only, as if it were on `device` (None: where it is) and of `dtype` (None:
    of its own). Its parameters and buffers are put back afterwards. `answer`: what is guessed where a value is asked
    for: true and 1, or false and 2.

    They are exchanged for fake ones at once: converting them at each operation takes eight times as long.
    Whole numbers stay, since a network may read its settings from them (buffers as copies, which it may change), and so
    do sparse ones, of which fake ones have no entries.
    """
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    before: list[tuple[nn.Module, str, torch.Tensor]] = []
    shapes: dict[int, torch.Tensor] = {}
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue
        for name, value in (*module._parameters.items(), *module._buffers.items()):
            if value is None or nn.parameter.is_lazy(value) or value.layout is not torch.strided:
                continue
            if value.is_floating_point():
                before.append((module, name, value))
                as_it_is = not value.is_meta and dtype in (None, value.dtype) and device in (None, value.device)
                fake = mode.from_tensor(value) if as_it_is else _from_shape(value, mode, shapes, device, dtype)
                setattr(module, name, fake)
            elif device not in (None, value.device):
                before.append((module, name, value))
                setattr(module, name, value.to(device))
            elif name in module._buffers and not value.is_meta:
                before.append((module, name, value))
                setattr(module, name, value.clone())
    try:
        with mode, Guesses(answer) as guesses:
            yield guesses
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        if len(FakeTensorMode.cache) > REMEMBERED:
            FakeTensorMode.cache_clear()


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


KNOWN = 2**20  # elements: larger constants are not worked out


class Guesses(DispatchMode):
    """Entered above the fake tensors. What no input goes into is known, and is worked out: sizes that a network
    computes from its settings. To what the fake tensors refuse it answers with a guess, and writes down which."""

    def __init__(self, answer: bool) -> None:
        super().__init__()
        self.made: list[str] = []
        self._answer = answer
        self._written: WeakTensorKeyDictionary = WeakTensorKeyDictionary()  # constants that hold more by now

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.prim.device.default:
            return func(*args, **kwargs)
        given = tensors((args, kwargs))
        constants = [tensor for tensor in given if not isinstance(tensor, FakeTensor)]
        known = len(constants) == len(given) and not any(tensor in self._written for tensor in given)
        if known and torch.Tag.nondeterministic_seeded not in func.tags:
            return _worked_out(func, args, kwargs, given)
        if func._schema.is_mutable and given and not isinstance(given[0], FakeTensor):
            self._written[given[0]] = True
        try:
            return func(*(_on_its_own(args) if constants else args), **kwargs)
        except (DynamicOutputShapeException, DataDependentOutputException):
            name = name_of(func)
            answer = self._number if name == "aten._local_scalar_dense" else _ANSWERS.get(name)
            if answer is None:
                raise
            self.made.append(name)
            if len(self.made) > PATIENCE:
                raise NeverEnds(f"{name} is asked again and again: values decide when it ends") from None
            return answer(*args)

    def _number(self, tensor: torch.Tensor) -> bool | int | float:
        if tensor.dtype == torch.bool:
            return self._answer
        number = 1 if self._answer else 2
        return float(number) if tensor.dtype.is_floating_point else number


class NeverEnds(Exception):
    """A loop that a value ends, and there are no values."""


def _worked_out(func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
    """What an operation makes of constants (`given`), or a new tensor of whole numbers; if it is large, without
    values."""
    if not given:
        made = func(*args, **kwargs)
        whole = isinstance(made, FakeTensor) and not (made.dtype.is_floating_point or made.dtype.is_complex)
        if not whole or made.device.type != "cpu" or made.numel() > KNOWN:
            return made
    elif not func._schema.is_mutable and all(tensor.layout is torch.strided for tensor in given):
        with suppress(DynamicOutputShapeException, DataDependentOutputException):
            made = func(*args, **kwargs)
            if any(tensor.numel() > KNOWN for tensor in tensors(made)):
                return made
    with unset_fake_temporarily():
        return func(*args, **kwargs)


def _on_its_own(value: Any) -> Any:
    """A sparse constant that is a view of another one, of which fake tensors know nothing, as one that is none."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_on_its_own, value))
    if not isinstance(value, torch.Tensor) or value.layout is torch.strided or isinstance(value, FakeTensor):
        return value
    with unset_fake_temporarily():
        return value.detach().clone() if value._is_view() else value


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


_ANSWERS: dict[str, Callable[..., Any]] = {
    "aten.nonzero": _nonzero,
    "aten.index": _index,
    "aten.masked_select": lambda tensor, mask: tensor.new_empty(tensor.numel()),
    "aten._unique2": _unique,
    "torchvision.nms": lambda boxes, scores, overlap: boxes.new_empty(len(boxes), dtype=torch.int64),
}
