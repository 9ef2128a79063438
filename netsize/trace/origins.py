"""Which parameters a tensor was made from: through views, transposes, copies, masks and normalisations.

A tensor is an activation (it depends on the network's input), or has an Origin (made from parameters), or is
a constant. What an operation makes of them follows from its arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from netsize.facts.network import Elements

# Not views, but the same elements in the same or another order.
_COPIES = {"aten.clone", "aten._to_copy", "aten.contiguous", "aten._unsafe_view", "aten._reshape_copy", "aten.detach"}


@dataclass(frozen=True)
class Origin:
    """`parameters`: names. `elements`: different ones, those that an expanded axis repeats counted once.
    `part`: which elements of the one parameter that the tensor is a view of; None if it was computed.
    `chosen`: elements that the network's input selects, of which any may be used (experts of a mixture).
    `made`: what a layer has put out went into it (a learned query behind its projection)."""

    parameters: tuple[str, ...]
    elements: int
    part: tuple[Any, ...] | None = None
    chosen: bool = False
    made: bool = False


ACTIVATION = Origin((), 0)
MADE = Origin((), 0, made=True)  # put out by a layer that saw parameters and constants only
_CHOOSE = {"aten.index", "aten.index_select", "aten.gather"}


class Origins:
    """The origin of every tensor that is alive, while a network runs."""

    def __init__(self, parameters: Mapping[str, torch.Tensor]) -> None:
        self._origins = WeakTensorKeyDictionary()
        self._sizes = {name: parameter.numel() for name, parameter in parameters.items()}
        self._bases = WeakTensorKeyDictionary()  # view -> what it is a view of
        self.touched: set[str] = set()
        self.add(parameters)

    def add(self, parameters: Mapping[str, torch.Tensor]) -> None:
        """Tensors that are these parameters."""
        for name, parameter in parameters.items():
            self._origins[parameter] = Origin((name,), parameter.numel(), _part(parameter))

    def mark_activations(self, tensors: list[torch.Tensor]) -> None:
        for tensor in tensors:
            self._origins[tensor] = ACTIVATION

    def of(self, tensor: torch.Tensor) -> Origin | None:
        """None for a constant, ACTIVATION, or the origin in parameters."""
        origin: Origin | None = self._origins.get(tensor)
        return origin

    def is_activation(self, tensor: torch.Tensor) -> bool:
        return self.of(tensor) is ACTIVATION

    def is_weight(self, tensor: torch.Tensor) -> bool:
        """Made from parameters; from a layer's output only if it still is one of them, element by element
        (a low-rank product added to a weight)."""
        origin = self.of(tensor)
        if origin is None or not origin.parameters:
            return False
        return not origin.made or any(self._sizes[name] == origin.elements for name in origin.parameters)

    def follow(
        self, func: Any, name: str, arguments: list[torch.Tensor], results: list[torch.Tensor], counted: bool
    ) -> None:
        """Note where the results of an executed operation come from. `counted`: it has connections."""
        origins = [origin for origin in map(self.of, arguments) if origin is not None]
        names = tuple(dict.fromkeys(parameter for origin in origins for parameter in origin.parameters))
        self.touched.update(names)
        if func.is_view and arguments:
            for result in results:
                self._bases[result] = self._bases.get(arguments[0], arguments[0])
        random = torch.Tag.nondeterministic_seeded in func.tags
        if name in _CHOOSE and origins and origins[0].part is not None and self.of(arguments[0]) is origins[0]:
            for result in results:
                self._origins[result] = Origin(names, result.numel(), chosen=True)
        elif random or any(origin is ACTIVATION for origin in origins):
            self.mark_activations(results)
            if name.endswith("_"):  # written into a view: what it is a view of depends on the input now, too
                self.mark_activations([self._bases[result] for result in results if result in self._bases])
        elif counted and origins:
            for result in results:
                self._origins[result] = MADE
        elif names or origins:
            for result in results:
                self._origins[result] = _derived(func, name, names, origins, result)


def _derived(func: Any, name: str, names: tuple[str, ...], origins: list[Origin], result: torch.Tensor) -> Origin:
    source = origins[0]
    made = any(origin.made for origin in origins)
    if func.is_view and len(origins) == 1 and source.part is not None:
        different = prod(n for n, stride in zip(result.shape, result.stride()) if stride != 0)
        return Origin(names, different, _part(result))
    if (func.is_view or name in _COPIES) and len(origins) == 1 and result.numel() >= source.elements:
        return Origin(names, source.elements, source.part, source.chosen, made)
    return Origin(names, result.numel(), chosen=source.chosen and len(origins) == 1, made=made)


def _part(tensor: torch.Tensor) -> tuple[Any, ...]:
    """The same for every view of the same elements, whatever the order of its axes."""
    axes = sorted(
        (stride, n) for n, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride != 0 and n != 1
    )
    merged: list[tuple[int, int]] = []
    for stride, n in axes:  # axes that follow each other in memory are one
        if merged and merged[-1][0] * merged[-1][1] == stride:
            merged[-1] = (merged[-1][0], merged[-1][1] * n)
        else:
            merged.append((stride, n))
    return (tensor.storage_offset(), *merged)


class Claims:
    """Every element of a parameter is a weight or a bias once: at the first call that uses it."""

    def __init__(self, parameters: dict[str, int]) -> None:
        self._size = parameters
        self.left = dict(parameters)
        self._parts: set[tuple[str, tuple[Any, ...]]] = set()

    def claim(self, origin: Origin | None) -> Elements:
        """Elements that this use is the first to use, parameter by parameter. Of a computed operand
        (weight_norm: a direction and a length) those parameters count that the operand is a copy of,
        element by element: one of its size, or several that make up its size together."""
        if origin is None or not origin.parameters:
            return ()
        if origin.part is not None:
            name = origin.parameters[0]
            if (name, origin.part) in self._parts:
                return ()
            self._parts.add((name, origin.part))
            return self._take(name, origin.elements)
        if origin.chosen:
            return tuple(taken for name in origin.parameters for taken in self._take(name, self._size[name]))
        alike = [name for name in origin.parameters if self._size[name] == origin.elements]
        same = [name for name in alike if self.left[name]][:1] or alike[:1]  # of stacked ones, the next
        if not same and sum(self._size[name] for name in origin.parameters) == origin.elements:
            same = list(origin.parameters)
        return tuple(taken for name in same for taken in self._take(name, self._size[name]))

    def rest(self, name: str) -> Elements:
        """What no call has claimed of a parameter."""
        return self._take(name, self.left[name])

    def _take(self, name: str, elements: int) -> Elements:
        elements = min(elements, self.left[name])
        self.left[name] -= elements
        return ((name, elements),) if elements else ()
