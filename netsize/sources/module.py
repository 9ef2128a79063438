"""A network that somebody has already: a torch.nn.Module. It is run itself, not a copy of it, since closures, patched
forwards and hooks reach what they were made with; and it is put back as it was.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import _disable_current_modes

from netsize.errors import BadModel
from netsize.facts.network import Source
from netsize.sources.built import Built, as_arguments, plain
from netsize.sources.settings import Settings
from netsize.sources.wrappers import made_of


@contextmanager
def loaded(model: Any, settings: Settings, with_values: bool, written: bool) -> Iterator[Built]:
    """Its `example_input_array`, if it has one, is its default input. See `netsize.sources.loaded`. Raises BadModel."""
    model = plain(model)
    name = type(model).__name__
    if settings.arguments and isinstance(model, nn.Module):
        raise BadModel(f"{name} is a network already: settings have nothing to set")
    if not isinstance(model, nn.Module):
        raise BadModel(f"{name} is neither a torch.nn.Module nor the name of a model")
    settings.sized(name, ())
    modules = list(model.modules())
    own = {id(tensor): tensor for module in modules for tensor in _own(module)}
    if any(isinstance(tensor, FakeTensor) for tensor in own.values()):
        raise BadModel(f"{name} was built inside a FakeTensorMode: its tensors have no values to run it with")
    lazy = any(map(nn.parameter.is_lazy, own.values()))
    model = _copied(model) if lazy else model  # what gets its parameters when it is run is another thing afterwards
    example = as_arguments(getattr(model, "example_input_array", None), model.forward)
    with nullcontext(_nothing) if lazy else _put_back(modules, list(own.values()), with_values, written) as keep:
        yield Built(model, Source("python", name, name), example=example, before_write=keep)


def _nothing(tensor: torch.Tensor) -> None:
    """Of a copy nothing is kept."""


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise BadModel(f"{type(model).__name__} cannot be copied, which keeps yours as it is: {error}") from error


@contextmanager
def _put_back(
    modules: list[nn.Module], tensors: list[torch.Tensor], with_values: bool, written: bool
) -> Iterator[Callable[[torch.Tensor], None]]:
    """Afterwards, modules have the attributes and parameters that they had, and these their values; of what is no
    tensor (a cache in a list or a dictionary) one level. Gives what is to be told of a tensor before it is written to:
    parameters are copied only then, unless they are `written` otherwise. Without values nothing ever writes to them."""
    found = [(module, dict(vars(module)), _contents(module)) for module in modules if not _is_scripted(module)]
    kept = [_Kept(tensor, with_values and written) for tensor in tensors]
    in_memory: dict[int, list[_Kept]] = {}
    for each in kept:
        if with_values and each.has_memory:
            in_memory.setdefault(each.data.untyped_storage()._cdata, []).append(each)

    def before_write(tensor: torch.Tensor) -> None:
        if in_memory and tensor.layout is torch.strided:
            for each in in_memory.get(tensor.untyped_storage()._cdata, ()):
                each.copy()

    try:
        yield before_write
    finally:
        for module, attributes, contents in found:
            for container, content in contents:
                if container or content:  # not so most hooks
                    _refill(container, content)
            vars(module).clear()
            vars(module).update(attributes)
        for each in kept:
            each.put_back()


class _Kept:
    """A tensor of the network. What is no parameter (statistics, counters, caches) is copied at once: it is small, and
    there to be written to."""

    def __init__(self, tensor: torch.Tensor, at_once: bool) -> None:
        self.tensor, self.data, self.trained = tensor, tensor.detach(), tensor.requires_grad
        self.gradient = tensor.grad if tensor.is_leaf else None
        self.has_memory = not tensor.is_meta and tensor.layout is torch.strided
        self._values: torch.Tensor | None = None
        if at_once or not isinstance(tensor, nn.Parameter):
            self.copy()

    def copy(self) -> None:
        if self._values is None and self.has_memory:
            with _disable_current_modes():
                self._values = self.data.clone()

    def put_back(self) -> None:
        tensor, data = self.tensor, self.data
        if _moved(tensor, data):
            tensor.data = data
        if self._values is not None and not torch.equal(data, self._values):
            with torch.inference_mode(data.is_inference()), torch.no_grad():
                data.copy_(self._values)
        if tensor.is_leaf:
            if tensor.requires_grad != self.trained:
                tensor.requires_grad_(self.trained)
            tensor.grad = self.gradient


def _moved(tensor: torch.Tensor, data: torch.Tensor) -> bool:
    """Whether it lies somewhere else, or is something else, than its data were."""
    if tensor.layout is not torch.strided:
        return False
    return (tensor.untyped_storage()._cdata, tensor.dtype) != (data.untyped_storage()._cdata, data.dtype)


def _own(module: nn.Module) -> list[torch.Tensor]:
    """Parameters, buffers, and tensors that it holds otherwise."""
    values = (*module._parameters.values(), *module._buffers.values(), *vars(module).values())
    return [part for value in values if isinstance(value, torch.Tensor) for part in (made_of(value) or [value])]


def _is_scripted(module: nn.Module) -> bool:
    return isinstance(module, torch.jit.ScriptModule)  # its attributes are not Python's


def _contents(module: nn.Module) -> list[tuple[Any, Any]]:
    """Its containers, each with what is in it: parameters, submodules and hooks are in some of them."""
    found: list[tuple[Any, Any]] = []
    for value in vars(module).values():
        if isinstance(value, dict):
            found.append((value, dict(value) if value else ()))
        elif isinstance(value, (list, set)):
            found.append((value, tuple(value)))
    return found


def _refill(container: Any, content: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)
