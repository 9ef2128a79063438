"""A network that somebody has already: a torch.nn.Module. It is run itself, not a copy of it, since closures, patched
forwards and hooks reach what they were made with; and it is put back as it was.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

from netsize.errors import BadModel
from netsize.facts.network import Source
from netsize.sources.built import Built, as_arguments, plain
from netsize.sources.settings import Settings
from netsize.sources.wrappers import made_of


@contextmanager
def loaded(model: Any, settings: Settings, with_values: bool) -> Iterator[Built]:
    """Its `example_input_array`, if it has one, is its default input. Raises BadModel."""
    model = plain(model)
    name = type(model).__name__
    if settings.arguments and isinstance(model, nn.Module):
        raise BadModel(f"{name} is a network already: settings have nothing to set")
    if not isinstance(model, nn.Module):
        raise BadModel(f"{name} is neither a torch.nn.Module nor the name of a model")
    settings.sized(name, ())
    if any(isinstance(tensor, FakeTensor) for module in model.modules() for tensor in _own(module)):
        raise BadModel(f"{name} was built inside a FakeTensorMode: its tensors have no values to run it with")
    lazy = any(nn.parameter.is_lazy(value) for value in (*model.parameters(), *model.buffers()))
    model = _copied(model) if lazy else model  # what gets its parameters when it is run is another thing afterwards
    example = as_arguments(getattr(model, "example_input_array", None), model.forward)
    with nullcontext() if lazy else _put_back(model, with_values):
        yield Built(model, Source("python", name, name), example=example)


def _copied(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except Exception as error:
        raise BadModel(f"{type(model).__name__} cannot be copied, which keeps yours as it is: {error}") from error


@contextmanager
def _put_back(model: nn.Module, with_values: bool) -> Iterator[None]:
    """Afterwards, modules have the attributes and parameters that they had, and these their values; of what is no
    tensor (a cache in a list or a dictionary) one level. Without values no operation ever writes to a parameter."""
    modules = [
        (module, dict(vars(module)), _contents(module)) for module in model.modules() if not _is_scripted(module)
    ]
    tensors = {id(t): t for module in model.modules() for t in _own(module)}
    kept = [(tensor, tensor.detach(), *_state(tensor, with_values)) for tensor in tensors.values()]
    try:
        yield
    finally:
        for module, attributes, contents in modules:
            for container, content in contents:
                _refill(container, content)
            vars(module).clear()
            vars(module).update(attributes)
        for tensor, data, values, trained, gradient in kept:
            if _moved(tensor, data):
                tensor.data = data
            if values is not None and not torch.equal(data, values):
                with torch.inference_mode(data.is_inference()), torch.no_grad():
                    data.copy_(values)
            if tensor.is_leaf:
                tensor.requires_grad_(trained)
                tensor.grad = gradient


def _state(tensor: torch.Tensor, with_values: bool) -> tuple[torch.Tensor | None, bool, torch.Tensor | None]:
    """A copy of its values, if they may be written to; whether it is trained, and its gradient."""
    written = with_values or not isinstance(tensor, nn.Parameter)
    values = tensor.detach().clone() if written and not tensor.is_meta and tensor.layout is torch.strided else None
    return values, tensor.requires_grad, tensor.grad if tensor.is_leaf else None


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
    """Its containers, each with a copy of what is in it: parameters, submodules and hooks are in some of them."""
    return [(v, copy.copy(v)) for v in vars(module).values() if isinstance(v, (dict, list, set))]


def _refill(container: Any, content: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)
