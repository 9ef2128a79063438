"""A result in a notebook: the table of a terminal, in a font whose letters are all as wide, and the pictures of an HTML
file in a frame of their own, where they are opened."""

from html import escape

COLUMNS = 120
PLAIN = "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; line-height: 1.2; white-space: pre"
FRAME = "width: 100%; height: 640px; border: 1px solid #d5d9de; border-radius: 6px"


def shown(table: str, document: str) -> str:
    """Once. `table`: as HTML; `document`: a whole file, or nothing. A notebook that does not trust HTML leaves the
    frame out."""
    text = f'<pre style="{PLAIN}; overflow-x: auto">{table}</pre>'
    if not document:
        return text
    frame = f'<iframe srcdoc="{escape(document)}" sandbox="allow-scripts" loading="lazy" style="{FRAME}"></iframe>'
    return f"{text}<details><summary>Pictures</summary>{frame}</details>"
