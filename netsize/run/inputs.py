"""Arguments of forward: uniformly random numbers of a given shape, or the user's own tensors, at batch size 1, or
as many examples as are asked for."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from netsize.errors import BadInput
from netsize.sources.built import Built
from netsize.sources.settings import InputSpec, read_input

MakeInputs = Callable[[torch.device], tuple[Any, ...]]


def read_given(input: Any, built: Built) -> tuple[InputSpec, ...]:
    """Shapes, from texts or numbers; or none, with the user's own arguments put in the place of the example. Raises
    BadInput."""
    if input is None:
        return ()
    if isinstance(input, str):
        return (read_input(input),)
    if isinstance(input, Sequence) and input and all(isinstance(item, str) for item in input):
        return tuple(read_input(item) for item in input)
    if isinstance(input, (tuple, list)) and input and all(isinstance(size, int) for size in input):
        if min(input) < 1:
            raise BadInput(f"input {tuple(input)}: every size must be at least 1")
        return (InputSpec(tuple(input)),)
    built.example, built.inputs = input if isinstance(input, tuple) else (input,), ()
    return ()


def known_inputs(built: Built, specs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    """Those given, or the network's own; none, if it has an example, or takes nothing. Raises BadInput."""
    found = tuple(specs) or built.inputs
    if not found and built.example is None and _takes_nothing(built.model):
        built.example = ()
    if not found and built.example is None:
        raise BadInput(
            f"{built.source.model}: say what it takes, as --input 3x224x224 (no batch axis; once per argument)"
        )
    return found


def _takes_nothing(model: nn.Module) -> bool:
    """Whether forward has no argument that must be given: a generator that draws its own noise."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return False
    return not any(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)


def arguments_of(built: Built, specs: Sequence[InputSpec], batch: bool, examples: int = 1) -> MakeInputs:
    """What forward is called with, on a device. `batch` puts a batch axis of so many `examples` in front."""
    if specs:
        make = _of_shapes(specs, built.model, batch, examples)
        return lambda device: built.arrange(make(device))
    assert built.example is not None
    return _of_example(built.example, batch, examples)


def _of_shapes(specs: Sequence[InputSpec], model: nn.Module, batch: bool, examples: int) -> MakeInputs:
    """Numbers in 0..1 of the network's own type; whole numbers and truth values are 0, which is an index
    into any table."""
    own = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)

    def arguments(device: torch.device) -> tuple[torch.Tensor, ...]:
        return tuple(_tensor(spec, own, (examples,) * batch, device) for spec in specs)

    return arguments


def _tensor(spec: InputSpec, own: torch.dtype, batch: tuple[int, ...], device: torch.device) -> torch.Tensor:
    dtype = getattr(torch, spec.type) if spec.type else own
    shape = (*batch, *spec.shape)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.rand(shape, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device)


def _of_example(example: tuple[Any, ...], batch: bool, examples: int) -> MakeInputs:
    """The user's own tensors; of a batch, the first example, as often as it is asked for."""

    def arguments(device: torch.device) -> tuple[Any, ...]:
        return tuple(_moved(value, device, examples if batch else 0) for value in example)

    return arguments


def _moved(value: Any, device: torch.device, examples: int) -> Any:
    if isinstance(value, torch.Tensor):
        if not examples or not value.dim():
            return value.detach().to(device)
        return value[:1].detach().to(device).repeat(examples, *[1] * (value.dim() - 1))
    if isinstance(value, dict):
        return {key: _moved(item, device, examples) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, device, examples) for item in value)
    return value
