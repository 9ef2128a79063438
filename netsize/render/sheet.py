"""A table that is no report: several networks, or one at several sizes. In a terminal, or in the other formats."""

import csv as csv_
import io
import json as json_
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from netsize.render.columns import MARK, shortened
from netsize.render.derivation import wrapped
from netsize.render.latex import escaped
from netsize.render.style import Style, to_ascii

GAP = 2
LONGEST_NAME = 40
Record = dict[str, Any]


def plainly(value: Any) -> str:
    """1,000 for a number, nothing for what is not there."""
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


@dataclass(frozen=True)
class Column:
    """`needed`: how much; columns that are needed less go first where a terminal is narrow. `key`: in records."""

    key: str
    title: str
    needed: int = 9
    text: Callable[[Any], str] = plainly
    near: bool = False  # stands close to the one before
    left: bool = False

    @property
    def gap(self) -> int:
        return 1 if self.near else GAP


@dataclass(frozen=True)
class Sheet:
    """The first column names the record. A record with an "error" shows that instead of its numbers. `marks` are
    (record, key) pairs of the largest. `data` is what the JSON holds; `plot` stands in a terminal only."""

    title: str
    columns: tuple[Column, ...]
    records: tuple[Record, ...]
    data: Record
    notes: tuple[str, ...] = ()
    marks: frozenset[tuple[int, str]] = frozenset()
    plot: Callable[[int], str] | None = field(default=None, compare=False)


def render(sheet: Sheet, format: str, style: Style) -> str:
    """Text in one of the formats of reports, ending in a newline."""
    if format == "table":
        text = table(sheet, style.width)
        return text if style.unicode else to_ascii(text)
    if format == "json":
        return json_.dumps(sheet.data, indent=2, ensure_ascii=False) + "\n"
    return {"csv": csv, "markdown": markdown, "latex": latex}[format](sheet)


def _cell(sheet: Sheet, index: int, column: Column) -> str:
    value = sheet.records[index].get(column.key)
    return column.text(value) if value is not None else ""


def table(sheet: Sheet, width: int | None = None) -> str:
    columns = list(sheet.columns)
    while width is not None and len(columns) > 1 and _width(sheet, columns) > width:
        least = min(columns[1:], key=lambda column: column.needed)
        if least.needed >= 9:
            break
        columns = [column for column in columns if column.needed != least.needed]
    lines = ["", *wrapped(sheet.title, width, "  ", "  "), ""] if sheet.title else [""]
    widths = [_column_width(sheet, column) for column in columns]
    if width is not None and _width(sheet, columns) > width:
        widths[0] = max(12, widths[0] - (_width(sheet, columns) - width))
    widths[0] = min(widths[0], LONGEST_NAME)
    unmarked = {key: " " for _, key in sheet.marks}
    lines.append(_line(columns, [column.title for column in columns], widths, unmarked))
    for index, record in enumerate(sheet.records):
        cells = [_cell(sheet, index, column) for column in columns]
        if record.get("error"):
            start = f"  {shortened(cells[0], widths[0]).ljust(widths[0])}  "
            lines += wrapped(str(record["error"]), width, start, " " * len(start))
        else:
            marks = unmarked | {key: MARK for marked, key in sheet.marks if marked == index}
            lines.append(_line(columns, cells, widths, marks))
    lines += ["", sheet.plot(width or 80)] if sheet.plot else []
    lines += [""] * bool(sheet.notes)
    for note in sheet.notes:
        lines += wrapped(note, width, "  ", "    ")
    return "\n".join([*lines, "", ""])


def _column_width(sheet: Sheet, column: Column) -> int:
    shown = [
        _cell(sheet, i, column) for i, r in enumerate(sheet.records) if not r.get("error") or column is sheet.columns[0]
    ]
    return max(map(len, (column.title, *shown))) + any(key == column.key for _, key in sheet.marks)


def _width(sheet: Sheet, columns: Sequence[Column]) -> int:
    first = min(_column_width(sheet, columns[0]), LONGEST_NAME)
    return GAP + first + sum(_column_width(sheet, column) + column.gap for column in columns[1:])


def _line(columns: Sequence[Column], cells: list[str], widths: list[int], marks: dict[str, str]) -> str:
    """`marks`: for the columns in which one is marked, what stands behind the number of this line."""
    text = f"  {shortened(cells[0], widths[0]).ljust(widths[0])}"
    for column, cell, width in zip(columns[1:], cells[1:], widths[1:]):
        shown = f"{cell}{marks.get(column.key, '')}"
        text += " " * column.gap + (shown.ljust(width) if column.left else shown.rjust(width))
    return text.rstrip()


def csv(sheet: Sheet) -> str:
    text = io.StringIO()
    writer = csv_.writer(text, lineterminator="\n")
    writer.writerow([*(column.key for column in sheet.columns), "error"])
    for record in sheet.records:
        writer.writerow([*(record.get(column.key) for column in sheet.columns), record.get("error")])
    return text.getvalue()


def markdown(sheet: Sheet) -> str:
    rows = [[column.title for column in sheet.columns], *_texts(sheet)]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(sheet.columns))]
    lefts = [index == 0 or column.left for index, column in enumerate(sheet.columns)]
    rule = ["-" * width if left else "-" * (width - 1) + ":" for left, width in zip(lefts, widths)]
    lines = [
        "| " + " | ".join(c.ljust(w) if left else c.rjust(w) for left, c, w in zip(lefts, row, widths)) + " |"
        for row in (rows[0], rule, *rows[1:])
    ]
    title = [f"**{sheet.title}**", ""] if sheet.title else []
    return "\n".join([*title, *lines, "", *(f"- {note}" for note in sheet.notes)]) + "\n"


def latex(sheet: Sheet) -> str:
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        *([f"  \\caption{{{escaped(sheet.title)}}}"] if sheet.title else []),
    ]
    lines += [
        f"  \\begin{{tabular}}{{l{''.join('l' if column.left else 'r' for column in sheet.columns[1:])}}}",
        "    \\toprule",
    ]
    lines += [f"    {' & '.join(escaped(column.title) for column in sheet.columns)} \\\\", "    \\midrule"]
    lines += [f"    {' & '.join(map(escaped, row))} \\\\" for row in _texts(sheet)]
    lines += ["    \\bottomrule", "  \\end{tabular}", "\\end{table}"]
    # plain LaTeX has no such marks; what they say stands behind them
    notes = [escaped(note.removeprefix("✓ ").removeprefix("✗ ")) + "\\par" for note in sheet.notes]
    return "\n".join([*lines, *notes]) + "\n"


def _texts(sheet: Sheet) -> list[list[str]]:
    """The cells; what could not be counted has its reason in the second column."""
    rows = []
    for index, record in enumerate(sheet.records):
        cells = [_cell(sheet, index, column) for column in sheet.columns]
        rows.append([cells[0], str(record["error"]), *[""] * (len(cells) - 2)] if record.get("error") else cells)
    return rows
