"""Which executed operations a tensor comes from: what feeds each layer, and where branches meet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from netsize.facts.network import FlowNode
from netsize.trace.by_tensor import ByTensor
from netsize.trace.drafts import Draft
from netsize.trace.executed import Executed
from netsize.trace.origins import Origins
from netsize.trace.ragged import shape_of

_WRITES_ALL = {"aten.copy_", "aten.fill_", "aten.zero_"}  # nothing is left of what was there


class Flow:
    """A node for each input and each counted operation, and for each other one that makes one tensor of what several
    nodes made (a sum, a product, a concatenation). All else only hands on."""

    def __init__(self, inputs: Sequence[torch.Tensor], origins: Origins) -> None:
        self._origins = origins
        self._nodes: list[tuple[FlowNode, Draft | None]] = []
        self._made: ByTensor[tuple[int, ...]] = ByTensor(origins.tensors)  # tensor -> the nodes that it comes from
        self._paused = False
        for tensor in inputs:
            self._made[tensor] = (self._add("input", "", shape_of(tensor), ()),)

    def of(self, tensor: torch.Tensor) -> tuple[int, ...]:
        """Masks choose, and carry no features: they come from nowhere."""
        return (self._made.get(tensor) or ()) if tensor.dtype != torch.bool else ()

    def stands_for(self, other: torch.Tensor, tensor: torch.Tensor) -> None:
        if made := self.of(tensor):
            self._made[other] = made

    def follow(self, done: Executed, drafts: Sequence[Draft], path: str) -> None:
        """An executed operation, and what was counted of it."""
        name, arguments, results = done.name, done.arguments, done.results
        if self._paused or not results:
            return
        if name.endswith("_like") or name.startswith("aten.new_"):  # as large as another one, and nothing else of it
            arguments = []
        sources = self._sources(arguments[1:] if name in _WRITES_ALL else arguments)
        made = sources
        for draft in drafts:
            made = (self._counted(draft, made),)
        if len(made) > 1:
            made = (self._add(name, path, shape_of(results[0]), made),)
        self._hand(results, made)
        if done.kind.writes and arguments:  # what was written into holds it now, and so does what that is a part of
            written = arguments[0]
            self._hand([written], made)
            base = self._origins.base_of(written)
            if base is not None:
                held = tuple(dict.fromkeys((*self.of(base), *made)))
                node = (self._add(name, path, shape_of(base), held),) if len(held) > 1 else held
                self._hand([base], node)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Inside, nothing is followed: it is part of something that is counted as one (see `went_through`)."""
        outside, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = outside

    def went_through(
        self, inputs: Sequence[torch.Tensor], results: Sequence[torch.Tensor], stages: Sequence[Sequence[list[Draft]]]
    ) -> None:
        """What `results` were made of `inputs` by: stages one behind the other, each of branches side by side."""
        if self._paused:
            return
        made = self._sources(inputs)
        for branches in stages:
            ends: list[int] = []
            for drafts in branches:
                end = made
                for draft in drafts:
                    end = (self._counted(draft, end),)
                ends += end
            made = tuple(dict.fromkeys(ends))
        self._hand(results, made)

    def nodes(self, drafts: Sequence[Draft]) -> tuple[FlowNode, ...]:
        """All of them, when the calls are settled."""
        places = {id(draft): place for place, draft in enumerate(drafts)}
        return tuple(
            FlowNode("", draft.call.path, draft.call.output, node.sources, places.get(id(draft))) if draft else node
            for node, draft in self._nodes
        )

    def _sources(self, tensors: Sequence[torch.Tensor]) -> tuple[int, ...]:
        if len(tensors) == 1:
            return self.of(tensors[0])
        return tuple(dict.fromkeys([node for tensor in tensors for node in self.of(tensor)]))

    def _counted(self, draft: Draft, sources: tuple[int, ...]) -> int:
        return self._add("", draft.call.path, draft.call.output, sources, draft)

    def _add(self, operation: str, path: str, shape: Any, sources: tuple[int, ...], draft: Draft | None = None) -> int:
        self._nodes.append((FlowNode(operation, path, tuple(shape), sources), draft))
        return len(self._nodes) - 1

    def _hand(self, tensors: Sequence[torch.Tensor], made: tuple[int, ...]) -> None:
        for tensor in tensors:
            if made:
                self._made[tensor] = made
            else:
                self._made.pop(tensor)
