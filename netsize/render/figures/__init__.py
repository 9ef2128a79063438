"""What pictures show, before anybody draws them: `html` draws them where they can be asked, `svg` for paper.

Each kind of figure is a class here, and a class of the same name in `html/`, which reads its `as_dict`; a function of
`svg/` draws it for paper. Which figures a result has is said where it is laid out (`report` for reports, else the file
in PAGES).
"""

from dataclasses import dataclass
from typing import Any

from netsize.render.treemap import Rectangle, laid_out
from netsize.results.tree import Node

WHOLE = Rectangle(0, 0, 16_000, 9_000)  # a treemap's, in whole units
EXACT = 2**53  # whole numbers beyond that are no numbers to a browser


@dataclass(frozen=True)
class Quantity:
    """`key`: in records; `unit`: "bytes", or "" of what is counted."""

    key: str
    title: str
    total: int
    unit: str = ""


@dataclass(frozen=True)
class Tree:
    """The modules: as a treemap and as an icicle."""

    quantities: tuple[Quantity, ...]
    nodes: tuple[Node, ...]
    kinds: dict[str, str]  # of the leaves -> as they are called

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "tree",
            "quantities": [_quantity(quantity) for quantity in self.quantities],
            "kinds": self.kinds,
            "names": [node.name for node in self.nodes],
            "paths": [node.path for node in self.nodes],
            "parents": [node.parent for node in self.nodes],
            "kind": [node.kind for node in self.nodes],
            "rows": [node.row for node in self.nodes],
            "values": [[exact(node.values[index]) for node in self.nodes] for index in range(len(self.quantities))],
            "rectangles": [
                [side for rectangle in laid_out(self.nodes, index, WHOLE) for side in _whole(rectangle)]
                for index in range(len(self.quantities))
            ],
        }


@dataclass(frozen=True)
class Bars:
    """A chart for each quantity, one below the other: a bar for each row, in order."""

    title: str
    quantities: tuple[Quantity, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]  # of each quantity

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "bars",
            "title": self.title,
            "quantities": [_quantity(quantity) for quantity in self.quantities],
            "names": list(self.names),
            "kind": list(self.kinds),
            "values": [[exact(value) for value in values] for values in self.values],
        }


@dataclass(frozen=True)
class Rows:
    """A bar for each thing that is compared, with its name and its number, in a group for each quantity: one scale in
    each group."""

    title: str
    quantities: tuple[Quantity, ...]
    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]  # of each quantity

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "rows",
            "title": self.title,
            "quantities": [_quantity(quantity) for quantity in self.quantities],
            "names": list(self.names),
            "values": [[exact(value) for value in values] for values in self.values],
        }


@dataclass(frozen=True)
class Scatter:
    """A point for each name, whose area follows `sizes`; both axes are logarithmic."""

    title: str
    x: Quantity
    y: Quantity
    size: Quantity
    names: tuple[str, ...]
    points: tuple[tuple[int, int, int], ...]  # x, y and size

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "scatter",
            "title": self.title,
            "axes": [_quantity(quantity) for quantity in (self.x, self.y, self.size)],
            "names": list(self.names),
            "points": [[exact(value) for value in point] for point in self.points],
        }


@dataclass(frozen=True)
class Lines:
    """Several quantities over one; both axes are logarithmic, so that powers are straight lines. `failed`: places on
    the axis at which there is nothing, and why."""

    title: str
    x: str
    names: tuple[str, ...]
    places: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]  # of each name
    failed: tuple[tuple[int, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "lines",
            "title": self.title,
            "x": self.x,
            "names": list(self.names),
            "places": list(self.places),
            "values": [list(values) for values in self.values],
            "failed": [list(place) for place in self.failed],
        }


@dataclass(frozen=True)
class Areas:
    """Parts on top of each other, in bytes, over a row of events. `phases`: where each begins; `peak`: the highest
    event, `told` of it; `measured`: a line across, what it is and where."""

    title: str
    names: tuple[str, ...]
    events: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]  # of each name, at each event
    phases: tuple[tuple[str, int], ...] = ()
    peak: int = 0
    told: str = ""
    measured: tuple[tuple[str, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "areas",
            "title": self.title,
            "names": list(self.names),
            "events": list(self.events),
            "values": [list(values) for values in self.values],
            "phases": [list(phase) for phase in self.phases],
            "peak": self.peak,
            "told": self.told,
            "measured": [list(line) for line in self.measured],
        }


Figure = Tree | Bars | Rows | Scatter | Lines | Areas


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {
        "key": quantity.key,
        "title": quantity.title,
        "total": exact(quantity.total),
        "unit": quantity.unit,
    }


def exact(value: int) -> int | str:
    """As a browser can read it."""
    return value if abs(value) <= EXACT else str(value)


def _whole(rectangle: Rectangle) -> tuple[int, int, int, int]:
    """Neighbours share their rounded edges."""
    left, top = round(rectangle.x), round(rectangle.y)
    return left, top, round(rectangle.x + rectangle.width) - left, round(rectangle.y + rectangle.height) - top
