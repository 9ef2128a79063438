"""The figures of a report."""

from collections.abc import Sequence
from typing import Any

from netsize.lecture.receptive_fields import Field
from netsize.render.figures import Bars, Fields, Figure, Quantity, Tree
from netsize.results import words
from netsize.results.kinds import KINDS
from netsize.results.report import QUANTITIES, Report, Row
from netsize.results.tree import Leaf, tree


def figures(report: Report) -> tuple[Figure, ...]:
    """The modules by each quantity and by parameters; and the layers one after the other."""
    rows = report.layers
    totals = report.totals
    quantities = tuple(Quantity(name, name, getattr(totals, name)) for name in QUANTITIES)
    parameters = Quantity("parameters", "parameters", totals.parameters)
    kinds = {row.kind: KINDS[row.kind].plural if row.kind in KINDS else row.kind for row in rows}
    nodes = tree([*_leaves(rows), *_beside(report)], report.source.title)
    if any(node.kind == "other" for node in nodes):
        kinds["other"] = "other parameters"
    found: list[Figure] = [
        Tree((*quantities, parameters), nodes, kinds),
        Bars(
            "Layer by layer, in order of execution",
            quantities,
            tuple(row.name for row in rows),
            tuple(row.kind for row in rows),
            tuple(tuple(getattr(row, name) for row in rows) for name in QUANTITIES),
        ),
    ]
    return (*found, *_fields(report)) if report.options.fields else tuple(found)


def _fields(report: Report) -> list[Figure]:
    """Of the layers whose units see one region of an input with places along one axis or two, each size once."""
    seen = {row.field.size: (row, row.field) for row in report.rows if row.field is not None and not row.field.whole}
    found = sorted(seen.values(), key=lambda pair: pair[1].size)
    axes = {field.axes for _, field in found}
    if len(axes) != 1 or len(next(iter(axes))) not in (1, 2):
        return []
    extent = [report.input[0][axis] for axis in axes.pop()]
    height, width = (1, *extent)[-2:]
    names = tuple(f"{row.name}: {field}" for row, field in found)
    regions = tuple(_middle(field, extent) for _, field in found)
    return [Fields("What the unit in the middle sees of the input", (height, width), names, regions)]


def _middle(field: Field, extent: list[int]) -> tuple[int, int, int, int]:
    """The region of the unit that is nearest to the middle."""
    starts = []
    for size, step, offset, n in zip(field.size, field.step, field.offset, extent):
        steps = round(((n - size) / 2 - (offset or 0)) / step) if step else 0
        starts.append((offset or 0) + steps * (step or 0))
    (top, height), (left, width) = [(0, 1), *zip(starts, field.size)][-2:]
    return top, left, height, width


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
