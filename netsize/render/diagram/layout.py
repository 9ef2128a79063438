"""Where the boxes of a diagram stand: columns in the order of execution, lanes for branches, rows where a page ends;
and, of a network that makes its maps small and then large again, levels for the sizes of its maps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from netsize.results.diagram import Box, Diagram, Repeat

SCALE = 9.0  # pixels for each time that a size doubles
THICK = 3.0  # the same for channels
DEPTH = 0.32  # of a side that goes backwards
ROUND = 9.0  # radius of a sum
BAR = 9.0  # thickness of a vector
LETTER, LINE = 5.6, 12.0  # of the small text
GAP, EDGE = 30.0, 14.0
WIDEST = 1500.0  # of a row of boxes
ARC = 13.0  # between arcs


@dataclass(frozen=True)
class Solid:
    """A box as it is drawn: `thick` to the right, `tall` downwards, `deep` to the upper right."""

    thick: float
    tall: float
    deep: float

    @property
    def width(self) -> float:
        return self.thick + self.deep

    @property
    def height(self) -> float:
        return self.tall + self.deep


@dataclass(frozen=True)
class Placed:
    """`x`: of its left edge; `y`: of the middle of its lane."""

    box: Box
    solid: Solid
    x: float
    y: float
    column: int
    lane: int
    level: int

    @property
    def top(self) -> float:
        return self.y - self.solid.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.solid.height / 2

    @property
    def right(self) -> float:
        return self.x + self.solid.width


@dataclass(frozen=True)
class Row:
    """Boxes in one row of the figure, by their index; `end` is its right edge, `top` and `bottom` hold all that is
    drawn; `before`: the box of the row before that it goes on from."""

    boxes: dict[int, Placed]
    end: float
    top: float
    bottom: float
    before: int | None = None


def solid(box: Box) -> Solid:
    """Sides follow the logarithm of what they stand for (the base is 2)."""
    if box.kind == "join" and len(box.sources) > 1:
        return Solid(2 * ROUND, 2 * ROUND, 0)
    places = [_side(n) for n in box.extent.places]
    if not places or box.extent.places == (1,) * len(places):
        return Solid(BAR, _side(box.extent.channels), 0)
    if len(places) == 1:  # a row of vectors
        return Solid(BAR, _side(box.extent.channels), places[0] * DEPTH)
    return Solid(THICK * math.log2(1 + box.extent.channels), places[-2], places[-1] * DEPTH)


def _side(n: int) -> float:
    return max(6.0, SCALE * math.log2(1 + n))


def told(box: Box) -> list[str]:
    """What stands at the arrow to it: conv, 11x11 /4."""
    if box.kind in ("join", "input"):
        return []
    kind, _, rest = box.operation.partition(" ")
    if box.kind not in ("conv", "conv_transpose", "pooling"):
        return [box.operation]
    return [part for part in (kind, *rest.split(", ")) if part]


def columns(boxes: Sequence[Box]) -> list[int]:
    """Behind all that it is made of; what is made of nothing stands just before the first that it goes into."""
    found: list[int] = []
    for box in boxes:
        found.append(max((found[source] + 1 for source in box.sources), default=0))
    first: dict[int, int] = {}
    for index in range(len(boxes) - 1, -1, -1):
        for source in boxes[index].sources:
            first[source] = min(first.get(source, found[index]), found[index])
    return [max(0, first.get(index, 1) - 1) if not box.sources else found[index] for index, box in enumerate(boxes)]


def lanes(boxes: Sequence[Box], places: Sequence[int]) -> list[int]:
    """A box goes on in the lane of what it is made of, unless another one has; then in the next that is free."""
    last_use = [places[index] for index in _last_uses(boxes)]
    occupant: dict[int, int] = {}  # lane -> the latest box in it
    found: list[int] = []
    for index in range(len(boxes)):
        own = sorted({found[source] for source in boxes[index].sources if occupant[found[source]] == source})
        if own:
            lane = own[0]
        else:
            start = min((places[source] for source in boxes[index].sources), default=places[index] - 1)
            lane = 0
            while lane in occupant and (last_use[occupant[lane]] > start or places[occupant[lane]] >= places[index]):
                lane += 1
        occupant[lane] = index
        found.append(lane)
    return found


def _last_uses(boxes: Sequence[Box]) -> list[int]:
    """Of each box the last one that is made of it, or itself."""
    found = list(range(len(boxes)))
    for index, box in enumerate(boxes):
        for source in box.sources:
            found[source] = max(found[source], index)
    return found


def levels(boxes: Sequence[Box]) -> list[int]:
    """How often the maps have been halved, if they become larger again later on; else 0."""
    sides = [box.extent.places[-1] if len(box.extent.places) > 1 else 0 for box in boxes]
    grows = any(
        box.sources and sides[index] > sides[box.sources[0]] > 0 and box.kind != "input"
        for index, box in enumerate(boxes)
    )
    largest = max(sides, default=0)
    if not grows:
        return [0] * len(boxes)
    return [round(math.log2(largest / side)) if side else 0 for side in sides]


def rows(diagram: Diagram) -> list[Row]:
    """The figure from top to bottom."""
    boxes = diagram.boxes
    places, heights = columns(boxes), levels(boxes)
    placed: list[Row] = []
    y = EDGE
    for first, end in _cuts(boxes, places, diagram.repeats) if not any(heights) else [(0, len(boxes))]:
        row = _row(boxes, range(first, end), places, heights, diagram.repeats)
        moved = {index: replace(box, y=box.y - row.top + y) for index, box in row.boxes.items()}
        placed.append(Row(moved, row.end, y, y + row.bottom - row.top, row.before))
        y += row.bottom - row.top + 2 * EDGE
    return placed


def _cuts(boxes: Sequence[Box], places: Sequence[int], repeats: Sequence[Repeat]) -> list[tuple[int, int]]:
    """Rows of boxes that are not too wide, between which one arrow goes."""
    parts = _parts(boxes, places, repeats)
    widths = [sum(solid(box).width + _gap([box]) for box in boxes[first:end]) for first, end in parts]
    lines = max(1, math.ceil(sum(widths) / WIDEST))
    found: list[tuple[int, int]] = []
    room = 0.0
    for (first, end), width in zip(parts, widths):
        if not found or width > room:
            found.append((first, end))
            room = max(sum(widths) / lines * 1.05, WIDEST / 2) - width
        else:
            found[-1] = (found[-1][0], end)
            room -= width
    return found


def _parts(boxes: Sequence[Box], places: Sequence[int], repeats: Sequence[Repeat]) -> list[tuple[int, int]]:
    """Boxes that cannot be torn: what goes from one of these parts into others is its last box only."""
    parts, first = [], 0
    inside = {index for repeat in repeats for index in range(repeat.first, repeat.end - 1)}
    until = _last_uses(boxes)
    crossing: set[int] = set()
    for index in range(len(boxes) - 1):
        crossing = {source for source in (*crossing, index) if until[source] > index}
        if crossing == {index} and index not in inside and boxes[index].kind != "input":
            parts.append((first, index + 1))
            first = index + 1
    return [*parts, (first, len(boxes))]


def _gap(boxes: Sequence[Box]) -> float:
    return max((max(map(len, told(box)), default=0) * LETTER + 12 for box in boxes), default=0) + GAP / 2


def _row(
    boxes: Sequence[Box], indices: range, places: Sequence[int], heights: Sequence[int], repeats: Sequence[Repeat]
) -> Row:
    """The row before goes on in its last box, which is a point in this one."""
    before = [indices[0] - 1] if indices[0] else []
    members = [*before, *indices]
    at = {index: number for number, index in enumerate(members)}
    own = [replace(boxes[i], sources=tuple(at[source] for source in boxes[i].sources if source in at)) for i in members]
    in_lane = lanes(own, [places[i] for i in members])
    solids = {index: solid(boxes[index]) for index in members} | dict.fromkeys(before, Solid(0, 0, 0))
    lefts, end = _lefts(boxes, indices, before, places, solids, repeats)
    tops = _lane_heights(members, in_lane, solids)
    tall = max((one.height for one in solids.values()), default=0)
    steps = tall * 0.45 + 4 * LINE
    placed = {}
    for index, lane in zip(members, in_lane):
        middle = sum(tops[i] for i in range(lane)) + tops[lane] / 2 + heights[index] * steps
        placed[index] = Placed(
            boxes[index], solids[index], lefts[places[index]], middle, places[index], lane, heights[index]
        )
    top = min(box.top for box in placed.values()) - _above(placed, repeats)
    bottom = max(box.bottom for box in placed.values()) + 2 * LINE + 16
    return Row(placed, end + GAP, top, bottom, before[0] if before else None)


def _lefts(
    boxes: Sequence[Box],
    indices: Sequence[int],
    before: Sequence[int],
    places: Sequence[int],
    solids: dict[int, Solid],
    repeats: Sequence[Repeat],
) -> tuple[dict[int, float], float]:
    """Where each column begins, and where the last ends."""
    lefts, x = {places[index]: EDGE for index in before}, EDGE
    columns = sorted({places[i] for i in indices})
    for column in columns:
        here = [index for index in indices if places[index] == column]
        texts = max(min(16, len(name_of(boxes[i]))) * LETTER for i in here)
        wide = max(solids[i].width for i in here)
        beyond = max(0, texts - wide) / 2  # on both sides of the box
        first = column == columns[0] and not before
        x += 0 if first else max(GAP, _gap([boxes[i] for i in here]))
        x += max(0, beyond - GAP / 2) + 10 * sum(repeat.first in here for repeat in repeats) + (GAP / 2 if first else 0)
        lefts[column] = x
        x += wide + beyond + 10 * sum(repeat.end - 1 in here for repeat in repeats)
    return lefts, x


def _lane_heights(indices: Sequence[int], in_lane: Sequence[int], solids: dict[int, Solid]) -> dict[int, float]:
    found: dict[int, float] = dict.fromkeys(range(max(in_lane, default=0) + 1), 0.0)
    for index, lane in zip(indices, in_lane):
        found[lane] = max(found[lane], solids[index].height + 2 * LINE + 22)
    return found


def name_of(box: Box) -> str:
    """What stands below it: the end of its path."""
    if box.kind == "input":
        return "input"
    parts = box.path.split(".")
    name = parts[-1]
    for part in reversed(parts[:-1]):
        if len(part) + len(name) + 1 > 16:
            break
        name = f"{part}.{name}"
    return name


def arcs(placed: dict[int, Placed]) -> dict[tuple[int, int], int]:
    """The arrows that go over what stands between their ends, each with how many it encloses."""
    over = [
        (source, index)
        for index, box in placed.items()
        for source in box.box.sources
        if source in placed and not is_free(placed, source, index)
    ]
    found: dict[tuple[int, int], int] = {}
    for source, index in sorted(over, key=lambda arc: placed[arc[1]].column - placed[arc[0]].column):
        left, right = placed[source].column, placed[index].column
        inner = [
            height
            for (other, end), height in found.items()
            if placed[other].column < right and left < placed[end].column
        ]
        heights = set(inner)
        height = 1
        while height in heights:
            height += 1
        found[source, index] = height
    return found


def is_free(placed: dict[int, Placed], source: int, index: int) -> bool:
    """Whether an arrow can go along the lane of its source: nothing stands there before the column of its end."""
    one, other = placed[source], placed[index]
    return not any(
        one.column < box.column < other.column and (box.lane, box.level) == (one.lane, one.level)
        for box in placed.values()
    )


def _above(placed: dict[int, Placed], repeats: Sequence[Repeat]) -> float:
    frames = any(repeat.first in placed for repeat in repeats)
    return max(arcs(placed).values(), default=0) * ARC + 10 + (34 if frames else 0)
