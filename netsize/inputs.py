"""Arguments of forward: uniformly random numbers of a given shape, or the user's own tensors, at batch size 1."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from netsize.sources.settings import InputSpec


def make(
    specs: Sequence[InputSpec], model: nn.Module, batch: bool
) -> Callable[[torch.device], tuple[torch.Tensor, ...]]:
    """Numbers in 0..1 of the network's own type; whole numbers and truth values are 0, which is an index
    into any table. `batch` puts a batch axis of 1 in front."""
    own = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)

    def arguments(device: torch.device) -> tuple[torch.Tensor, ...]:
        return tuple(_tensor(spec, own, batch, device) for spec in specs)

    return arguments


def _tensor(spec: InputSpec, own: torch.dtype, batch: bool, device: torch.device) -> torch.Tensor:
    dtype = getattr(torch, spec.type) if spec.type else own
    shape = (1, *spec.shape) if batch else spec.shape
    if dtype.is_floating_point or dtype.is_complex:
        return torch.rand(shape, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device)


def given(example: tuple[Any, ...], batch: bool) -> Callable[[torch.device], tuple[Any, ...]]:
    """The user's own tensors; of a batch, the first example."""

    def arguments(device: torch.device) -> tuple[Any, ...]:
        return tuple(_moved(value, device, batch) for value in example)

    return arguments


def _moved(value: Any, device: torch.device, batch: bool) -> Any:
    if isinstance(value, torch.Tensor):
        return (value[:1] if batch and value.dim() else value).detach().to(device)
    if isinstance(value, dict):
        return {key: _moved(item, device, batch) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, device, batch) for item in value)
    return value
