"""CSV: one line for each row, numbers without separators, for spreadsheets and programs."""

import csv
import io
from typing import Any

from netsize.lecture.formulas import by
from netsize.render.extras import extras
from netsize.render.page import Page
from netsize.render.style import Style, chosen_rows
from netsize.results.explanation import Explanation
from netsize.results.report import Report

COLUMNS = (
    "path", "call", "label", "kind", "type", "operation", "input", "output", "fan_in",
    "units", "connections", "padding_connections", "weights", "biases", "verified",
)  # fmt: skip
OF_STEPS = ("section", "what", "formula", "numbers", "value")


def report(report: Report, style: Style) -> str:
    """Shapes as 1x64x55x55, with the batch axis; an empty fan_in differs from unit to unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    more = extras(report)
    writer.writerow([*COLUMNS, *(extra.key for extra in more)])
    for row in chosen_rows(report, style):
        values = {column: getattr(row, column) for column in COLUMNS}
        values |= {"input": by(row.input), "output": by(row.output)}
        writer.writerow(map(_cell, [*values.values(), *(extra.text(row).replace(",", "") for extra in more)]))
    return text.getvalue()


def explanation(explanation: Explanation, style: Style) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(OF_STEPS)
    for section in explanation.sections:
        for step in section.steps:
            writer.writerow(map(_cell, [section.title, step.what, step.formula, step.numbers, step.value]))
    return text.getvalue()


def page(page: Page, style: Style) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    sheet = page.records
    writer.writerow([*(column.key for column in sheet.columns), "error"])
    for record in sheet.records:
        writer.writerow(map(_cell, [*(record.get(column.key) for column in sheet.columns), record.get("error")]))
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula has an apostrophe in front, as spreadsheets write it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
