"""Networks without their initialisers: built at once, and filled only if they are really run."""

from collections.abc import Iterable
from math import prod, sqrt
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# What torch.nn.init and hand-written initialisers do to a parameter, in place.
_FILLS = {
    "uniform_", "normal_", "fill_", "zero_", "copy_", "bernoulli_", "exponential_", "log_normal_", "cauchy_",
    "erfinv_", "mul_", "add_", "sub_", "div_", "clamp_", "clamp_min_", "clamp_max_", "lerp_", "random_",
}  # fmt: skip
BLOCK = 2**20  # elements: 4 MiB of float32, small enough to stay in a processor's cache while it is repeated


class SkipInitialisers(TorchFunctionMode):
    """Leaves parameters as they were allocated: memory that is never touched costs nothing. Everything else,
    buffers above all, gets its values. `blank` holds the parameters that were left without."""

    def __init__(self) -> None:
        super().__init__()
        self._blank: dict[int, torch.Tensor] = {}

    @property
    def blank(self) -> list[torch.Tensor]:
        return list(self._blank.values())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        target = args[0] if args else kwargs.get("tensor")
        if isinstance(target, nn.Parameter):
            name, module = getattr(func, "__name__", ""), getattr(func, "__module__", "")
            if name in _FILLS or (module == "torch.nn.init" and name.endswith("_")):
                self._blank[id(target)] = target
                return target
        return func(*args, **kwargs)


@torch.no_grad()
def fill(parameters: Iterable[torch.Tensor]) -> None:
    """Uniformly random values, the same in every run: one block of them, repeated.

    Matrices and kernels lie in +-1/sqrt(fan_in), as torch's own initialisers have them, so that no
    activation overflows; vectors (scales, biases) in 0..1.
    """
    generator = torch.Generator().manual_seed(0)
    block = torch.rand(BLOCK, generator=generator)
    for parameter in parameters:
        if not parameter.is_floating_point() or not parameter.is_contiguous():
            parameter.zero_()  # an index, or a layout of its own: rare, and any valid value will do
            continue
        flat = parameter.detach().view(-1)
        bound = 1 / sqrt(prod(parameter.shape[1:])) if parameter.dim() > 1 else None
        values = block[: flat.numel()] if bound is None else (block[: flat.numel()] * 2 - 1) * bound
        whole = flat.numel() // BLOCK * BLOCK
        if whole:
            flat[:whole].view(-1, BLOCK).copy_(values.expand(whole // BLOCK, BLOCK))
        flat[whole:].copy_(values[: flat.numel() - whole])
