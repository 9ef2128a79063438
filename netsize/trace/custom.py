"""Formulas of operations that netsize does not know, from those who wrote them: `netsize.formula`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from netsize.errors import BadOption
from netsize.lecture.products import Custom
from netsize.trace import ones
from netsize.trace.operations import READERS, Given, Operation, Weighted, reads, tensors

FanIn = Callable[..., int]


def register(operation: str, added: tuple[str, ...]) -> Callable[[FanIn], FanIn]:
    """See `netsize.formula`."""
    namespace, _, name = operation.partition("::")
    if not namespace or not name:
        raise BadOption(f"{operation} has no namespace: an operation is called mylib::op")
    named = f"{namespace}.{name}"
    if named in READERS and named not in _OWN:
        raise BadOption(f"netsize has a formula for {operation} already")

    def registered(fan_in: FanIn) -> FanIn:
        READERS.pop(named, None)
        _OWN.add(named)
        reads(named)(partial(_read, fan_in, added))
        return fan_in

    return registered


_OWN: set[str] = set()  # registered here, and may be so again: a notebook runs its cells more than once


def _read(fan_in: FanIn, added: tuple[str, ...], func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    arguments = {argument.name: given[argument.name] for argument in func._schema.arguments}
    factors = [tensor for name, value in arguments.items() if name not in added for tensor in tensors(value)
               if tensor.is_floating_point() or tensor.is_complex()]  # fmt: skip
    held = [factor for factor in factors if weighted(factor)]
    results, bias = tensors(output), next((arguments[name] for name in added if arguments.get(name) is not None), None)
    count = int(fan_in(**arguments))
    own = Custom(func._schema.name, tuple(results[0].shape), count, sum(factor.numel() for factor in held),
                 bias.numel() if isinstance(bias, torch.Tensor) else 0)  # fmt: skip
    run = partial(ones.custom, func, arguments, added, count)
    inputs = [factor for factor in factors if not any(factor is operand for operand in held)]
    input = (inputs or factors or results)[0]
    return Operation(own, input, results[0], run, held, bias, tuple(factors))
