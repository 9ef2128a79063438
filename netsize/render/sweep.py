"""What `netsize sweep` shows."""

from netsize.render.figures import Figure, Lines
from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import Style
from netsize.render.table import plot
from netsize.results.report import QUANTITIES
from netsize.results.sweep import Point, Sweep, as_dict
from netsize.results.words import few_digits, without_batch


def page(sweep: Sweep, style: Style) -> Page:
    """A line for each value, with the growth from the first that works."""
    sheet = _sheet(sweep)
    return Page((sheet,), sheet, lambda: as_dict(sweep), lambda: _figures(sweep))


def _figures(sweep: Sweep) -> tuple[Figure, ...]:
    """Growth, as a line for each quantity; values that do not work are marked."""
    points, lines = _growth(sweep)
    if not lines:
        return ()
    slopes = sweep.exponents()
    names = tuple(
        f"{quantity}: the same" if len(set(values)) == 1 else f"{quantity}: {sweep.varies}^{slopes[quantity]:.2f}"
        for quantity, values in lines.items()
    )
    failed = tuple(
        (point.value, point.error) for point in sweep.points if point.error is not None and _is_place(point.value)
    )
    title = f"Times as many as at {points[0].value}"
    places = tuple(point.value for point in points)
    return (Lines(title, sweep.varies, names, places, tuple(map(tuple, lines.values())), failed),)


def _is_place(value: object) -> bool:
    """Whether a logarithmic axis has it."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _growth(sweep: Sweep) -> tuple[list[Point], dict[str, list[float]]]:
    """The points that an axis has, and of each quantity how many times as much as at the first one."""
    points = [point for point in sweep.counted if _is_place(point.value)]
    lines = {}
    for quantity in QUANTITIES:
        values = [getattr(point, quantity) for point in points]
        if values and min(values) > 0:
            lines[quantity] = [value / values[0] for value in values]
    return points, lines if len(points) > 1 else {}


def _sheet(sweep: Sweep) -> Sheet:
    columns = [Column("value", sweep.varies), Column("input", "input", 2)]
    for quantity in QUANTITIES:
        columns += [
            Column(quantity, quantity),
            Column(f"{quantity}_growth", "", 5, lambda ratio: f"{few_digits(ratio)}x", near=True),
        ]
    columns.append(Column("mark", "", 7, near=True))
    records = tuple(_record(sweep, point) for point in sweep.points)
    drawn = (lambda width: _plot(sweep, width)) if len(sweep.counted) > 1 else None
    return Sheet(sweep.title, tuple(columns), records, tuple(_notes(sweep)), plot=drawn)


def _record(sweep: Sweep, point: Point) -> Record:
    record: Record = {"value": str(point.value), "error": point.error}
    if point.error is not None:
        return record
    first = sweep.counted[0]
    record["input"] = " and ".join(map(without_batch, point.input))
    for quantity in QUANTITIES:
        value, base = getattr(point, quantity), getattr(first, quantity)
        record[quantity] = value
        record[f"{quantity}_growth"] = value / base if base else None
    record["mark"] = {"passed": "✓", "failed": "✗", "skipped": ""}[point.verified]
    return record


def _plot(sweep: Sweep, width: int) -> str:
    points, lines = _growth(sweep)
    if not lines:
        return ""
    return plot.logarithmic(
        f"times as many as at {points[0].value}, both axes logarithmic", [p.value for p in points], lines, width
    )


def _notes(sweep: Sweep) -> list[str]:
    found = []
    fitted = {quantity: slope for quantity, slope in sweep.exponents().items() if slope is not None}
    if fitted:
        grow = ", ".join(_grows(sweep, quantity, slope) for quantity, slope in fitted.items())
        found.append(f"growth with {sweep.varies}: {grow}")
    smallest = sweep.smallest
    if smallest is not None:
        text = f"the smallest square input is {smallest.size}x{smallest.size}"
        below = f"; at {smallest.size - 1}x{smallest.size - 1} {smallest.failure}" if smallest.failure else ""
        found.append(text + below)
    takes = {
        "any": "it takes every size that was tried from there on",
        "one": "of these sizes it takes one only",
        "some": "it takes some of these sizes only",
    }.get(sweep.takes, f"it takes {sweep.takes}" if sweep.takes else "")
    if takes:
        found.append(": ".join([takes, "; ".join(sweep.why)]) if sweep.why else takes)
    verified = [str(point.value) for point in sweep.counted if point.verified == "passed"]
    if verified:
        others = "; the others are counted by the same formulas" if len(verified) < len(sweep.counted) else ""
        found.append(f"✓ verified by running it at {' and '.join(verified)}{others}")
    elif sweep.counted:
        found.append("not verified: too large to be run here, or running it was not asked for")
    return found


def _grows(sweep: Sweep, quantity: str, exponent: float) -> str:
    if len({getattr(point, quantity) for point in sweep.counted}) == 1:
        return f"{quantity} stay the same"
    return f"{quantity} with exponent {exponent:.2f}" + (" (hardly)" if abs(exponent) < 0.05 else "")
