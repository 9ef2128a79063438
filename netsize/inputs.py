"""Arguments of forward: uniformly random numbers of a given shape, or the user's own tensors, at batch size 1, or
as many examples as are asked for."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from netsize.sources.settings import InputSpec


def make(
    specs: Sequence[InputSpec], model: nn.Module, batch: bool, examples: int = 1
) -> Callable[[torch.device], tuple[torch.Tensor, ...]]:
    """Numbers in 0..1 of the network's own type; whole numbers and truth values are 0, which is an index
    into any table. `batch` puts a batch axis of so many `examples` in front."""
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


def given(example: tuple[Any, ...], batch: bool, examples: int = 1) -> Callable[[torch.device], tuple[Any, ...]]:
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
