"""What `netsize diff` shows: the rows that are not the same, and the totals."""

import json as json_

from netsize.render.table.columns import shortened
from netsize.results.difference import Difference, as_dict
from netsize.results.report import QUANTITIES

FORMATS = ("table", "json")
MARKS = {"new": "+", "gone": "-", "larger": ">", "smaller": "<", "changed": "~"}


def render(difference: Difference, format: str, width: int | None = None) -> str:
    """Text in one of FORMATS; a table of at most `width` columns, if that is possible."""
    return json(difference) if format == "json" else table(difference, width)


def table(difference: Difference, width: int | None) -> str:
    title = f"  {difference.before['model']} -> {difference.after['model']}"
    if not difference.changes:
        return f"\n{title}\n\n  {difference.same} rows are the same; nothing has changed\n\n"
    rows = _rows(difference, relative=True)
    relative = []
    if width is not None and _width(rows) > width:  # relative changes give way before names do, numbers never
        rows = _rows(difference, relative=False)
        relative = [f"  in all: {', '.join(_relative(difference, quantity) for quantity in QUANTITIES)}"]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if width is not None:
        widths[1] = max(12, min(widths[1], widths[1] + width - _width(rows)))
    same = f"  {difference.same} rows are the same" if difference.same else "  no row is the same"
    return "\n".join(["", title, "", *(_line(row, widths) for row in rows), "", *relative, same, "", ""])


def _relative(difference: Difference, quantity: str) -> str:
    before, after = (report["totals"][quantity] for report in (difference.before, difference.after))
    return f"{quantity} {(after - before) / before:+.1%}" if before else f"{quantity} {after - before:+,}"


def _rows(difference: Difference, relative: bool) -> list[list[str]]:
    rows = [["", "layer", *QUANTITIES]]
    for change in difference.changes:
        amounts = [(change.before.get(quantity), change.after.get(quantity)) for quantity in QUANTITIES]
        rows.append([MARKS[change.what], change.name, *(_changed(a, b, relative) for a, b in amounts)])
    before, after = difference.before["totals"], difference.after["totals"]
    return [*rows, ["", "total", *(_changed(before[q], after[q], relative) for q in QUANTITIES)]]


def _changed(before: int | None, after: int | None, relative: bool) -> str:
    """+1,000 (+10.0%), or = where nothing changed."""
    change = (after or 0) - (before or 0)
    if not change:
        return "="
    return f"{change:+,}" + (f" ({change / before:+.1%})" if relative and before and after is not None else "")


def _width(rows: list[list[str]]) -> int:
    return 4 + sum(max(len(row[i]) for row in rows) for i in range(1, len(rows[0]))) + 2 * (len(rows[0]) - 2)


def _line(row: list[str], widths: list[int]) -> str:
    name = shortened(row[1], widths[1])
    numbers = "  ".join(text.rjust(width) for text, width in zip(row[2:], widths[2:]))
    return f"  {row[0]:1} {name.ljust(widths[1])}  {numbers}".rstrip()


def json(difference: Difference) -> str:
    return json_.dumps(as_dict(difference), indent=2) + "\n"
