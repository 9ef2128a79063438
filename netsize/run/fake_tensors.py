"""Networks without values: fake tensors have shapes, and take neither memory nor time.

What they cannot know is how many boxes survive, or which places are not zero. A network that is counted
without being run is counted as if every candidate survived: the most that it can execute. The report says so.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
)
from torch.utils.weak import WeakTensorKeyDictionary

from netsize.run.shapes import Shapes, forget
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.operations import tensors
from netsize.trace.silent_operations import name_of

aten = torch.ops.aten
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
    _let_processes_talk()
    if not torch.cuda.is_available():
        torch._C._ensureCUDADeviceGuardSet()  # what goes to a GPU asks for the one that is current
    shapes = Shapes()
    before: list[tuple[nn.Module, dict[str, Any], str, torch.Tensor]] = []
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue
        for held in (module._parameters, module._buffers):
            for name, value in list(held.items()):
                if value is None or nn.parameter.is_lazy(value) or value.layout is not torch.strided:
                    continue
                if value.is_floating_point():
                    other = shapes.parameter(value, device, dtype)
                elif device not in (None, value.device):
                    other = value.to(device)
                elif held is module._buffers and not value.is_meta:
                    other = value.clone()
                else:
                    continue
                before.append((module, held, name, value))
                _exchange(module, held, name, other)
    try:
        with _conversions(), Guesses(answer, shapes) as guesses:
            yield guesses
    finally:
        for module, held, name, value in before:
            _exchange(module, held, name, value)
        shapes.forget()
        forget()


@contextmanager
def _conversions() -> Iterator[None]:
    """A forward that moves one of its modules to a type (a router to float32) gives its parameters other data. torch
    would swap fake ones, which it cannot once anybody refers to them."""
    original = nn.Module._apply

    def apply(module: nn.Module, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> nn.Module:
        for part in module.modules() if recurse else (module,):
            for value in (*part._parameters.values(), *part._buffers.values()):
                other = None if value is None else function(value)
                if value is not None and other is not None and other is not value:
                    value.data = other
        return module

    nn.Module._apply = apply  # type: ignore[method-assign]  # for all modules, as torch has it
    try:
        yield
    finally:
        nn.Module._apply = original  # type: ignore[method-assign]  # put back


def _exchange(module: nn.Module, held: dict[str, Any], name: str, value: torch.Tensor) -> None:
    """Another parameter or buffer of that name. Modules that follow theirs (LSTMs keep a list of them) are told."""
    if type(module).__setattr__ is nn.Module.__setattr__:
        held[name] = value
    else:
        setattr(module, name, value)


def _let_processes_talk() -> None:
    """Before torch 2.11, what sharded networks send has a shape only after somebody has imported a module."""
    there = torch.distributed.is_available() and torch.distributed.is_initialized()
    if there and not torch._C._dispatch_has_kernel_for_dispatch_key("c10d::_allgather_base_", "Meta"):
        with suppress(ImportError):
            importlib.import_module("torch.distributed._tools.fake_collectives")


KNOWN = 2**20  # elements: larger constants are not worked out


class Guesses(DispatchMode):
    """Entered above the fake tensors. What no input goes into is known, and is worked out: sizes that a network
    computes from its settings. To what the fake tensors refuse it answers with a guess, and writes down which."""

    def __init__(self, answer: bool, shapes: Shapes) -> None:
        super().__init__()
        self._mode_key = torch._C._TorchDispatchModeKey.FAKE  # what is asked for on a GPU does not look for one
        self.made: list[str] = []
        self._answer = answer
        self._shapes = shapes
        self.recall, self.is_own = shapes.recall, shapes.is_own
        self._written: WeakTensorKeyDictionary = WeakTensorKeyDictionary()  # constants that hold more by now

    def exchanged(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Any]:
        """Those that are there in their place, and those that stayed."""
        return {name: self._shapes.parameters.get(id(value), value) for name, value in parameters.items()}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.prim.device.default:
            return args[0].device
        given = tensors((args, kwargs))
        constants = [tensor for tensor in given if not isinstance(tensor, FakeTensor)]
        known = len(constants) == len(given) and not any(tensor in self._written for tensor in given)
        if known and torch.Tag.nondeterministic_seeded not in func.tags:
            return self._worked_out(func, args, kwargs, given)
        if func._schema.is_mutable and given and not isinstance(given[0], FakeTensor):
            self._written[given[0]] = True
        if name_of(func) in _BY_MASK:
            args = (args[0], _places(args[1]), *args[2:])
        if name_of(func) in _SHAPES:
            with self:
                return _SHAPES[name_of(func)](*args, **kwargs)
        try:
            if constants:
                args = _on_its_own(args)
            return self._shapes.execute(func, args, kwargs, given)
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

    def _worked_out(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
        """What an operation makes of constants (`given`), or a new tensor of whole numbers; if it is large, without
        values."""
        if not given:
            made = self._shapes.execute(func, args, kwargs, given)
            whole = isinstance(made, FakeTensor) and not (made.dtype.is_floating_point or made.dtype.is_complex)
            if not whole or made.device.type != "cpu" or made.numel() > KNOWN:
                return made
            return self._shapes.new_with_values(func, args, kwargs)
        if func.is_view:
            made = func(*args, **kwargs)
            if all(tensor.numel() <= KNOWN for tensor in tensors(made)):
                return made
        if not func._schema.is_mutable and all(tensor.layout is torch.strided for tensor in given):
            with suppress(DynamicOutputShapeException, DataDependentOutputException):
                made = self._shapes.execute(func, args, kwargs, given)
                if any(tensor.numel() > KNOWN for tensor in tensors(made)):
                    return made
        return func(*args, **kwargs)


class NeverEnds(Exception):
    """A loop that a value ends, and there are no values."""


def _on_its_own(value: Any) -> Any:
    """A sparse constant that is a view of another one, of which fake tensors know nothing, as one that is none."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_on_its_own, value))
    if not isinstance(value, torch.Tensor) or value.layout is torch.strided or isinstance(value, FakeTensor):
        return value
    return value.detach().clone() if value._is_view() else value


def _nonzero(mask: torch.Tensor) -> torch.Tensor:
    return mask.new_empty((mask.numel(), mask.dim()), dtype=torch.int64)


_BY_MASK = ("aten.index", "aten.index_put", "aten.index_put_", "aten._index_put_impl_")


def _places(indices: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
    """Masks that are known (which tokens are an image's) as the places where they hold."""
    found: list[torch.Tensor | None] = []
    for index in indices:
        if index is None or isinstance(index, FakeTensor) or index.dtype not in (torch.bool, torch.uint8):
            found.append(index)
        else:
            found += index.nonzero().unbind(1)
    return found


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


def _grouped(left: torch.Tensor, right: torch.Tensor, *more: Any, **settings: Any) -> torch.Tensor:
    """Rows of memory are multiples of 16 bytes: the next one of its kind asks for that."""
    ends = more[0] if more else settings.get("offs")
    each = left if ends is None else ends  # a matrix for each matrix; or for each group of the inner axis of two
    groups = tuple(each.shape[:1]) if left.dim() == right.dim() else ()
    shape = (*groups, left.shape[-2], right.shape[-1])
    width = -(-shape[-1] // 16) * 16
    return left.new_empty((*shape[:-1], width), dtype=settings.get("out_dtype"))[..., : shape[-1]]


def _embedded(table: torch.Tensor, indices: torch.Tensor, *_: Any, **unused: Any) -> torch.Tensor:
    """Before torch 2.11 fake tensors take any number for an index."""
    if indices.dtype not in (torch.int32, torch.int64):
        raise RuntimeError(f"indices are of type Long or Int, not {indices.dtype}")
    return table.new_empty((*indices.shape, table.shape[1]))


# where torch's fake kernels refuse what its kernels take (products of groups in float32), or take what those refuse
_SHAPES: dict[str, Callable[..., Any]] = {"aten._grouped_mm": _grouped, "aten.embedding": _embedded}
