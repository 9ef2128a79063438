"""Where on the input the units of a tensor lie: one whose receptive field no border cuts, and where it begins."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from netsize.lecture.receptive_fields import Field, View

MARGIN = 1  # elements on either side of a field that must not be seen
MOST_UNITS = 100_000  # that are tried


def along(field: Field, axis: int) -> tuple[int, int | None, int]:
    """Size, step and offset."""
    at = field.axes.index(axis)
    return field.size[at], field.step[at], field.offset[at]


def _unit(field: Field, axis: int) -> int:
    """The first unit whose field lies inside of the input."""
    _, step, offset = along(field, axis)
    return max(0, -((offset - MARGIN) // step)) if step else 0


def needs(field: Field, axis: int) -> int:
    """The shortest input in which that unit's field lies; of units that are not evenly spaced (tokens that were put
    into windows) any one's, to be on the safe side."""
    size, step, offset = along(field, axis)
    if step is None:
        return 2 * (size + MARGIN) + abs(offset)
    return offset + _unit(field, axis) * step + size + MARGIN


Where = dict[tuple[int, int], int]  # (axis of an output, digit of it) -> index


def uncut(view: View, axis: int, field: Field, length: int) -> tuple[Where, int] | None:
    """Where along an axis a unit is whose field is not cut at a border, and where the field begins. None if there is
    none, or if it is not known where units are."""
    size, _, offset = along(field, axis)
    for where, moved in _units(view, axis):
        start = offset + moved
        if start >= MARGIN and start + size + MARGIN <= length:
            return where, start
    return None


def central(view: View, axis: int, length: int) -> Where:
    """Where along an axis a unit is whose field lies in the middle of the input: beyond its borders there may be
    nothing but padding. Nowhere, if it is not known where units are."""
    start, size = view.spans[axis]
    units = _units(view, axis)
    return min(units, key=lambda unit: abs(2 * (start + unit[1]) + max(size, 0) - length), default=({}, 0))[0]


def _units(view: View, axis: int) -> Iterator[tuple[Where, int]]:
    """Units along an axis of the input, and how far along it they have moved from the first."""
    digits = [(i, k, digit) for i, axes in enumerate(view.axes) for k, digit in enumerate(axes) if axis in digit.along]
    if any(digit.along != (axis,) or digit.step is None for _, _, digit in digits):
        return
    for indices in islice(product(*(range(digit.length) for _, _, digit in digits)), MOST_UNITS):
        moved = sum(index * (digit.step or 0) for index, (_, _, digit) in zip(indices, digits))
        yield {(i, k): index for index, (i, k, _) in zip(indices, digits)}, moved


def evenly(view: View, axis: int) -> tuple[int, int, int, int] | None:
    """Which axis of a tensor lies along this one of the input, from where on its first unit sees it, how much, and the
    step to the next. None unless it is one axis, evenly spaced."""
    found = [(i, axes) for i, axes in enumerate(view.axes) if any(axis in digit.along for digit in axes)]
    start, size = view.spans[axis]
    if len(found) != 1 or len(found[0][1]) != 1 or size <= 0:
        return None
    ((i, (digit,)),) = found
    return (i, start, size, digit.step) if digit.along == (axis,) and digit.step is not None else None


def index(view: View, where: Where) -> tuple[Any, ...]:
    """Which element of the output it is: at this place, in the middle where none is known, and all features."""
    index: list[Any] = []
    for i, digits in enumerate(view.axes):
        if not any(digit.along for digit in digits):
            index.append(slice(None))
            continue
        flat = 0
        for k, digit in enumerate(digits):
            flat = flat * digit.length + where.get((i, k), digit.length // 2)
        index.append(flat)
    return tuple(index)
