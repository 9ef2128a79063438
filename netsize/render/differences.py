"""What `netsize diff` shows: the rows that are not the same, and the totals."""

import json as json_
from typing import Any

from netsize.diff import Change, Difference
from netsize.report import QUANTITIES

FORMATS = ("table", "json")
MARKS = {"new": "+", "gone": "-", "larger": ">", "smaller": "<", "changed": "~"}


def render(difference: Difference, format: str, width: int | None = None) -> str:
    """Text in one of FORMATS; a table of at most `width` columns, if that is possible."""
    return json(difference) if format == "json" else table(difference, width)


def table(difference: Difference, width: int | None) -> str:
    names = [difference.before["model"], difference.after["model"]]
    rows = [["", "layer", *QUANTITIES]] + [_row(change) for change in difference.changes]
    totals = ["", "total"] + [
        _changed(difference.before["totals"][q], difference.after["totals"][q]) for q in QUANTITIES
    ]
    rows.append(totals)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if width is not None:  # names give way, numbers do not
        widths[1] = max(12, min(widths[1], width - sum(widths) + widths[1] - 2 * len(widths)))
    lines = [_line(row, widths) for row in rows]
    same = f"  {difference.same} rows are the same" if difference.same else "  no row is the same"
    if not difference.changes:
        return f"\n  {names[0]} -> {names[1]}\n\n{same}; nothing has changed\n\n"
    return "\n".join(["", f"  {names[0]} -> {names[1]}", "", *lines, "", same, "", ""])


def _row(change: Change) -> list[str]:
    return [MARKS[change.what], change.name] + [_amount(change, quantity) for quantity in QUANTITIES]


def _amount(change: Change, quantity: str) -> str:
    if not change.before or not change.after:
        return f"{change.change(quantity):+,}"
    return _changed(change.before[quantity], change.after[quantity])


def _changed(before: int, after: int) -> str:
    """+1,000 (+10.0%), or = where nothing changed."""
    if before == after:
        return "="
    return f"{after - before:+,}" + (f" ({(after - before) / before:+.1%})" if before else "")


def _line(row: list[str], widths: list[int]) -> str:
    name = row[1] if len(row[1]) <= widths[1] else "…" + row[1][len(row[1]) - widths[1] + 1 :]
    numbers = "  ".join(text.rjust(width) for text, width in zip(row[2:], widths[2:]))
    return f"  {row[0]:1} {name.ljust(widths[1])}  {numbers}".rstrip()


def json(difference: Difference) -> str:
    def amounts(change: Change) -> dict[str, Any]:
        return {
            quantity: {
                "before": change.before.get(quantity),
                "after": change.after.get(quantity),
                "change": change.change(quantity),
            }
            for quantity in QUANTITIES
        }

    totals = (difference.before["totals"], difference.after["totals"])
    return (
        json_.dumps(
            {
                "schema": 1,
                "before": difference.before["model"],
                "after": difference.after["model"],
                "rows": [{"layer": c.name, "what": c.what, **amounts(c)} for c in difference.changes],
                "same": difference.same,
                "totals": {
                    name: {
                        "before": totals[0][name],
                        "after": totals[1][name],
                        "change": totals[1][name] - totals[0][name],
                    }
                    for name in totals[0]
                },
            },
            indent=2,
        )
        + "\n"
    )
