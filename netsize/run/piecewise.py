"""Giving a network the memory that it runs in: all at once, or, if that does not fit, piece by piece."""

from collections.abc import Sequence

import torch
from torch import nn

from netsize.run import memory
from netsize.run.failures import too_large
from netsize.run.inputs import MakeInputs
from netsize.sources.built import Built
from netsize.sources.initialisers import fill, forget, give_memory
from netsize.sources.settings import InputSpec


def prepare(
    built: Built, specs: Sequence[InputSpec], make: MakeInputs, device: torch.device, limit: int | None, large: bool
) -> int:
    """Give the network memory and values on its device; or, if they do not fit, none to its large parameters: then
    how many bytes they would take. `large`: whether it may be, see below. Raises BadInput if not even one layer at a
    time fits."""
    if large:
        built.blank = forget(built.model, built.blank)
        need, free = memory.needed(built.model, make), _free(device, limit)
        if need is not None and free is not None and need.at_once > free:
            if need.piecewise > free:
                raise too_large(built, specs, make, device, limit)
            fill(built.blank)
            _move(built.model, device)
            return need.parameters
    fill([*built.blank, *give_memory(built.model)])
    built.blank = []
    held = [(module._parameters, module._buffers) for module in built.model.modules()]
    if any(tensor.device != device for both in held for own in both for tensor in own.values() if tensor is not None):
        built.model.to(device)
    return 0


def may_be_large(built: Built, specs: Sequence[InputSpec], device: torch.device, limit: int | None) -> bool:
    """Do not let the system kill a pass that is far too large. A small one is not looked at: activations and
    their ones take between 5 (alexnet) and 204 times (regnet_y_128gf) what the input takes in torchvision."""
    own = [p for p in built.model.parameters() if not nn.parameter.is_lazy(p)]
    if any(parameter.is_meta for parameter in own):  # memory was refused
        return True
    free = _free(device, limit)
    likely = 300 * sum(torch.Size(spec.shape).numel() * 4 for spec in specs)
    return free is not None and likely + 2 * sum(p.numel() * p.element_size() for p in own) >= free


def _free(device: torch.device, limit: int | None) -> int | None:
    free = memory.available(device)
    return free if limit is None else min(limit, free or limit)


def _move(model: nn.Module, device: torch.device) -> None:
    """What has memory, to the device."""
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and not parameter.is_meta:
                module._parameters[name] = nn.Parameter(parameter.detach().to(device), parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None and not buffer.is_meta:
                module._buffers[name] = buffer.to(device)
