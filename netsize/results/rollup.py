"""Rows of a report taken together: by module, or all but the largest. They always add up to the whole network."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any

from netsize.results.report import Row

OTHERS = "others"  # type of the row that stands for all that were not chosen


def roll_up(rows: Iterable[Row], depth: int) -> tuple[Row, ...]:
    """One row for each module at most `depth` levels deep, in order of first execution, with the sums of
    what lies deeper. A layer that is not so deep keeps its rows, one for each of its calls."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(".".join(row.path.split(".")[:depth]), []).append(row)
    rolled: list[Row] = []
    for path, group in groups.items():
        whole = len(group) == 1 or all(row.path == path for row in group)
        rolled += group if whole else [_sum(path, group)]
    return tuple(rolled)


def depth_that_fits(rows: tuple[Row, ...], most: int) -> int | None:
    """The deepest roll-up of at most so many rows; None if all rows fit as they are."""
    if len(rows) <= most:
        return None
    deepest = max(row.path.count(".") + 1 for row in rows)
    fitting = [depth for depth in range(deepest, 0, -1) if len(roll_up(rows, depth)) <= most]
    return fitting[0] if fitting else 1


def keep_largest(rows: tuple[Row, ...], most: int, quantity: str) -> tuple[Row, ...]:
    """The largest rows in falling order, the others added up in a last one: still the whole network."""
    ordered = sort(rows, quantity)
    kept, others = ordered[:most], ordered[most:]
    return (*kept, replace(_sum(f"[{len(others)} others]", list(others)), type=OTHERS)) if others else kept


def fold(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Modules that stand one behind the other and have the same layers, as one row: h.0 ... h.11, 12 x 6 layers. The
    outermost first; what is not repeated keeps its rows."""
    deepest = max((row.path.count(".") for row in rows), default=0)
    for depth in range(1, deepest + 1):
        rows = _folded(rows, depth)
    return rows


def _folded(rows: tuple[Row, ...], depth: int) -> tuple[Row, ...]:
    """Of modules so many levels deep."""
    blocks = [list(group) for _, group in groupby(rows, key=lambda row: _module(row, depth))]
    found: list[Row] = []
    for _, alike in groupby(blocks, key=lambda block: _form(block, depth)):
        run = list(alike)
        if len(run) < 2 or len(run[0]) < 2 or not _module(run[0][0], depth):
            found += [row for block in run for row in block]
            continue
        first, last = (_module(block[0], depth).split(".") for block in (run[0], run[-1]))
        end = ".".join(last[-2:]) if last[-1].isdigit() else last[-1]
        summed = _sum(f"{'.'.join(first)} ... {end}", [row for block in run for row in block])
        found.append(replace(summed, operation=f"{len(run)} x {sum(row.layers for row in run[0])} layers"))
    return tuple(found)


def _module(row: Row, depth: int) -> str:
    """That it lies in, or is, so many levels deep; "" of what is not so deep, and of what is folded already."""
    names = row.path.split(".")
    return ".".join(names[:depth]) if len(names) >= depth and " ... " not in row.path else ""


def _form(block: list[Row], depth: int) -> Any:
    """What repeated modules have in common: where they lie, and their layers."""
    module = _module(block[0], depth)
    layers = [
        (row.path[len(module) :], row.call, row.operation, row.units, row.connections, row.weights) for row in block
    ]
    return (module.rpartition(".")[0], layers) if module else (block[0].path, block[0].call)


def sort(rows: tuple[Row, ...], quantity: str) -> tuple[Row, ...]:
    """The largest first; equal ones in order of execution."""
    return tuple(sorted(rows, key=lambda row: -getattr(row, quantity)))


def _sum(path: str, rows: list[Row]) -> Row:
    kinds = Counter(row.kind for row in rows)
    layers = sum(row.layers for row in rows)
    failed = any(row.verified == "failed" for row in rows)
    return replace(
        rows[0],
        path=path,
        call=0,
        type="",
        kind=rows[0].kind if len(kinds) == 1 else "mixed",
        label=f"{layers} layers",
        operation=f"{layers} layers",
        output=rows[-1].output,
        hyperparameters=(),
        fan_in=None,
        frozen=sum(row.frozen for row in rows),
        other_parameters=sum(row.other_parameters for row in rows),
        field=rows[-1].field,
        field_verified="skipped",
        units=sum(row.units for row in rows),
        connections=sum(row.connections for row in rows),
        padding_connections=sum(row.padding_connections for row in rows),
        weights=sum(row.weights for row in rows),
        biases=sum(row.biases for row in rows),
        verified="failed" if failed else rows[0].verified,
        problems=tuple(problem for row in rows for problem in row.problems),
        layers=layers,
        fact=None,
    )
