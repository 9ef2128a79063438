"""CSV: one line for each row, numbers without separators, for spreadsheets and programs."""

import csv
import io

from netsize.formulas import by
from netsize.render.extras import extras
from netsize.render.style import Style, chosen_rows
from netsize.report import Report

COLUMNS = (
    "path", "call", "label", "kind", "type", "operation", "input", "output", "fan_in",
    "units", "connections", "padding_connections", "weights", "biases", "verified",
)  # fmt: skip


def render(report: Report, style: Style) -> str:
    """Shapes as 1x64x55x55, with the batch axis; an empty fan_in differs from unit to unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    more = extras(report)
    writer.writerow([*COLUMNS, *(extra.key for extra in more)])
    for row in chosen_rows(report, style):
        values = {column: getattr(row, column) for column in COLUMNS}
        values |= {"input": by(row.input), "output": by(row.output)}
        writer.writerow([*values.values(), *(extra.text(row).replace(",", "") for extra in more)])
    return text.getvalue()
