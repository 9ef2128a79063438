"""Which parameters a tensor was made from: through views, copies, arithmetic and selections.

A tensor depends on the network's input, or was made from parameters, or both (a kernel that is scaled by what the
network computed), or is a constant. What an operation makes of them follows from its arguments: parameters that only
scale others, element by element, do not count as what the result was made from, nor does what is added to an
activation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import _disable_current_modes

from netsize.sources.wrappers import weights_of
from netsize.trace.by_tensor import ByTensor, Tensors
from netsize.trace.executed import Executed
from netsize.trace.regions import Region, Strided, chosen, seen_by

_MULTIPLIES = {"aten.mul", "aten.div"}
_NORMALISES = {"aten._weight_norm_interface", "aten._weight_norm"}  # a direction, and its length: a scale
_JOINS = {"aten.cat", "aten.stack"}
CHOOSES = {"aten.index", "aten.index_select", "aten.gather"}


@dataclass(frozen=True)
class Origin:
    """`sources`: parts of parameters, by name; `depends`: on the network's input; `made`: what a layer has put out
    that saw parameters and constants only went into it (a learned query behind its projection). `direct`: it is a view
    of one parameter, no more. `chosen`: values choose which elements of its sources it holds. `pieces`: of tensors
    that were put one behind the other, the place in memory where each ends, and its origin."""

    sources: tuple[tuple[str, Region], ...] = ()
    depends: bool = False
    made: bool = False
    direct: bool = False
    chosen: bool = False
    pieces: "tuple[tuple[int, Origin | None], ...]" = ()

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.sources))


ACTIVATION = Origin(depends=True)
MADE = Origin(made=True)


class Origins:
    """The origin of every tensor that is alive, while a network runs."""

    def __init__(self, parameters: Mapping[str, torch.Tensor]) -> None:
        self.tensors = Tensors()  # of which others know other things
        self._origins: ByTensor[Origin] = ByTensor(self.tensors)
        self._bases: ByTensor[torch.Tensor] = ByTensor(self.tensors)  # view -> what it is a view of
        self.of: Callable[[torch.Tensor], Origin | None] = self._origins.get  # None for a constant
        self.touched: set[str] = set()
        self.add(parameters)

    def add(self, parameters: Mapping[str, torch.Tensor]) -> None:
        """Tensors that are these parameters. One that is made of others is those that hold its numbers."""
        for name, parameter in parameters.items():
            self._origins[parameter] = Origin(((name, seen_by(parameter)),), direct=True)
            for part in weights_of(parameter):
                self._origins[part] = Origin(((name, seen_by(parameter)),), direct=part.numel() == parameter.numel())

    def mark_activations(self, tensors: list[torch.Tensor]) -> None:
        for tensor in tensors:
            self._origins[tensor] = ACTIVATION

    def stands_for(self, other: torch.Tensor, tensor: torch.Tensor) -> None:
        """It has the origin of the tensor, if that has any."""
        if (origin := self.of(tensor)) is not None:
            self._origins[other] = origin

    def base_of(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """What it is a view of, if it is one."""
        return self._bases.get(tensor)

    def is_activation(self, tensor: torch.Tensor) -> bool:
        origin = self.of(tensor)
        return origin is not None and origin.depends

    def is_weight(self, tensor: torch.Tensor) -> bool:
        """Whether it was made from parameters."""
        origin = self.of(tensor)
        return origin is not None and bool(origin.sources)

    def touch(self, tensors: list[torch.Tensor]) -> None:
        """Parameters that are used, though no operation shows it."""
        for tensor in tensors:
            origin = self.of(tensor)
            self.touched.update(origin.parameters if origin is not None else ())

    def follow(self, done: Executed, counted: bool) -> None:
        """Note where the results of an executed operation come from. `counted`: it has connections."""
        kind, arguments, results = done.kind, done.arguments, done.results
        origins = [(tensor, origin) for tensor in arguments if (origin := self.of(tensor)) is not None]
        for _, origin in origins:
            self.touched.update(origin.parameters)
        if kind.is_view and arguments:
            base = self._bases[arguments[0]] if arguments[0] in self._bases else arguments[0]
            for result in results:
                self._bases[result] = base
        if not origins and not kind.random:
            return
        of_input = not kind.random and all(origin is ACTIVATION for _, origin in origins)
        for result in results:
            self._origins[result] = ACTIVATION if of_input else self._origin(done, origins, result, counted)
        if kind.writes:  # what was written into holds it now, and so does what that is a view of
            for written in arguments[:1]:
                self._origins[written] = self._origins[results[0]]
            changed = [tensor for tensor in (*arguments[:1], *results) if self.is_activation(tensor)]
            self.mark_activations([self._bases[tensor] for tensor in changed if tensor in self._bases])

    def _origin(
        self, done: Executed, origins: list[tuple[torch.Tensor, Origin]], result: torch.Tensor, counted: bool
    ) -> Origin:
        kind, name, args = done.kind, done.name, done.args
        if kind.random:
            return ACTIVATION
        if counted:
            return ACTIVATION if any(origin.depends for _, origin in origins) else MADE
        first = origins[0][1]
        if first.direct and origins[0][0] is done.arguments[0]:
            if kind.is_view:
                return Origin(((first.parameters[0], seen_by(result)),), direct=True)
            if name in CHOOSES:
                return self._chosen(done.func, args, first)
        if first.pieces and kind.is_view:
            return _cut(first, result)
        if name in _JOINS and result.numel() and not (args[1] if len(args) > 1 else 0):
            return self._joined(done.arguments, origins, result)
        return _combined(name.removesuffix("_"), origins, result)

    def _joined(
        self, arguments: list[torch.Tensor], origins: list[tuple[torch.Tensor, Origin]], result: torch.Tensor
    ) -> Origin:
        """Along the first axis, each piece in a run of memory of its own."""
        ends = accumulate(tensor.numel() for tensor in arguments)
        whole = _combined("", origins, result)
        if not whole.sources or not result.is_contiguous():
            return whole
        return replace(whole, pieces=tuple(zip(ends, map(self.of, arguments))))

    def _chosen(self, func: Any, args: Any, origin: Origin) -> Origin:
        """Rows that constants select are known; of those that the input selects (experts of a mixture), any may be."""
        ((parameter, region),) = origin.sources
        picked = args[1] if isinstance(args[1], (list, tuple)) else args[1:]
        selected = [value for value in picked if isinstance(value, torch.Tensor)]
        if any(self.is_activation(value) or isinstance(value, FakeTensor) or value.is_meta for value in selected):
            return Origin(origin.sources, chosen=True)
        with _disable_current_modes():
            return Origin(((parameter, chosen(func, args, region)),))


def _cut(origin: Origin, view: torch.Tensor) -> Origin:
    """What a view of tensors that were put together still sees: some of the pieces."""
    region = seen_by(view)
    first = region.offset if isinstance(region, Strided) else region.end
    begins = (0, *(end for end, _ in origin.pieces))
    seen = [piece for begin, (end, piece) in zip(begins, origin.pieces) if begin < region.end and first < end]
    kept = [piece for piece in seen if piece is not None]
    return replace(origin, sources=_union(kept)) if kept else Origin(depends=origin.depends, made=origin.made)


def _combined(name: str, origins: list[tuple[torch.Tensor, Origin]], result: torch.Tensor) -> Origin:
    """What arithmetic, copies and moves make of several tensors."""
    if name in _NORMALISES:
        origins = origins[:1]
    whole = [origin for tensor, origin in origins if tensor.numel() >= result.numel()]
    depends = any(origin.depends for _, origin in origins)
    made = any(origin.made for _, origin in origins)
    chosen = any(origin.chosen for _, origin in origins)
    if name in _MULTIPLIES:
        kept = [origin for origin in whole if origin.sources]
        if kept and all(not origin.depends or origin.sources for origin in whole):  # scaled by all that is smaller
            return Origin(_union(kept), depends, made, chosen=chosen)
    if any(origin.depends and not origin.sources for _, origin in origins):
        return ACTIVATION
    if any(origin.made and not origin.sources for _, origin in origins):  # a low-rank product that is added to a weight
        return Origin(_union([origin for origin in whole if origin.sources]), depends, True, chosen=chosen)
    return Origin(_union([origin for _, origin in origins]), depends, made, chosen=chosen)


def _union(origins: Sequence[Origin]) -> tuple[tuple[str, Region], ...]:
    return tuple(dict.fromkeys(source for origin in origins for source in origin.sources))
