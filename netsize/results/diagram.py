"""Facts -> the network as papers draw it: a box for each feature map, with what made it and what it was made of;
blocks that are repeated once, with how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netsize.facts.network import FlowNode, Network
from netsize.lecture.formulas import Formula, Shape
from netsize.results.count import count, named, own_weights
from netsize.results.display import Shown
from netsize.results.report import Report
from netsize.version import __version__

SCHEMA = 1
MOST = 48  # boxes that a figure has, if nobody says how deep it goes
SAVED = 3  # boxes that folding must save
CHANNELS_FIRST = ("conv", "conv_transpose", "pooling")


@dataclass(frozen=True)
class Extent:
    """What a box is drawn by: channels or features, and the places that each has one at."""

    channels: int
    places: Shape = ()


@dataclass(frozen=True)
class Box:
    """What came out of one operation, or of a module (`layers` > 1) whose operations are not drawn. `kind`: of a layer,
    or "input", "join" or "module"; `sources`: indices of the boxes that it is made of; `rows`: of the calls in it."""

    kind: str
    path: str
    operation: str
    shape: Shape  # without a batch axis of 1
    extent: Extent
    sources: tuple[int, ...]
    rows: tuple[int, ...] = ()
    layers: int = 1
    units: int = 0
    connections: int = 0
    weights: int = 0


@dataclass(frozen=True)
class Repeat:
    """Boxes from `first` on, up to `end`, stand for `times` modules that are alike, the last of which is `until`."""

    first: int
    end: int
    times: int
    path: str
    until: str


@dataclass(frozen=True)
class Diagram(Shown):
    """The boxes in order of execution, and which of them are repeated; `report`: the verified counts."""

    report: Report
    boxes: tuple[Box, ...]
    repeats: tuple[Repeat, ...]


@dataclass(frozen=True)
class _Drawn:
    """A node that is left after folding."""

    formula: Formula | None
    box: Box
    sources: tuple[int, ...]
    parts: tuple[str, ...]  # of its path


def diagram(network: Network, depth: int | None = None) -> Diagram:
    """`depth`: levels of modules, below which all is one box; None: as many as a figure holds."""
    nodes = _with_boxes(network)
    nodes, repeats = _folded(nodes)
    if depth is None and len(nodes) <= MOST:
        return Diagram(count(network), tuple(node.box for node in nodes), tuple(repeats))
    deepest = max((len(node.parts) for node in nodes), default=1)
    for levels in [depth] if depth is not None else range(deepest, 0, -1):
        boxes, places = _rolled_up(nodes, repeats, levels)
        if len(boxes) <= MOST:
            break
    kept = [
        replace(repeat, first=places[repeat.first], end=places[repeat.end - 1] + 1)
        for repeat in repeats
        if _levels(repeat) <= levels  # others are inside of a box, which has them as often
    ]
    return Diagram(count(network), tuple(boxes), tuple(kept))


def _levels(repeat: Repeat) -> int:
    return repeat.path.count(".") + 1


def _with_boxes(network: Network) -> list[_Drawn]:
    """Each node with its box; joins that nothing comes of are left out."""
    ends = network.ends or (len(network.flow) - 1,)  # of a pass that was stopped
    used = {source for node in network.flow for source in node.sources} | set(ends)
    found: list[_Drawn] = []
    places: dict[int, int] = {}
    for index, node in enumerate(network.flow):
        if node.call is None and node.operation != "input" and index not in used:
            continue
        sources = tuple(places[source] for source in node.sources if source in places)
        places[index] = len(found)
        box = _box(network, node, sources, [found[source].box for source in sources])
        formula = network.calls[node.call].formula if node.call is not None else None
        found.append(_Drawn(formula, box, sources, tuple(node.path.split(".")) if node.path else ()))
    return found


def _box(network: Network, node: FlowNode, sources: tuple[int, ...], before: Sequence[Box]) -> Box:
    shape = node.shape[1:] if node.shape[:1] == (1,) and len(node.shape) > 1 else node.shape
    if node.call is None:
        kind = "input" if node.operation == "input" else "join"
        like = next((box for box in before if len(box.shape) == len(shape)), None)
        first = len(shape) > 2 and (like is None or like.extent.channels == like.shape[0])
        extent = Extent(shape[0], shape[1:]) if first else _features_last(shape)
        operation = "input" if kind == "input" else named(node.operation)
        return Box(kind, node.path, operation, shape, extent, sources)
    call = network.calls[node.call]
    maps = call.kind in CHANNELS_FIRST or (call.kind in ("attention", "matmul") and len(shape) == 3)
    return Box(
        kind=call.kind,
        path=node.path,
        operation=_short(call.kind, call.formula.label),
        shape=shape,
        extent=Extent(shape[0], shape[1:]) if maps and shape else _features_last(shape),
        sources=sources,
        rows=(node.call,),
        units=call.formula.units if call.kind != "pooling" else 0,  # as the homework has it: see Convention
        connections=call.formula.connections if call.kind != "pooling" else 0,
        weights=own_weights(call),
    )


def _features_last(shape: Shape) -> Extent:
    return Extent(shape[-1] if shape else 1, shape[:-1])


def _short(kind: str, label: str) -> str:
    """conv 11x11 /4 of conv 11x11 /4, 3 -> 64: the channels are those of the boxes."""
    parts = label.split(", ")
    if kind in CHANNELS_FIRST:
        return ", ".join([parts[0], *(part for part in parts[1:] if "->" not in part)])
    return kind if kind in ("linear", "attention", "matmul", "embedding") else parts[0].partition(" ")[0]


def _folded(nodes: list[_Drawn]) -> tuple[list[_Drawn], list[Repeat]]:
    """Modules beside each other that do the same, each with what the one before it has made, are one; from the
    outermost inwards."""
    repeats: list[Repeat] = []
    level = 1
    while level <= max((len(node.parts) for node in nodes), default=0):
        runs = _runs(nodes, level)
        position = 0
        while position < len(runs):
            first, end = runs[position]
            times = 1
            while position + times < len(runs):
                if not _follows(nodes, runs[position + times - 1], runs[position + times], level):
                    break
                times += 1
            if times > 1 and (times - 1) * (end - first) >= SAVED:
                last_first, last_end = runs[position + times - 1]
                path = ".".join(nodes[first].parts[:level])
                until = ".".join(nodes[last_first].parts[:level])
                nodes, moved = _without(nodes, first, end, last_end)
                repeats = [replace(r, first=moved(r.first), end=moved(r.end - 1) + 1) for r in repeats]
                repeats.append(Repeat(first, end, times, path, until))
                runs = _runs(nodes, level)
            position += 1
        level += 1
    return nodes, repeats


def _runs(nodes: Sequence[_Drawn], level: int) -> list[tuple[int, int]]:
    """Where each module of this level begins and ends, as long as nothing else is executed between."""
    runs: list[tuple[int, int]] = []
    before: tuple[str, ...] | None = None
    for place, node in enumerate(nodes):
        prefix = node.parts[:level] if len(node.parts) >= level else None
        if prefix is None:
            before = None
            continue
        if prefix == before:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
        before = prefix
    return runs


def _follows(nodes: Sequence[_Drawn], one: tuple[int, int], other: tuple[int, int], level: int) -> bool:
    """Whether the other module does the same with what the one has made."""
    (first, end), (start, stop) = one, other
    beside = nodes[first].parts[: level - 1] == nodes[start].parts[: level - 1]
    if not beside or end != start or end - first != stop - start:
        return False
    handed: dict[int, int] = {}  # what the one takes from outside -> what the other takes in its place
    for left, right in zip(nodes[first:end], nodes[start:stop]):
        if _alike(left) != _alike(right) or len(left.sources) != len(right.sources):
            return False
        for a, b in zip(left.sources, right.sources):
            inside = a >= first
            if inside != (b >= start) or (inside and a - first != b - start):
                return False
            if not inside and (handed.setdefault(a, b) != b or (b != a and b < first)):
                return False
    return True


def _alike(node: _Drawn) -> tuple[Any, ...]:
    return node.box.kind, node.box.operation, node.box.shape, node.formula, node.box.weights


def _without(nodes: Sequence[_Drawn], first: int, end: int, last: int) -> tuple[list[_Drawn], Callable[[int], int]]:
    """Without those between, whose places are taken by those that do the same in the first module."""
    long = end - first

    def moved(place: int) -> int:
        if place < end:
            return place
        return first + (place - first) % long if place < last else place - (last - end)

    kept = [node for place, node in enumerate(nodes) if not end <= place < last]
    return [_moved(node, tuple(dict.fromkeys(map(moved, node.sources)))) for node in kept], moved


def _moved(node: _Drawn, sources: tuple[int, ...]) -> _Drawn:
    return replace(node, sources=sources, box=replace(node.box, sources=sources))


def _rolled_up(nodes: Sequence[_Drawn], repeats: Sequence[Repeat], depth: int) -> tuple[list[Box], list[int]]:
    """A box for each module of this depth, as long as nothing else is executed between; and the box of each node. What
    comes out of it is what its last operation has made."""
    times = [1] * len(nodes)
    for repeat in repeats:
        if _levels(repeat) > depth:  # its modules are inside of a box
            for place in range(repeat.first, repeat.end):
                times[place] *= repeat.times
    groups: list[list[int]] = []
    before: tuple[str, ...] | None = None
    for place, node in enumerate(nodes):
        prefix = node.parts[:depth] if len(node.parts) >= depth and node.box.kind != "input" else None
        if prefix is not None and prefix == before:
            groups[-1].append(place)
        else:
            groups.append([place])
        before = prefix
    places = [group for group, members in enumerate(groups) for _ in members]
    return [_module(nodes, members, places, times, depth) for members in groups], places


def _module(nodes: Sequence[_Drawn], members: list[int], places: list[int], times: list[int], depth: int) -> Box:
    own = places[members[0]]
    sources = (places[source] for member in members for source in nodes[member].sources)
    outside = tuple(dict.fromkeys(source for source in sources if source != own))
    if len(members) == 1:
        return replace(nodes[members[0]].box, sources=outside)
    boxes = [nodes[member].box for member in members]
    layers = sum(times[member] for member in members if nodes[member].box.rows)
    path = ".".join(nodes[members[0]].parts[:depth])
    last = boxes[-1]
    return Box(
        kind="module",
        path=path,
        operation=f"{layers} layers" if layers != 1 else "1 layer",
        shape=last.shape,
        extent=last.extent,
        sources=outside,
        rows=tuple(row for box in boxes for row in box.rows),
        layers=layers,
        units=sum(box.units * times[member] for box, member in zip(boxes, members)),
        connections=sum(box.connections * times[member] for box, member in zip(boxes, members)),
        weights=sum(box.weights * times[member] for box, member in zip(boxes, members)),
    )


def as_dict(diagram: Diagram) -> dict[str, Any]:
    """Schema 1."""
    verification = diagram.report.verification
    return {
        "schema": SCHEMA,
        "netsize": __version__,
        "model": diagram.report.source.model,
        "boxes": [
            {
                "path": box.path,
                "kind": box.kind,
                "operation": box.operation,
                "output": list(box.shape),
                "sources": list(box.sources),
                "layers": box.layers if box.rows else 0,
                "units": box.units,
                "connections": box.connections,
                "weights": box.weights,
            }
            for box in diagram.boxes
        ],
        "repeats": [
            {"first": r.first, "end": r.end, "times": r.times, "path": r.path, "until": r.until}
            for r in diagram.repeats
        ],
        "verification": {
            "status": verification.status,
            "device": verification.device,
            "layers": verification.layers,
            "verified": verification.verified,
        },
    }
