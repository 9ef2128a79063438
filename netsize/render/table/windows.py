"""Windows on a grid, drawn with characters."""

from netsize.lecture.grid import Grid, plain

ROWS, COLUMNS = 16, 64  # that are drawn at most; of a larger map its corner
FIRST, OTHER, UNSEEN, PADDING = "■", "□", "×", "·"


def text(grid: Grid, width: int | None) -> str:
    """At most so many columns wide: the first window; how many cover each element; with values, what comes out."""
    of = "output, on which each input has a window" if grid.transposed else "map"
    size = "x".join(map(str, grid.size))
    lines = ["", f"  The {of}: {size}, {' x '.join(map(str, grid.places))} windows", ""]
    lines += _drawn(_pictures(grid), width)
    beyond = "cropped" if grid.transposed else "padding"
    lines += [
        f"  {FIRST} the first window   {OTHER} others   {PADDING} {beyond}   {UNSEEN} no window reaches it",
        "",
    ]
    covered = grid.covered()
    lines += ["  Windows that cover each element:", "", *_drawn([list(map(str, row)) for row in covered], width)]
    total = grid.pairs * grid.each
    each = f", times {grid.each:,} pairs of channels = {total:,} connections without padding" if grid.each > 1 else ""
    lines += [f"  their sum: {grid.pairs:,}{each}", ""]
    if grid.input:
        lines += _computed(grid, width)
    return "\n".join(lines) + "\n"


def _pictures(grid: Grid) -> list[list[str]]:
    rows, columns = (set(grid.taps(axis, 0)) for axis in (0, 1))
    covered = grid.covered()
    drawn = []
    for y in range(-grid.before[0], grid.size[0] + grid.after[0]):
        line = []
        for x in range(-grid.before[1], grid.size[1] + grid.after[1]):
            inside = 0 <= y < grid.size[0] and 0 <= x < grid.size[1]
            unseen = inside and not covered[y][x]
            line.append(FIRST if y in rows and x in columns else PADDING if not inside else UNSEEN if unseen else OTHER)
        drawn.append(line)
    return drawn


def _drawn(cells: list[list[str]], width: int | None) -> list[str]:
    """The corner that there is room for."""
    wide = max((len(cell) for row in cells[:ROWS] for cell in row[:COLUMNS]), default=1)
    room = max(1, ((width or 80) - 6) // (wide + 1))
    columns = min(COLUMNS, room)
    more = " …" if len(cells[0]) > columns else ""
    lines = [f"    {' '.join(cell.rjust(wide) for cell in row[:columns])}{more}" for row in cells[:ROWS]]
    return [*lines, *(["    …"] if len(cells) > ROWS else []), ""]


def _computed(grid: Grid, width: int | None) -> list[str]:
    terms = grid.terms(0, 0)
    sum_of = " + ".join(f"{plain(value)}*{plain(weight)}" for value, weight in terms if value and weight) or "0"
    output = grid.output()
    return [
        "  What comes out:", "", *_drawn([[plain(value) for value in row] for row in output], width),
        f"  the first one: {sum_of} = {plain(output[0][0])}", "",
    ]  # fmt: skip
