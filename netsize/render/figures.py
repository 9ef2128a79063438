"""What pictures show, before anybody draws them: `html` draws them where they can be asked, `svg` for paper.

Each kind of figure is a class here. `as_dict` is what the script of an HTML file reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from netsize.render.treemap import Rectangle, laid_out
from netsize.results import words
from netsize.results.kinds import KINDS
from netsize.results.report import QUANTITIES, Report, Row
from netsize.results.tree import Leaf, Node, tree

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


Figure = Tree | Bars


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


def of_report(report: Report) -> tuple[Figure, ...]:
    """The modules by each quantity and by parameters; and the layers one after the other."""
    rows = report.layers
    totals = report.totals
    quantities = tuple(Quantity(name, name, getattr(totals, name)) for name in QUANTITIES)
    parameters = Quantity("parameters", "parameters", totals.parameters)
    kinds = {row.kind: KINDS[row.kind].plural if row.kind in KINDS else row.kind for row in rows}
    nodes = tree([*_leaves(rows), *_beside(report)], report.source.title)
    if any(node.kind == "other" for node in nodes):
        kinds["other"] = "other parameters"
    return (
        Tree((*quantities, parameters), nodes, kinds),
        Bars(
            "Layer by layer, in order of execution",
            quantities,
            tuple(row.name for row in rows),
            tuple(row.kind for row in rows),
            tuple(tuple(getattr(row, name) for row in rows) for name in QUANTITIES),
        ),
    )


def _leaves(rows: Sequence[Row]) -> list[Leaf]:
    return [
        Leaf(
            row.path,
            row.name,
            row.kind,
            (row.units, row.connections, row.weights, row.weights + row.biases),
            index,
            row.call,
        )
        for index, row in enumerate(rows)
    ]


def _beside(report: Report) -> list[Leaf]:
    """Parameters that no row has: scales, shifts and positions, and what is not used."""
    others = dict(report.others)
    left = report.totals.other_parameters - sum(others.values()) - sum(size for _, size in report.unused)
    found = [Leaf(path, path or f"({report.source.title})", "other", (0, 0, 0, size)) for path, size in others.items()]
    unused: dict[str, int] = {}
    for name, size in report.unused:
        path = name.rpartition(".")[0] or name
        unused[path] = unused.get(path, 0) + size
    found += [Leaf(path, f"{path} (unused)", "unused", (0, 0, 0, size), call=-1) for path, size in unused.items()]
    if left > 0:
        found.append(Leaf("(other parameters)", "other parameters", "other", (0, 0, 0, left)))
    return found


def texts(row: Row) -> dict[str, Any]:
    """What stands in a table of layers, besides the numbers."""
    return {
        "name": row.name,
        "label": row.label,
        "operation": row.operation,
        "output": words.without_batch(row.output),
    }
