"""A result in a notebook: the table of a terminal, in a font whose letters are all as wide, and the pictures of an HTML
file in a frame of their own, where they are opened."""

from html import escape
from typing import Any

from netsize.render import render
from netsize.render.style import Style
from netsize.results.report import Report

COLUMNS = 120
PLAIN = "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; line-height: 1.2; white-space: pre"
FRAME = "width: 100%; height: 640px; border: 1px solid #d5d9de; border-radius: 6px"


def html(result: Any) -> str:
    """Shown once. A notebook that does not trust HTML leaves the frame out."""
    table = f'<pre style="{PLAIN}; overflow-x: auto">{_table(result)}</pre>'
    if type(result).__name__ in ("Explanation", "Listing"):  # words, and no pictures
        return table
    document = escape(render(result, "html", Style()))
    frame = f'<iframe srcdoc="{document}" sandbox="allow-scripts" loading="lazy" style="{FRAME}"></iframe>'
    return f"{table}<details><summary>Pictures</summary>{frame}</details>"


def _table(result: Any) -> str:
    if isinstance(result, Report):
        from netsize.render.table import layers

        return layers.coloured_html(result, COLUMNS)
    return escape(render(result, "table", Style(width=COLUMNS)))
