"""SVG: the pictures of an HTML file for paper, a slide or a README: static, with text as text, in one drawing."""

from collections.abc import Callable, Sequence

from netsize.render.figures import Areas, Bars, Fields, Figure, Lines, Rows, Scatter, Scene, Tree, Windows
from netsize.render.figures.report import figures
from netsize.render.page import Page
from netsize.render.style import Style
from netsize.render.svg import charts, fields, scene, tree, windows
from netsize.render.svg.drawing import LINE, Drawing
from netsize.results import words
from netsize.results.explanation import Explanation
from netsize.results.report import Report

DRAW: dict[type, Callable[[Drawing, Figure], None]] = {
    Tree: tree.tree, Bars: charts.bars, Rows: charts.rows, Scatter: charts.scatter, Lines: charts.lines,
    Areas: charts.areas, Windows: windows.windows, Fields: fields.fields,
    Scene: scene.scene,
}  # fmt: skip


def report(report: Report, style: Style) -> str:
    below = [f"{title}: {name}, {share}; {holds}" for title, name, share, holds in words.bulk(report)]
    below += [*words.notes(report), words.verification(report)]
    header = words.header(report)
    return _drawn(header[0], " · ".join(header[1:]), figures(report), below)


def page(page: Page, style: Style) -> str:
    """Results without figures are their words."""
    shown = page.figures()
    if len(shown) == 1 and isinstance(shown[0], Scene):
        return scene.alone(shown[0])
    first = page.sheets[0]
    notes = [note for sheet in page.sheets for note in sheet.notes]
    return _drawn(first.title or "netsize", "", shown, notes)


def explanation(explanation: Explanation, style: Style) -> str:
    lines = []
    for section in explanation.sections:
        lines += ["", section.title, *(f"{step.what} = {step}" if step.what else str(step) for step in section.steps)]
    shown = (Windows(explanation.grid),) if explanation.grid is not None else ()
    return _drawn(explanation.title, "", shown, lines)


def _drawn(title: str, about: str, shown: Sequence[Figure], below: Sequence[str]) -> str:
    drawing = Drawing(title)
    drawing.heading(title, about)
    for figure in shown:
        DRAW[type(figure)](drawing, figure)
        drawing.down(LINE)
    for line in below:
        drawing.line(line)
    return drawing.text()
