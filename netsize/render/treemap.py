"""Rectangles whose areas are shares, nested as modules are: squarified treemaps (Bruls, Huizing and van Wijk 2000)."""

from collections.abc import Sequence
from typing import NamedTuple

from netsize.results.tree import ROOT, Node


class Rectangle(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def laid_out(nodes: Sequence[Node], quantity: int, whole: Rectangle) -> list[Rectangle]:
    """One for each node, inside of its parent's; none of it is left free, and what has nothing has no area."""
    below: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        if node.parent != ROOT:
            below[node.parent].append(index)
    found = [whole] * len(nodes)
    for index in range(len(nodes)):  # parents stand before those below them
        children = sorted(below[index], key=lambda child: -nodes[child].values[quantity])
        areas = [nodes[child].values[quantity] for child in children]
        for child, rectangle in zip(children, _squarified(areas, found[index])):
            found[child] = rectangle
    return found


def _squarified(values: list[int], whole: Rectangle) -> list[Rectangle]:
    """Of falling values. Rows are filled along the shorter side for as long as their tiles become squarer."""
    total, left, rectangles = sum(values), whole, list[Rectangle]()
    scale = whole.width * whole.height / total if total else 0.0
    at = 0
    while at < len(values):
        side = min(left.width, left.height)
        end, summed = at + 1, values[at] * scale
        while end < len(values):
            more = summed + values[end] * scale
            if _worst(values[at] * scale, values[end] * scale, more, side) > _worst(
                values[at] * scale, values[end - 1] * scale, summed, side
            ):
                break
            end, summed = end + 1, more
        rectangles += _row([value * scale for value in values[at:end]], summed, left)
        left = _rest(summed, left)
        at = end
    return rectangles


def _worst(largest: float, smallest: float, summed: float, side: float) -> float:
    """The worst ratio of sides in a row of such areas."""
    if not summed or not smallest or not side:
        return float("inf")
    return max(side * side * largest / (summed * summed), summed * summed / (side * side * smallest))


def _row(areas: list[float], summed: float, left: Rectangle) -> list[Rectangle]:
    """Along the shorter side, from its beginning."""
    across = left.width >= left.height
    side, thick = left.height if across else left.width, _thickness(summed, left)
    rectangles, at = [], 0.0
    for area in areas:
        length = area / summed * side if summed else 0.0
        if across:
            rectangles.append(Rectangle(left.x, left.y + at, thick, length))
        else:
            rectangles.append(Rectangle(left.x + at, left.y, length, thick))
        at += length
    return rectangles


def _thickness(summed: float, left: Rectangle) -> float:
    """Of a row with this area: never more than what is left, whatever has been rounded."""
    short, long = sorted((left.width, left.height))
    return min(summed / short, long) if short else 0.0


def _rest(summed: float, left: Rectangle) -> Rectangle:
    thick = _thickness(summed, left)
    if left.width >= left.height:
        return Rectangle(left.x + thick, left.y, max(0.0, left.width - thick), left.height)
    return Rectangle(left.x, left.y + thick, left.width, max(0.0, left.height - thick))
