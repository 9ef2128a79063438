"""A drawing that grows downwards: shapes, and lines of text, on white."""

import textwrap
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from netsize.render.printable import printable

WIDTH = 960
EDGE = 24
LETTER = 6.7  # of a text of SMALL pixels, in a font whose letters are all as wide
FINE, SMALL, LINE = 9, 11, 18
SERIES = ("#8ab8f0", "#f2b36b", "#c9a2ef", "#98d6a4", "#f1a0b4", "#e9cf62", "#a9dcd8", "#f0c9a0", "#d0c6a8")
KINDS = {
    "conv": "#8ab8f0", "conv_transpose": "#b3cdf2", "linear": "#f2b36b", "attention": "#c9a2ef", "matmul": "#e0b5e8",
    "embedding": "#98d6a4", "recurrent": "#f1a0b4", "pooling": "#c8cdd3", "experts": "#e9cf62", "bilinear": "#f0c9a0",
    "distance": "#a9dcd8", "custom": "#d0c6a8", "unused": "#eceef0", "new": "#8fd19e", "gone": "#f2a3a3",
    "larger": "#f2b36b", "smaller": "#8ab8f0", "changed": "#c9a2ef", "same": "#e6eaef",
}  # fmt: skip
OTHER = "#d9dde2"
INK, FAINT, GRID, BAD = "#1c2024", "#60666d", "#d5d9de", "#c01c28"
STYLE = (
    "text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;"
    f"font-size:{SMALL}px;fill:{INK}}}"
    ".title{font-family:system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;font-size:20px;"
    "font-weight:600}"
    ".head{font-family:system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;font-size:13px;"
    "font-weight:600}"
    f".fine{{font-size:{FINE}px}}.faint{{fill:{FAINT}}}.middle{{text-anchor:middle}}.end{{text-anchor:end}}"
)


class Drawing:
    """`y`: where the next thing begins."""

    def __init__(self, title: str, width: int = WIDTH) -> None:
        self.width, self.y = width, float(EDGE)
        self._title = title
        self._parts: list[str] = []

    @property
    def inner(self) -> float:
        return self.width - 2 * EDGE

    def down(self, height: float) -> None:
        self.y += height

    def heading(self, title: str, about: str) -> None:
        self.label(EDGE, self.y + 14, title, "title")
        self.down(28)
        for line in textwrap.wrap(about, 130):
            self.line(line)
        self.down(8)

    def section(self, title: str) -> None:
        self.label(EDGE, self.y + 12, title, "head")
        self.down(22)

    def line(self, text: str) -> None:
        """Broken where the drawing ends."""
        for line in textwrap.wrap(printable(text), int(self.inner / LETTER), subsequent_indent="  ") or [""]:
            self.label(EDGE, self.y + SMALL, line, "faint")
            self.down(LINE)

    def label(self, x: float, y: float, text: str, style: str = "") -> None:
        kind = f' class="{style}"' if style else ""
        self._parts.append(f'<text x="{_short(x)}" y="{_short(y)}"{kind}>{escape(printable(text))}</text>')

    def shape(self, name: str, told: str = "", **attributes: str | float) -> None:
        """`told`: what a viewer says of it."""
        given = "".join(
            f" {key.replace('_', '-')}={quoteattr(value if isinstance(value, str) else _short(value))}"
            for key, value in attributes.items()
        )
        inside = f"><title>{escape(printable(told))}</title></{name}>" if told else "/>"
        self._parts.append(f"<{name}{given}{inside}")

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Colours, with what they stand for, on as many lines as they need."""
        x = float(EDGE)
        for colour, text in entries:
            needed = 16 + len(text) * LETTER + 14
            if x + needed > self.width - EDGE and x > EDGE:
                x = float(EDGE)
                self.down(LINE)
            self.shape("rect", x=x, y=self.y + 2, width=10, height=10, fill=colour)
            self.label(x + 15, self.y + SMALL, text, "faint")
            x += needed
        self.down(LINE)

    def text(self) -> str:
        height = _short(self.y + EDGE - LINE + SMALL)
        return "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{height}" '
                f'viewBox="0 0 {self.width} {height}" role="img">',
                f"<title>{escape(printable(self._title))}</title>",
                f"<style>{STYLE}</style>",
                f'<rect width="{self.width}" height="{height}" fill="#ffffff"/>',
                *self._parts,
                "</svg>",
                "",
            ]
        )


def fitted(text: str, width: float) -> str:
    """As much of its end as there is room for; nothing, if that says nothing."""
    letters = int(width / LETTER)
    if len(text) <= letters:
        return text
    return f"…{text[len(text) - letters + 1 :]}" if letters >= 4 else ""


def shaded(colour: str, light: float) -> str:
    """#rrggbb, lighter or darker by a factor."""
    parts = (min(255, round(int(colour[place : place + 2], 16) * light)) for place in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
