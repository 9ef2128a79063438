"""What pictures show, before anybody draws them: `html` draws them where they can be asked, `svg` for paper.

Each kind of figure is a class here, and a class of the same name in `html/`, which reads its `as_dict`; a function of
`svg/` draws it for paper. Which figures a result has is said where it is laid out (`report` for reports, else the file
in PAGES).
"""

from dataclasses import dataclass
from typing import Any

from netsize.lecture.grid import Grid
from netsize.render.treemap import Rectangle, laid_out
from netsize.results.tree import Node

WHOLE = Rectangle(0, 0, 16_000, 9_000)  # a treemap's, in whole units
CORNER = 32  # rows and columns of a map that are drawn
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
    event, `told` of it; `measured`: a line across, what it is and where; `executed`: another one over the areas, by the
    event and what was measured there."""

    title: str
    names: tuple[str, ...]
    events: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]  # of each name, at each event
    phases: tuple[tuple[str, int], ...] = ()
    peak: int = 0
    told: str = ""
    measured: tuple[tuple[str, int], ...] = ()
    executed: tuple[tuple[int, int], ...] = ()

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
            "executed": [list(point) for point in self.executed],
        }


@dataclass(frozen=True)
class Windows:
    """The windows of a convolution or a pool on the map that they slide over, of which a corner is drawn; with values,
    what comes out."""

    grid: Grid

    @property
    def title(self) -> str:
        size, places = ("x".join(map(str, sizes)) for sizes in (self.grid.size, self.grid.places))
        over = "the output, on which each input has a window" if self.grid.transposed else "the map"
        return f"{places} windows over {over}, {size}"

    @property
    def ends(self) -> tuple[int, int]:
        """Rows and columns that are drawn, from the padding on."""
        rows, columns = (
            min(CORNER, self.grid.before[axis] + self.grid.size[axis] + self.grid.after[axis]) for axis in (0, 1)
        )
        return rows - self.grid.before[0], columns - self.grid.before[1]

    @property
    def places(self) -> tuple[int, int]:
        """Of the windows, as far as they are drawn."""
        return min(CORNER, self.grid.places[0]), min(CORNER, self.grid.places[1])

    def covered(self) -> list[list[int]]:
        """How many windows cover each element of what is drawn."""
        return [row[: self.ends[1]] for row in self.grid.covered()[: self.ends[0]]]

    def as_dict(self) -> dict[str, Any]:
        grid = self.grid
        return {
            "figure": "windows",
            "title": self.title,
            "before": list(grid.before),
            "ends": list(self.ends),
            "size": list(grid.size),
            "kernel": list(grid.kernel),
            "stride": list(grid.stride),
            "dilation": list(grid.dilation),
            "places": list(self.places),
            "covered": self.covered(),
            "input": [list(row) for row in grid.input],
            "weights": [list(row) for row in grid.weights],
            "output": [list(row) for row in grid.output()] if grid.input else [],
        }


@dataclass(frozen=True)
class Fields:
    """Receptive fields of the unit in the middle, on an input of so many rows and columns: of each layer that sees more
    than those before it the top, left, height and width, which may lie in the padding."""

    title: str
    extent: tuple[int, int]
    names: tuple[str, ...]
    regions: tuple[tuple[int, int, int, int], ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "fields",
            "title": self.title,
            "extent": list(self.extent),
            "names": list(self.names),
            "regions": [list(region) for region in self.regions],
        }


@dataclass(frozen=True)
class Shape:
    """`kind`: polygon, line, curve (a start, a point to which it is straight, and a cubic from there), circle, frame
    (two corners) or text. `text`: what it says, or what a viewer says of it; `style`: of a text, or the kind of a box;
    `box`: the index of the box that it belongs to."""

    kind: str
    points: tuple[tuple[float, float], ...]
    text: str = ""
    style: str = ""
    arrow: bool = False
    radius: float = 0
    box: int | None = None


@dataclass(frozen=True)
class Scene:
    """A drawing of so many pixels, downwards from its upper left corner."""

    title: str
    width: float
    height: float
    shapes: tuple[Shape, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "figure": "scene",
            "title": self.title,
            "width": round(self.width, 1),
            "height": round(self.height, 1),
            "shapes": [
                [s.kind, [round(n, 1) for point in s.points for n in point], s.text, s.style, s.arrow, s.radius, s.box]
                for s in self.shapes
            ],
        }


Figure = Scene | Tree | Bars | Rows | Scatter | Lines | Areas | Windows | Fields


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
