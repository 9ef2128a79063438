"""Formats: each has a file of its own with `render(report, style) -> str`, and a line in FORMATS."""

import importlib

from netsize.render.style import Style
from netsize.report import Report

FORMATS = {"table": ".txt", "json": ".json", "csv": ".csv", "markdown": ".md", "latex": ".tex"}


def render(report: Report, format: str, style: Style) -> str:
    """The report in one of FORMATS, ending in a newline."""
    text: str = importlib.import_module(f"netsize.render.{format}").render(report, style)
    return text
