"""Which elements of a parameter a tensor holds: places in its storage, and how they add up, each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from netsize.facts.network import Elements
from netsize.trace.ones import entries
from netsize.trace.operations import tensors

LARGE = 2**24  # elements of a parameter of which it is not looked at which ones constants select: all may be


@dataclass(frozen=True)
class Strided:
    """From `offset` on along `axes`, each (step, length), the smallest step first. The same for every view of the same
    elements, whatever the order of its axes."""

    offset: int
    axes: tuple[tuple[int, int], ...]

    @property
    def end(self) -> int:
        """The place behind the last."""
        return self.offset + sum((n - 1) * step for step, n in self.axes) + 1

    @property
    def is_run(self) -> bool:
        """Whether it is all that lies between its first place and its last."""
        return not self.axes or (len(self.axes) == 1 and self.axes[0][0] == 1)

    def mark(self, places: torch.Tensor) -> None:
        places.as_strided([n for _, n in self.axes], [step for step, _ in self.axes], self.offset).fill_(True)


@dataclass(frozen=True)
class Selected:
    """Some places, in order."""

    selected: tuple[int, ...]
    is_run = False

    @property
    def end(self) -> int:
        return max(self.selected, default=-1) + 1

    def mark(self, places: torch.Tensor) -> None:
        places[list(self.selected)] = True


Region = Strided | Selected
NOTHING = Selected(())


def seen_by(view: torch.Tensor) -> Region:
    """The elements of a parameter, or of a view of one. A sparse one is all that it stores."""
    if view.layout is not torch.strided:
        return Strided(0, ((1, entries(view)),))
    elements = view.numel()
    if not elements:
        return NOTHING
    if view.is_contiguous():
        return Strided(int(view.storage_offset()), ((1, elements),) if elements > 1 else ())
    axes = sorted((step, n) for n, step in zip(view.shape, view.stride()) if step != 0 and n != 1)
    merged: list[tuple[int, int]] = []
    for step, n in axes:  # axes that follow each other in memory are one
        if merged and merged[-1][0] * merged[-1][1] == step:
            merged[-1] = (merged[-1][0], merged[-1][1] * n)
        else:
            merged.append((step, n))
    return Strided(int(view.storage_offset()), tuple(merged))


def chosen(func: Any, args: Any, region: Region) -> Region:
    """What is left of a region when an operation that selects is run on the places themselves."""
    view, args = args[0], _each_once(func, args)
    last = view.storage_offset() + sum((n - 1) * step for n, step in zip(view.shape, view.stride()))
    if last >= LARGE:
        return region
    device = next((index.device for index in tensors(args[1:])), None)  # a parameter may have no memory
    places = torch.arange(last + 1, device=device).as_strided(view.size(), view.stride(), view.storage_offset())
    marks = torch.zeros(last + 1, dtype=torch.bool, device=device)
    marks[func(places, *args[1:]).flatten()] = True
    selected = Selected(tuple(marks.nonzero().flatten().tolist()))
    return region if len(selected.selected) == view.numel() else selected


def _each_once(func: Any, args: Any) -> Any:
    """The same rows, each chosen once: tables of positions are asked for every pair of places of a window."""
    if func is not torch.ops.aten.index.Tensor:
        return args
    *before, rows = args[1]
    if any(index is not None for index in before) or rows.dtype not in (torch.int32, torch.int64):
        return args
    chosen = torch.zeros(args[0].shape[len(before)], dtype=torch.bool, device=rows.device)
    chosen[rows.flatten()] = True
    return args[0], [*before, chosen.nonzero().flatten()]


class Claims:
    """Every element of a parameter is a weight or a bias once: at the first call that uses it."""

    def __init__(self, parameters: Mapping[str, int]) -> None:
        self.left = dict(parameters)
        self._runs: dict[str, list[tuple[int, int]]] = {}  # parameter -> runs of places that are claimed, in order
        self._marks: dict[str, torch.Tensor] = {}  # the same, place by place, where runs do not tell

    def claim(self, sources: tuple[tuple[str, Region], ...]) -> Elements:
        """How many elements this use is the first to use, parameter by parameter."""
        taken: dict[str, int] = {}
        for name, region in sources:
            if self.left[name]:
                taken[name] = taken.get(name, 0) + self._take(name, self._new(name, region))
        return tuple((name, size) for name, size in taken.items() if size)

    def rest(self, name: str) -> Elements:
        """What no call has claimed of a parameter."""
        size = self._take(name, self.left[name])
        return ((name, size),) if size else ()

    def _take(self, name: str, elements: int) -> int:
        elements = min(elements, self.left[name])
        self.left[name] -= elements
        if not self.left[name]:
            self._marks.pop(name, None)
        return elements

    def _new(self, name: str, region: Region) -> int:
        """How many places of a region nobody has claimed; now they are."""
        if isinstance(region, Strided) and region.is_run and name not in self._marks:
            runs = self._runs.get(name, [])
            new = region.end - region.offset
            new -= sum(max(0, min(region.end, end) - max(region.offset, first)) for first, end in runs)
            self._runs[name] = _merged([*runs, (region.offset, region.end)])
            return new
        marks = self._marked(name, region.end)
        before = int(marks.sum())
        region.mark(marks)
        return int(marks.sum()) - before

    def _marked(self, name: str, end: int) -> torch.Tensor:
        marks = self._marks.get(name)
        if marks is None:
            runs = self._runs.pop(name, [])
            marks = torch.zeros(max([end, *(last for _, last in runs)]), dtype=torch.bool)
            for first, last in runs:
                marks[first:last] = True
        if len(marks) < end:
            marks = torch.cat([marks, torch.zeros(end - len(marks), dtype=torch.bool)])
        self._marks[name] = marks
        return marks


def _merged(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, without what overlaps or touches."""
    found: list[tuple[int, int]] = []
    for first, end in sorted(runs):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found
