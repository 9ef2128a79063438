"""Charts with axes, and bars."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from netsize.machine import binary
from netsize.render.figures import Areas, Bars, Figure, Lines, Rows, Scatter
from netsize.render.svg.drawing import BAD, EDGE, FAINT, GRID, KINDS, LETTER, OTHER, SERIES, SMALL, Drawing, fitted
from netsize.results.words import percent

TALL = 70  # of a chart of bars
HEIGHT = 260  # of a chart with axes
PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def bars(drawing: Drawing, figure: Figure) -> None:
    """A chart for each quantity; the same place is the same layer in all of them."""
    assert isinstance(figure, Bars)
    drawing.section(figure.title)
    for quantity, values in zip(figure.quantities, figure.values):
        most = max(values, default=0)
        if not most:
            continue
        largest = figure.names[values.index(most)]
        said = f"{quantity.title}: most in {largest}, {percent(most / quantity.total)}"
        drawing.label(EDGE, drawing.y + SMALL, said, "faint")
        base = drawing.y + 18 + TALL
        wide = drawing.inner / len(values)
        for index, (value, kind) in enumerate(zip(values, figure.kinds)):
            if value:
                tall = max(0.5, value / most * TALL)
                drawing.shape(
                    "rect", f"{figure.names[index]}: {value:,} {quantity.title}",
                    x=EDGE + index * wide, y=base - tall, width=max(0.3, wide - (0.6 if wide > 2 else 0)), height=tall,
                    fill=KINDS.get(kind, OTHER),
                )  # fmt: skip
        drawing.shape("line", x1=EDGE, x2=drawing.width - EDGE, y1=base, y2=base, stroke=GRID)
        drawing.down(18 + TALL + 10)


def rows(drawing: Drawing, figure: Figure) -> None:
    """A bar for each name, in a group for each quantity."""
    assert isinstance(figure, Rows)
    left = EDGE + min(max(map(len, figure.names)) * LETTER, drawing.inner / 3) + 8
    for index, (quantity, values) in enumerate(zip(figure.quantities, figure.values)):
        drawing.section(quantity.title)
        for name, value in zip(figure.names, values):
            drawing.label(left - 6, drawing.y + 12, fitted(name, left - EDGE), "end")
            room = drawing.width - EDGE - left
            long = max(0.5 if value else 0, value / (quantity.total or 1) * room)
            drawing.shape("rect", x=left, y=drawing.y + 1, width=long, height=14, fill=SERIES[index % len(SERIES)])
            number = f"{value:,}"
            if long + len(number) * LETTER + 8 > room:
                drawing.label(left + long - 4, drawing.y + 12, number, "end")
            else:
                drawing.label(left + long + 4, drawing.y + 12, number)
            drawing.down(18)
        drawing.down(8)


@dataclass(frozen=True)
class Axis:
    least: float
    most: float
    logarithmic: bool
    told: Callable[[float], str]
    marks: tuple[float, ...] = ()  # where it says its numbers; none: at round ones

    def part(self, value: float) -> float:
        """How far along the axis, from 0 to 1."""
        scaled = math.log if self.logarithmic else float
        whole = scaled(self.most) - scaled(self.least)
        return (scaled(value) - scaled(self.least)) / whole if whole else 0.5

    def ticks(self) -> list[float]:
        if self.marks or not self.logarithmic:
            return list(self.marks)
        powers = range(math.floor(math.log10(self.least)), math.ceil(math.log10(self.most)) + 1)
        digits = (1,) if self.most / self.least > 300 else (1, 2, 5)
        found = [digit * 10.0**power for power in powers for digit in digits]
        return [value for value in found if self.least * 0.999 <= value <= self.most * 1.001]


class Frame:
    """Two axes, and where numbers are between them."""

    def __init__(self, drawing: Drawing, x: Axis, y: Axis) -> None:
        self.x, self.y = x, y
        self.left, self.right = EDGE + 70.0, drawing.width - EDGE - 8.0
        self.top, self.bottom = drawing.y + 8, drawing.y + HEIGHT - 26
        for value in y.ticks():
            _, height = self.at(x.least, value)
            drawing.shape("line", x1=self.left, x2=self.right, y1=height, y2=height, stroke=GRID)
            drawing.label(self.left - 6, height + 4, y.told(value), "end")
        for value in x.ticks():
            place, _ = self.at(value, y.least)
            drawing.label(place, self.bottom + 16, x.told(value), "middle")
        drawing.shape("line", x1=self.left, x2=self.right, y1=self.bottom, y2=self.bottom, stroke=FAINT)
        drawing.shape("line", x1=self.left, x2=self.left, y1=self.bottom, y2=self.top, stroke=FAINT)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (
            self.left + self.x.part(x) * (self.right - self.left),
            self.bottom - self.y.part(y) * (self.bottom - self.top),
        )


def scatter(drawing: Drawing, figure: Figure) -> None:
    assert isinstance(figure, Scatter)
    drawing.section(figure.title)
    axes = [
        Axis(min(values) / 1.6, max(values) * 1.6, True, rough)
        for values in ([point[0] for point in figure.points], [point[1] for point in figure.points])
    ]
    frame = Frame(drawing, *axes)
    largest = max(point[2] for point in figure.points) or 1
    for name, (x, y, size) in zip(figure.names, figure.points):
        cx, cy = frame.at(x, y)
        r = max(3.0, 20 * math.sqrt(size / largest))
        told = f"{name}: {x:,} {figure.x.title}, {y:,} {figure.y.title}, {size:,} {figure.size.title}"
        drawing.shape("circle", told, cx=cx, cy=cy, r=r, fill=SERIES[0], fill_opacity=0.7, stroke="#0b62c4")
        left = cx + r + 4 + len(name) * LETTER > drawing.width
        drawing.label(cx - r - 4 if left else cx + r + 4, cy + 4, name, "end" if left else "")
    drawing.label(frame.right, frame.bottom - 6, figure.x.title, "end")
    drawing.label(frame.left + 6, frame.top + 8, figure.y.title)
    drawing.down(HEIGHT)


def lines(drawing: Drawing, figure: Figure) -> None:
    assert isinstance(figure, Lines)
    drawing.section(figure.title)
    every = [*figure.places, *(place for place, _ in figure.failed)]
    values = [value for series in figure.values for value in series]
    marks = figure.places if len(figure.places) <= 12 else ()
    x = Axis(min(every), max(every), True, lambda value: f"{value:,.0f}", tuple(map(float, marks)))
    frame = Frame(drawing, x, Axis(min(*values, 1), max(*values, 2), True, lambda value: f"{rough(value)}x"))
    for index, series in enumerate(figure.values):
        points = [frame.at(place, value) for place, value in zip(figure.places, series)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawing.shape("polyline", points=path, fill="none", stroke=SERIES[index], stroke_width=2)
        for (cx, cy), place, value in zip(points, figure.places, series):
            told = f"{figure.x} {place:,}: {figure.names[index]}, {value:.4g} times as many"
            drawing.shape("circle", told, cx=cx, cy=cy, r=3.5, fill=SERIES[index])
    for place, why in figure.failed:
        at, bottom = frame.at(place, frame.y.least)
        drawing.shape("path", f"{figure.x} {place:,}: {why}", d=f"M{at - 4:.1f} {bottom - 4:.1f}l8 8m0 -8l-8 8",
                      stroke=BAD, stroke_width=2, fill="none")  # fmt: skip
    drawing.down(HEIGHT)
    drawing.legend([(SERIES[index], name) for index, name in enumerate(figure.names)])


def areas(drawing: Drawing, figure: Figure) -> None:
    assert isinstance(figure, Areas)
    drawing.section(figure.title)
    sums = [sum(sizes) for sizes in zip(*figure.values)]
    most = max([*sums, *(size for _, size in figure.measured), 1])
    marks = tuple(most * part / 4 for part in range(1, 5))
    x = Axis(0, max(1, len(figure.events) - 1), False, str)
    frame = Frame(drawing, x, Axis(0, most * 1.04, False, lambda value: binary(round(value)), marks))
    below = [0] * len(figure.events)
    for index, sizes in enumerate(figure.values):
        above = [low + size for low, size in zip(below, sizes)]
        outline = [*enumerate(above), *reversed(list(enumerate(below)))]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (frame.at(*point) for point in outline))
        drawing.shape("path", figure.names[index], d=f"M{path}z", fill=SERIES[index % len(SERIES)])
        below = above
    for phase, place in figure.phases:
        at, _ = frame.at(place, 0)
        drawing.shape("line", x1=at, x2=at, y1=frame.bottom, y2=frame.top, stroke=GRID)
        drawing.label(at + 3, frame.bottom + 14, phase)
    for name, size in figure.measured:
        _, height = frame.at(0, size)
        drawing.shape("line", x1=frame.left, x2=frame.right, y1=height, y2=height, stroke=BAD, stroke_dasharray="6 4")
        drawing.label(frame.right, height - 5, f"{name}: {binary(size)}", "end")
    if figure.executed:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in figure.executed))
        drawing.shape("polyline", "measured", points=path, fill="none", stroke=BAD)
    cx, cy = frame.at(figure.peak, sums[figure.peak] if sums else 0)
    drawing.shape("circle", figure.told, cx=cx, cy=cy, r=4.5, fill="none", stroke=BAD, stroke_width=2)
    drawing.down(HEIGHT)
    entries = [(SERIES[index % len(SERIES)], name) for index, name in enumerate(figure.names)]
    drawing.legend([*entries, *([(BAD, "measured")] if figure.executed else [])])
    drawing.line(figure.told)


def rough(number: float) -> str:
    """1.2M: as an axis has it."""
    power = 0
    while number >= 1000 and power < len(PREFIXES) - 1:
        number, power = number / 1000, power + 1
    return (
        f"{number:.0f}{PREFIXES[power]}" if number >= 100 or number == int(number) else f"{number:.2g}{PREFIXES[power]}"
    )
