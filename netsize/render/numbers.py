"""Flat numbers by name, for those who log them."""

from netsize.render.page import Page
from netsize.results.report import QUANTITIES, Report

Numbers = dict[str, int | float]


def of_report(report: Report) -> Numbers:
    """The totals by their names, and those of each layer below `layers/`."""
    found: Numbers = {name: getattr(report.totals, name) for name in (*QUANTITIES, "parameters", "macs")}
    for row in report.layers:
        found |= {f"layers/{row.name}/{quantity}": getattr(row, quantity) for quantity in QUANTITIES}
    return found


def of_page(page: Page) -> Numbers:
    """Of each record, below its name, what is a number."""
    first, *others = page.records.columns
    return {
        f"{record.get(first.key) or '(network)'}/{column.key}": value
        for record in page.records.records
        for column in others
        if isinstance(value := record.get(column.key), (int, float)) and not isinstance(value, bool)
    }
