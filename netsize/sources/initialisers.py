"""Networks without their initialisers: built at once, and filled only if they are really run."""

from collections.abc import Callable, Iterable
from math import prod, sqrt
from types import FunctionType
from typing import Any, Self

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from netsize.machine import address_space

# What torch.nn.init and hand-written initialisers do to a parameter, in place.
_FILLS = {
    "uniform_", "normal_", "fill_", "zero_", "copy_", "bernoulli_", "exponential_", "log_normal_", "cauchy_",
    "erfinv_", "mul_", "add_", "sub_", "div_", "clamp_", "clamp_min_", "clamp_max_", "lerp_", "random_",
}  # fmt: skip
# Of torch.nn.init, those that compute with what they have filled, or with as much of their own.
_COMPUTING = ("_no_grad_trunc_normal_", "orthogonal_")
LARGE = 2**18  # elements, 1 MiB of float32: smaller parameters are not worth the trouble
RESERVE = 2**31  # bytes of `ulimit -v` that are left for running a network whose parameters do not fit
BLOCK = 2**20  # elements: 4 MiB of float32, small enough to stay in a processor's cache while it is repeated


class SkipInitialisers(TorchFunctionMode):
    """Leaves parameters as they were allocated: memory that is never touched costs nothing. Everything else,
    buffers above all, gets its values. `blank` holds the parameters that were left without."""

    def __init__(self) -> None:
        super().__init__()
        self._blank: dict[int, torch.Tensor] = {}
        self._computing: list[tuple[FunctionType, FunctionType]] = []  # each with what it does otherwise

    def __enter__(self) -> Self:
        for name in _COMPUTING:
            function = getattr(nn.init, name, None)
            if isinstance(function, FunctionType) and function.__closure__ is None:
                self._computing.append((function, _copied(function)))
                self._leave_out(*self._computing[-1])
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        while self._computing:
            _does(*self._computing.pop())

    def _leave_out(self, function: FunctionType, original: FunctionType) -> None:
        """The function itself, whatever it is called by: networks and libraries have imported it long before."""

        def initialiser(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(tensor, nn.Parameter):
                return original(tensor, *args, **kwargs)
            self._blank[id(tensor)] = tensor
            return tensor

        def instead(*args: Any, to: Callable[..., Any] = initialiser, **kwargs: Any) -> Any:
            return to(*args, **kwargs)

        _does(function, instead)

    @property
    def blank(self) -> list[torch.Tensor]:
        return list(self._blank.values())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty and "device" not in {name for name, value in kwargs.items() if value is not None}:
            return _empty(args, kwargs)
        target = args[0] if args else kwargs.get("tensor")
        if isinstance(target, nn.Parameter):
            name, module = getattr(func, "__name__", ""), getattr(func, "__module__", "")
            if name in _FILLS or (module == "torch.nn.init" and name.endswith("_")):
                self._blank[id(target)] = target
                return target
        return func(*args, **kwargs)


def _copied(function: FunctionType) -> FunctionType:
    copied = FunctionType(function.__code__, function.__globals__, function.__name__)
    _does(copied, function)
    return copied


def _does(function: Any, other: Any) -> None:
    """From now on it does what the other one does."""
    function.__code__, function.__defaults__ = other.__code__, other.__defaults__
    function.__kwdefaults__ = other.__kwdefaults__


def _empty(args: Any, kwargs: Any) -> torch.Tensor:
    """Memory that nobody has written to has no values to lose: what is refused, or would leave too little for all
    else, gets a shape only, and memory as late as possible, when the network is run."""
    shape = torch.empty(*args, **{**kwargs, "device": "meta"})
    size, left = shape.numel() * shape.element_size(), address_space() if shape.numel() >= LARGE else None
    if left is not None and left < size + RESERVE:
        return shape
    try:
        return torch.empty(*args, **kwargs)
    except RuntimeError:  # the CPU's allocator has no error of its own
        return shape


def forget(model: nn.Module, blank: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Give the memory of large parameters back that hold no values yet, and keep their shapes. The blank ones that
    are left are returned."""
    large = {id(parameter) for parameter in blank if parameter.numel() >= LARGE}
    shapes: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is not None and id(value) in large:
                if id(value) not in shapes:
                    shapes[id(value)] = nn.Parameter(torch.empty_like(value, device="meta"), value.requires_grad)
                module._parameters[name] = shapes[id(value)]
    return [parameter for parameter in blank if id(parameter) not in large]


def give_memory(model: nn.Module) -> list[torch.Tensor]:
    """Put real parameters and buffers, without values yet, in the place of those that have shapes only; one that
    stands in several places (tied weights) stays one. The new parameters are returned."""
    real: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is None or not value.is_meta or nn.parameter.is_lazy(value):
                continue
            if id(value) not in real:
                empty = torch.empty_strided(value.size(), value.stride(), dtype=value.dtype)
                real[id(value)] = nn.Parameter(empty, value.requires_grad)
            module._parameters[name] = real[id(value)]
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_meta:
                module._buffers[name] = torch.zeros_like(buffer, device="cpu")
    return list(real.values())


def materialised(shape_only: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor with values for one that has a shape only: a parameter, or a view of one."""
    size, stride = shape_only.size(), shape_only.stride()
    elements: int = prod(size)
    dense = elements == 1 + sum((n - 1) * step for n, step in zip(size, stride))  # no gap, and nothing twice
    flat = torch.empty(elements, dtype=shape_only.dtype)
    fill([flat.view(size[0], -1) if len(size) > 1 and elements else flat])
    return (flat.as_strided(size, stride) if dense else flat.view(size)).to(device)


@torch.no_grad()
def fill(parameters: Iterable[torch.Tensor]) -> None:
    """Uniformly random values, the same in every run: one block of them, repeated.

    Matrices and kernels lie in +-1/sqrt(fan_in), as torch's own initialisers have them, so that no
    activation overflows; vectors (scales, biases) in 0..1.
    """
    block = None
    for parameter in parameters:
        if block is None:
            block = torch.rand(BLOCK, generator=torch.Generator().manual_seed(0))
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
