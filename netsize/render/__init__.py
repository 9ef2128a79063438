"""Results -> text, in one of FORMATS. A file (or a folder) for each format; it shows each of three things: a report, an
explanation, and a page, which is what all other results are laid out on first. It may import results of every wing, and
nothing that runs a network; only `table` knows rich. (`checks` has formats of its own.)

A new format is a file with `report`, `explanation` and `page`, each `(what, style) -> str`, and a line in FORMATS. A
new result is a file with `page(result, style) -> Page`, and a line in PAGES.
"""

import gc
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netsize.render.page import Page
from netsize.render.printable import shown
from netsize.render.style import Style
from netsize.results import display
from netsize.results.report import Report

FORMATS = {
    "table": ".txt",
    "json": ".json",
    "csv": ".csv",
    "markdown": ".md",
    "latex": ".tex",
    "html": ".html",
    "svg": ".svg",
}
# results that are laid out on a page -> the file here that does it
PAGES = {
    "Checkpoint": "checkpoint",
    "Comparison": "comparison",
    "Diagram": "diagram",
    "Difference": "difference",
    "Listing": "listing",
    "SavedReport": "saved",
    "Sweep": "sweep",
    "Training": "training",
}


def render(result: Any, format: str, style: Style) -> str:
    """A result in one of FORMATS, ending in a newline; names in it are anybody's, and control nothing. Raises TypeError
    for a result that nothing here shows."""
    with _uninterrupted():
        return _rendered(result, format, style)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Cells and lines are no garbage: looking for some among those of ten thousand rows would take longer than making
    them."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _rendered(result: Any, format: str, style: Style) -> str:
    result = result if format == "json" else shown(result)  # which has its own way to write out every character
    shows = importlib.import_module(f"netsize.render.{format}")
    kind = type(result).__name__
    if kind in ("Report", "Explanation"):
        return str(getattr(shows, kind.lower())(result, style))
    return str(shows.page(_page(result, style), style))


def _page(result: Any, style: Style) -> Page:
    """How a result is laid out."""
    kind = type(result).__name__
    if kind not in PAGES:
        raise TypeError(f"netsize.render shows no {kind}: it is not in PAGES")
    laid_out: Page = importlib.import_module(f"netsize.render.{PAGES[kind]}").page(result, style)
    return laid_out


def _plainly(format: str) -> Callable[[Any], str]:
    return lambda result: render(result, format, Style())


def _renderables(report: Report, width: int) -> list[Any]:
    from netsize.render.table import layers

    return layers.renderables(report, width)


def _notebook(result: Any) -> str:
    from html import escape

    from netsize.render import notebook

    if isinstance(result, Report):
        from netsize.render.table import layers

        return notebook.shown(layers.coloured_html(result, notebook.COLUMNS), render(result, "html", Style()))
    text = escape(render(result, "table", Style(width=notebook.COLUMNS)))
    return notebook.shown(text, render(result, "html", Style()) if _has_pictures(result) else "")


def _has_pictures(result: Any) -> bool:
    if type(result).__name__ == "Explanation":
        return result.grid is not None
    return bool(_page(result, Style()).figures())


def _numbers(result: Any) -> dict[str, int | float]:
    from netsize.render import numbers

    return numbers.of_report(result) if isinstance(result, Report) else numbers.of_page(_page(result, Style()))


display.register(
    **{format: _plainly(format) for format in FORMATS}, rich=_renderables, notebook=_notebook, numbers=_numbers
)
