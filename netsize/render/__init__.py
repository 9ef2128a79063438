"""Results -> text, in one of FORMATS. A file (or a folder) for each format; it shows each of three things: a report, an
explanation, and a page, which is what all other results are laid out on first. It may import results of every wing, and
nothing that runs a network; only `table` knows rich. (`checks` has formats of its own.)

A new format is a file with `report`, `explanation` and `page`, each `(what, style) -> str`, and a line in FORMATS. A
new result is a file with `page(result, style) -> Page`, and a line in PAGES.
"""

import importlib
from collections.abc import Callable
from typing import Any

from netsize.render.style import Style
from netsize.results import display
from netsize.results.report import Report

FORMATS = {"table": ".txt", "json": ".json", "csv": ".csv", "markdown": ".md", "latex": ".tex", "html": ".html"}
# results that are laid out on a page -> the file here that does it
PAGES = {
    "Checkpoint": "checkpoint",
    "Comparison": "comparison",
    "Difference": "difference",
    "Listing": "listing",
    "Sweep": "sweep",
    "Training": "training",
}


def render(result: Any, format: str, style: Style) -> str:
    """A result in one of FORMATS, ending in a newline. Raises TypeError for a result that nothing here shows."""
    shows = importlib.import_module(f"netsize.render.{format}")
    kind = type(result).__name__
    if kind in ("Report", "Explanation"):
        return str(getattr(shows, kind.lower())(result, style))
    if kind not in PAGES:
        raise TypeError(f"netsize.render shows no {kind}: it is not in PAGES")
    page = importlib.import_module(f"netsize.render.{PAGES[kind]}").page(result, style)
    return str(shows.page(page, style))


def _plainly(format: str) -> Callable[[Any], str]:
    return lambda result: render(result, format, Style())


def _renderables(report: Report, width: int) -> list[Any]:
    from netsize.render.table import layers

    return layers.renderables(report, width)


def _notebook(report: Report) -> str:
    from netsize.render.table import layers

    return layers.notebook(report)


display.register(table=_plainly("table"), json=_plainly("json"), rich=_renderables, notebook=_notebook)
