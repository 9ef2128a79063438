"""A scene: boxes with three faces, arrows, frames and texts where they were placed."""

import math

from netsize.render.figures import Figure, Scene, Shape
from netsize.render.svg.drawing import EDGE, FAINT, INK, KINDS, LINE, OTHER, SMALL, Drawing, shaded

HEAD = 6.0  # of an arrow
TEXTS = {
    "size": "fine middle", "name": "fine faint middle", "operation": "fine faint end", "sign": "head middle",
    "repeat": "head",
}  # fmt: skip
LIGHT = (1.0, 1.12, 0.86)  # of a box's front, top and right


def scene(drawing: Drawing, figure: Figure) -> None:
    assert isinstance(figure, Scene)
    faces: dict[int | None, int] = {}
    for shape in figure.shapes:
        face = faces[shape.box] = faces.get(shape.box, -1) + 1
        _draw(drawing, shape, face)
    drawing.down(figure.height)


def alone(figure: Scene) -> str:
    """The figure and nothing around it, as large as it is."""
    drawing = Drawing(figure.title, round(figure.width))
    drawing.y = 0
    scene(drawing, figure)
    drawing.down(LINE - EDGE - SMALL)  # what a drawing leaves below its last line
    return drawing.text()


def _draw(drawing: Drawing, shape: Shape, face: int) -> None:
    points = [(x, y + drawing.y) for x, y in shape.points]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    (x, y) = points[0]
    if shape.kind == "text":
        drawing.label(x, y, shape.text, TEXTS[shape.style])
    elif shape.kind == "polygon":
        fill = shaded(KINDS.get(shape.style, OTHER), LIGHT[min(face, 2)])
        drawing.shape("polygon", shape.text, points=joined, fill=fill, stroke=FAINT, stroke_width=0.8)
    elif shape.kind == "circle":
        drawing.shape("circle", shape.text, cx=x, cy=y, r=shape.radius, fill="#ffffff", stroke=INK)
    elif shape.kind == "frame":
        (right, bottom) = points[1]
        drawing.shape("rect", shape.text, x=x, y=y, width=right - x, height=bottom - y, rx=6, fill="none",
                      stroke=FAINT, stroke_dasharray="5 4")  # fmt: skip
    elif shape.kind == "line":
        drawing.shape("polyline", points=joined, fill="none", stroke=FAINT)
    else:
        first, second, *rest = (f"{x:.1f} {y:.1f}" for x, y in points)
        drawing.shape("path", d=f"M{first}L{second}C{' '.join(rest)}", fill="none", stroke=FAINT)
    if shape.arrow:
        drawing.shape("polygon", points=_head(points[-2], points[-1]), fill=FAINT)


def _head(before: tuple[float, float], end: tuple[float, float]) -> str:
    turn = math.atan2(end[1] - before[1], end[0] - before[0])
    corners = [(end[0] - HEAD * math.cos(turn + a), end[1] - HEAD * math.sin(turn + a)) for a in (0.45, -0.45)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in (end, *corners))
