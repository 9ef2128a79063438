"""What `netsize compare` shows."""

from typing import Any

from netsize.render.figures import Figure, Quantity, Rows, Scatter
from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import Style
from netsize.results.comparison import MEASURES, Comparison, Entry, as_dict, shown_part, verdicts
from netsize.results.words import few_digits


def page(comparison: Comparison, style: Style) -> Page:
    """A line for each network; the largest of each column is marked."""
    sheet = _sheet(comparison)
    return Page((sheet,), sheet, lambda: as_dict(comparison), lambda: _figures(comparison))


def _figures(comparison: Comparison) -> tuple[Figure, ...]:
    """Side by side on one scale; and each by its weights and its connections."""
    numbers = {entry.name: entry.totals for entry in comparison.counted if entry.totals is not None}
    if not numbers:
        return ()
    names = tuple(numbers)
    values = {measure: tuple(totals[measure] for totals in numbers.values()) for measure in MEASURES}
    of = {measure: Quantity(measure, measure, max(values[measure])) for measure in MEASURES}
    rows = Rows("Side by side", tuple(of.values()), names, tuple(values.values()))
    points = tuple(zip(values["weights"], values["connections"], values["units"]))
    if len(names) < 2 or not all(all(point[:2]) for point in points):
        return (rows,)
    title = "Connections over weights; areas follow units"
    return (rows, Scatter(title, of["weights"], of["connections"], of["units"], names, points))


def _sheet(comparison: Comparison) -> Sheet:
    columns = [Column("model", "network"), Column("depth", "depth", 4)]
    for measure in MEASURES:
        columns += [
            Column(measure, measure, 3 if measure == "parameters" else 9),
            Column(f"{measure}_ratio", "", 3 if measure == "parameters" else 7, _ratio, near=True),
        ]
    columns.append(Column("field", "field", 5))
    columns += [Column(f"{quantity}_part", f"most {quantity}", 2) for quantity in MEASURES[:3]]
    records = tuple(_record(comparison, entry) for entry in comparison.entries)
    return Sheet(
        f"{len(comparison.entries)} networks, ratios to {comparison.counted[0].name if comparison.counted else 'none'}",
        tuple(columns),
        records,
        (*verdicts(comparison), *_verified(comparison)),
        _marks(records),
    )


def _ratio(value: Any) -> str:
    return f"{few_digits(value)}x"


def _record(comparison: Comparison, entry: Entry) -> Record:
    record: Record = {"model": entry.name, "error": entry.error, "depth": entry.depth}
    record["field"] = (entry.field or "?") if entry.totals else None
    for measure in MEASURES:
        record[measure] = entry.totals[measure] if entry.totals else None
        record[f"{measure}_ratio"] = comparison.ratio(entry, measure)
    return record | {f"{quantity}_part": shown_part(part) for quantity, part in (entry.parts or {}).items()}


def _marks(records: tuple[Record, ...]) -> frozenset[tuple[int, str]]:
    marks = set()
    for key in ("depth", *MEASURES):
        values = [record[key] if record[key] is not None and not record["error"] else -1 for record in records]
        if len(values) > 1 and max(values) > 0:
            marks.add((values.index(max(values)), key))
    return frozenset(marks)


def _verified(comparison: Comparison) -> list[str]:
    passed = sum(entry.verified == "passed" for entry in comparison.entries)
    if not comparison.counted:
        return ["none of them could be counted"]
    if not passed:
        return ["not verified: counted by formula, without running the networks"]
    mark = "✓" if passed == len(comparison.entries) else "✗"
    return [f"{mark} {passed} of {len(comparison.entries)} networks verified by running them"]
