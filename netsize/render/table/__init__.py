"""Tables of a terminal: text of at most so many columns, with colours where there are some. `layers` shows a report,
`equations` an explanation, `sheets` all else."""

from typing import TYPE_CHECKING

from netsize.render.page import Page
from netsize.render.style import Style, to_ascii
from netsize.results.report import Report

if TYPE_CHECKING:
    from netsize.results.explanation import Explanation  # which takes as long to import as a table takes to lay out


def report(report: Report, style: Style) -> str:
    from netsize.render.table import layers

    return _spelled(layers.text(report, style), style)


def explanation(explanation: "Explanation", style: Style) -> str:
    from netsize.render.table import equations

    text = equations.text(explanation, style.width)
    if explanation.grid is not None:
        from netsize.render.table import windows

        text = text.removesuffix("\n") + windows.text(explanation.grid, style.width)
    return _spelled(text, style)


def page(page: Page, style: Style) -> str:
    from netsize.render.table import sheets

    return _spelled(sheets.text(page.sheets, style.width), style)


def _spelled(text: str, style: Style) -> str:
    """With the characters that the terminal has."""
    return text if style.unicode else to_ascii(text)
