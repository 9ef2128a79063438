"""Sheets as tables, one below the other. Columns that are needed least go first where a terminal is narrow."""

from collections.abc import Sequence

from netsize.render.page import GAP, Column, Sheet
from netsize.render.table.columns import MARK, shortened
from netsize.render.table.wrap import wrapped

LONGEST_NAME = 40


def text(sheets: Sequence[Sheet], width: int | None) -> str:
    """At most so many columns wide, if that is possible."""
    return "".join(_text(sheet, width).removesuffix("\n") for sheet in sheets) + "\n"


def _text(sheet: Sheet, width: int | None) -> str:
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
    if sheet.records:
        lines.append(_line(columns, [column.title for column in columns], widths, unmarked))
    for index, record in enumerate(sheet.records):
        cells = [sheet.cell(index, column) for column in columns]
        if record.get("error"):
            start = f"  {shortened(cells[0], widths[0]).ljust(widths[0])}  "
            lines += wrapped(str(record["error"]), width, start, " " * len(start))
        else:
            marks = unmarked | {key: MARK for marked, key in sheet.marks if marked == index}
            lines.append(_line(columns, cells, widths, marks))
    lines += ["", sheet.plot(width or 80)] if sheet.plot else []
    lines += [""] * bool(sheet.notes and sheet.records)
    for note in sheet.notes:
        lines += wrapped(note, width, "  ", "    ")
    return "\n".join([*lines, "", ""])


def _column_width(sheet: Sheet, column: Column) -> int:
    shown = [
        sheet.cell(i, column) for i, r in enumerate(sheet.records) if not r.get("error") or column is sheet.columns[0]
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
