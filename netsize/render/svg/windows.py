"""Windows on a grid: the first one, how many cover each element, and, with values, what comes out."""

from netsize.lecture.grid import plain
from netsize.render.figures import Figure, Windows
from netsize.render.svg.drawing import EDGE, LETTER, Drawing

SIDE = 22.0  # of a cell at most
COLOURS = {"first": "#f2b36b", "seen": "#dbe7f6", "unseen": "#f6d5d5", "padding": "#f4f6f8", "place": "#dff0e2"}
LEGEND = {"first": "the first window, and its place", "seen": "covered by so many windows", "padding": "padding",
          "unseen": "no window reaches it"}  # fmt: skip


def windows(drawing: Drawing, figure: Figure) -> None:
    """Left the map, right the places of the windows."""
    assert isinstance(figure, Windows)
    grid, (rows, columns) = figure.grid, figure.ends
    drawing.section(figure.title)
    side = min(SIDE, drawing.inner / (columns + grid.before[1] + figure.places[1] + 2))
    _map(drawing, figure, side)
    left = EDGE + (columns + grid.before[1] + 2) * side
    output = grid.output() if grid.input else ()
    for y in range(figure.places[0]):
        for x in range(figure.places[1]):
            number = plain(output[y][x]) if output else ""
            _cell(drawing, left + x * side, y * side, side, "first" if x == y == 0 else "place", number)
    drawing.down(max(rows + grid.before[0], figure.places[0]) * side + 8)
    drawing.legend([(COLOURS[kind], text) for kind, text in LEGEND.items()])


def _map(drawing: Drawing, figure: Windows, side: float) -> None:
    grid, (rows, columns) = figure.grid, figure.ends
    down, across = (set(grid.taps(axis, 0)) for axis in (0, 1))
    covered = figure.covered()
    for y in range(-grid.before[0], rows):
        for x in range(-grid.before[1], columns):
            inside = 0 <= y < grid.size[0] and 0 <= x < grid.size[1]
            kind = "padding" if not inside else "seen" if covered[y][x] else "unseen"
            kind = "first" if y in down and x in across else kind
            number = plain(grid.input[y][x] if grid.input else covered[y][x]) if inside else "0" if grid.input else ""
            _cell(drawing, EDGE + (x + grid.before[1]) * side, (y + grid.before[0]) * side, side, kind, number)


def _cell(drawing: Drawing, x: float, y: float, side: float, kind: str, number: str) -> None:
    drawing.shape("rect", x=x, y=drawing.y + y, width=side, height=side, fill=COLOURS[kind], stroke="#ffffff")
    if number and len(number) * LETTER < side + 2:
        drawing.label(x + side / 2, drawing.y + y + side / 2 + 4, number, "middle")
