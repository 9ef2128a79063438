"""The shapes of a diagram, from where its boxes stand."""

from netsize.lecture.formulas import by
from netsize.render.diagram.layout import (
    ARC,
    EDGE,
    GAP,
    LINE,
    Placed,
    Row,
    arcs,
    name_of,
    rows,
    told,
)
from netsize.render.figures import Scene, Shape
from netsize.results import words
from netsize.results.diagram import Diagram, Repeat

SIGNS = {"add": "+", "sub": "-", "mul": "×", "div": "÷", "cat": "⊔", "stack": "⊔"}
ELBOW = 9.0  # before a column, where an arrow turns
BESIDE = 3.0  # the middle of a box, where an arrow comes from above (left) or goes up (right)


def scene(diagram: Diagram) -> Scene:
    shapes: list[Shape] = []
    placed = rows(diagram)
    for number, row in enumerate(placed):
        shapes += _frames(row, diagram.repeats)
        shapes += _arrows(row)
        if number + 1 < len(placed):
            last = max(row.boxes.values(), key=lambda box: box.right)
            shapes.append(Shape("line", ((last.right, last.y), (last.right + GAP, last.y)), arrow=True))
        for index, box in row.boxes.items():
            shapes += _box(index, box) if index != row.before else []
    bottom = placed[-1].bottom if placed else EDGE
    width = max((row.end for row in placed), default=0) + EDGE
    report = diagram.report
    if report.verification.status == "failed" or not report.complete:  # a figure is shown without its table
        for line in (*report.verification.problems, *words.notes(report)):
            bottom += 2 * LINE
            shapes.append(Shape("text", ((EDGE, bottom),), line, "repeat"))
    title = f"{report.source.title}, input {' and '.join(map(words.without_batch, report.input))}"
    return Scene(title, width, bottom + EDGE, tuple(shapes))


def _box(index: int, placed: Placed) -> list[Shape]:
    box = placed.box
    counts = f": {box.connections:,} connections, {box.weights:,} weights" if box.rows else ""
    said = f"{box.path or 'network'} · {box.operation} · {by(box.shape)}{counts}"
    centre = placed.x + placed.solid.width / 2
    if box.kind == "join" and len(box.sources) > 1:
        sign = SIGNS.get(box.operation, "")
        shapes = [Shape("circle", ((centre, placed.y),), said, radius=placed.solid.thick / 2, box=index)]
        if sign:
            shapes.append(Shape("text", ((centre, placed.y + 4.5),), sign, "sign"))
        below = [] if sign and sign != "⊔" else [box.operation]
        if sign == "⊔":
            below = [by(box.shape)]
        return [*shapes, *_below(placed, below)]
    shapes = [Shape("polygon", face, said, box.kind, box=index) for face in _faces(placed)]
    return [*shapes, *_below(placed, [by(box.shape) or "1", name_of(box)]), *_above(placed)]


def _faces(placed: Placed) -> list[tuple[tuple[float, float], ...]]:
    """The front, the top and the right of a solid; as far as it goes backwards, upwards, too."""
    solid = placed.solid
    x, right, deep = placed.x, placed.x + solid.thick, solid.deep
    top, bottom = placed.top + deep, placed.bottom
    front = ((x, top), (right, top), (right, bottom), (x, bottom))
    if not deep:
        return [front]
    return [
        front,
        ((x, top), (x + deep, top - deep), (right + deep, top - deep), (right, top)),
        ((right, top), (right + deep, top - deep), (right + deep, bottom - deep), (right, bottom)),
    ]


def _below(placed: Placed, lines: list[str]) -> list[Shape]:
    centre = placed.x + placed.solid.width / 2
    styles = ("size", "name")
    return [
        Shape("text", ((centre, placed.bottom + 12 + number * LINE),), line, styles[number])
        for number, line in enumerate(lines)
        if line
    ]


def _above(placed: Placed) -> list[Shape]:
    """What the layer is, in front of it, above the arrow that goes into it."""
    lines = told(placed.box)
    y = placed.y - 6 - (len(lines) - 1) * LINE
    return [
        Shape("text", ((placed.x - ELBOW - 2, y + number * LINE),), line, "operation")
        for number, line in enumerate(lines)
    ]


def _arrows(row: Row) -> list[Shape]:
    over = arcs(row.boxes)
    found = []
    for index, box in row.boxes.items():
        for source in box.box.sources:
            if source not in row.boxes:
                continue
            one = row.boxes[source]
            if (source, index) in over:
                found.append(_arc(row, one, box, over[source, index]))
            elif one.y == box.y:
                found.append(Shape("line", ((one.right, one.y), (box.x, box.y)), arrow=True))
            else:
                found.append(_bend(one, box))
    return found


def _bend(one: Placed, other: Placed) -> Shape:
    """Along the lane of the one, and over to the other just before it."""
    turn = other.x - ELBOW - GAP / 2
    start = max(one.right, turn - 6)
    middle = (start + other.x) / 2
    points = ((one.right, one.y), (start, one.y), (middle, one.y), (middle, other.y), (other.x, other.y))
    return Shape("curve", points, arrow=True)


def _arc(row: Row, one: Placed, other: Placed, height: int) -> Shape:
    """Over all that stands between: from the top of the one in the first lane, else past it."""
    between = [box for box in row.boxes.values() if one.column <= box.column <= other.column]
    top = min(box.top for box in between) - 6 - height * ARC
    left = one.x + one.solid.width / 2 + BESIDE if one.lane == 0 else one.right + 5
    right = other.x + other.solid.width / 2 - BESIDE if other.lane == 0 else other.x - ELBOW - 4
    points = [(left, one.top if one.lane == 0 else one.y), (left, top), (right, top)]
    if one.lane:
        points.insert(0, (one.right, one.y))
    points += [(right, other.top)] if other.lane == 0 else [(right, other.y), (other.x, other.y)]
    return Shape("line", tuple(points), arrow=True)


def _frames(row: Row, repeats: tuple[Repeat, ...]) -> list[Shape]:
    """Around blocks that are repeated."""
    found = []
    over = arcs(row.boxes)
    for repeat in repeats:
        inside = [row.boxes[index] for index in range(repeat.first, repeat.end) if index in row.boxes]
        if len(inside) < repeat.end - repeat.first:
            continue
        within = [
            height
            for (source, index), height in over.items()
            if repeat.first <= index < repeat.end and source < repeat.end
        ]
        deeper = sum(other.first <= repeat.first and repeat.end <= other.end for other in repeats) - 1
        left = min(box.x for box in inside) - GAP / 2 - 22 + 5 * deeper
        right = max(max(box.right, box.x + 16) for box in inside) + 14 - 5 * deeper
        top = min(box.top for box in inside) - max(within, default=0) * ARC - 14 + 5 * deeper
        bottom = max(box.bottom for box in inside) + 2 * LINE + 10 - 4 * deeper
        until = repeat.until.rpartition(".")[2]
        found.append(Shape("frame", ((left, top), (right, bottom)), f"{repeat.path} to {repeat.until}"))
        found.append(Shape("text", ((left + 6, top - 5),), f"× {repeat.times}  {repeat.path} … {until}", "repeat"))
    return found
