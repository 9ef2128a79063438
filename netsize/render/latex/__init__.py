"""LaTeX: a booktabs table for a homework answer, with the layers by their names in the homework."""

from collections.abc import Iterable

from netsize.lecture.steps import Step
from netsize.render.extras import extras
from netsize.render.figures import Lines, Scene
from netsize.render.latex import tikz
from netsize.render.latex.text import escaped, mathematics
from netsize.render.page import Column, Page, Sheet
from netsize.render.style import Style, chosen_rows
from netsize.results import words
from netsize.results.explanation import Explanation
from netsize.results.report import QUANTITIES, Report, Row

TEXT = 345.0  # points that a line of article has
LETTER = 4.3  # of a digit in \\footnotesize
BETWEEN = 6.0  # of columns
BREAK = r"\allowbreak "  # where a long formula may go on in the next line


def report(report: Report, style: Style) -> str:
    r"""Needs \usepackage{booktabs}. The three answers stand below the table."""
    rows = [_cells(row) for row in chosen_rows(report, style)]
    more = extras(report)
    rows = [[*cells, *(extra.text(row) for extra in more)] for cells, row in zip(rows, chosen_rows(report, style))]
    totals = ["Total", *(f"{getattr(report.totals, quantity):,}" for quantity in QUANTITIES)]
    totals += [extra.foot for extra in more]
    titles = ["Layer", *(name.capitalize() for name in (*QUANTITIES, *(extra.title for extra in more)))]
    widths = [max(len(line[i]) for line in (titles, totals, *rows)) for i in range(len(titles))]
    body = [_line(cells, widths) for cells in rows]
    caption = escaped(" · ".join(words.header(report)))
    return (
        "\n".join(
            [
                "% needs \\usepackage{booktabs}",
                "\\begin{table}",
                "  \\centering",
                f"  \\caption{{{caption}}}",
                f"  \\begin{{tabular}}{{lrrr{'r' * len(more)}}}",
                "    \\toprule",
                _line(titles, widths),
                "    \\midrule",
                *body,
                "    \\midrule",
                _line(totals, widths),
                "    \\bottomrule",
                "  \\end{tabular}",
                "\\end{table}",
                *_answers(report),
            ]
        )
        + "\n"
    )


def _cells(row: Row) -> list[str]:
    name = row.label if row.layers == 1 else row.name
    return [escaped(name), *(f"{getattr(row, quantity):,}" for quantity in QUANTITIES)]


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths))]
    return f"    {' & '.join(padded)} \\\\"


def _answers(report: Report) -> list[str]:
    lines = []
    for quantity in QUANTITIES:
        row = report.largest(quantity)
        if row is not None:
            share = words.percent(report.share(getattr(row, quantity), quantity))
            lines.append(f"Most {quantity}: {row.label} ({row.name}), {share}.")
    return _notes(lines)


def explanation(explanation: Explanation, style: Style) -> str:
    lines = [f"\\paragraph{{{escaped(explanation.title)}}}"]
    for section in explanation.sections:
        lines += [f"\\paragraph{{{escaped(section.title)}}}", "\\begin{itemize}\\sloppy"]
        lines += [f"  \\item {_step(step)}" for step in section.steps]
        lines.append("\\end{itemize}")
    return "\n".join(lines) + "\n"


def _step(step: Step) -> str:
    """Formulas as mathematics, words as words."""
    what = escaped(f"{step.what}: ") if step.what else ""
    if not step.formula and not step.numbers:
        return what + escaped(str(step))
    return f"{what}${mathematics(str(step)).replace('=', '=' + BREAK)}$"


def page(page: Page, style: Style) -> str:
    """Tables that fit a page; a sweep with its plot; and a figure alone, as a document of its own."""
    for figure in page.figures():
        if isinstance(figure, Scene):
            return tikz.standalone(figure)
    plots = [pgfplots(figure) for figure in page.figures() if isinstance(figure, Lines)]
    return "\n".join([*map(_sheet, page.sheets), *plots])


def _sheet(sheet: Sheet) -> str:
    columns = _fitting(sheet)
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}",
        *([f"  \\caption{{{escaped(sheet.title)}}}"] if sheet.title else []),
        f"  \\begin{{tabular}}{{l{''.join('l' if column.left else 'r' for column in columns[1:])}}}",
        "    \\toprule",
        f"    {' & '.join(escaped(column.title) for column in columns)} \\\\",
        "    \\midrule",
        *(_record(sheet, columns, index) for index in range(len(sheet.records))),
        "    \\bottomrule",
        "  \\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join([*lines, *_notes(sheet.notes)]) + "\n"


def _fitting(sheet: Sheet) -> list[Column]:
    """Columns that a line of text holds; those that are needed least go first."""
    columns = list(sheet.columns)
    while len(columns) > 1 and sum(_points(sheet, column) for column in columns) > TEXT:
        least = min(column.needed for column in columns[1:])
        columns = [columns[0], *(column for column in columns[1:] if column.needed > least)]
    return columns


def _points(sheet: Sheet, column: Column) -> float:
    cells = [sheet.cell(index, column) for index, record in enumerate(sheet.records) if not record.get("error")]
    return max(map(len, (column.title, *cells))) * LETTER + BETWEEN


def _record(sheet: Sheet, columns: list[Column], index: int) -> str:
    error, name = sheet.records[index].get("error"), sheet.cell(index, columns[0])
    if error and len(columns) > 1:
        told = f"\\multicolumn{{{len(columns) - 1}}}{{p{{0.6\\textwidth}}}}{{{escaped(str(error))}}}"
        return f"    {escaped(name)} & {told} \\\\"
    cells = [name, *(sheet.cell(index, column) for column in columns[1:])]
    return f"    {' & '.join(map(escaped, cells))} \\\\"


def _notes(notes: Iterable[str]) -> list[str]:
    lines = [f"{escaped(note)}\\par" for note in notes]
    return ["\\begin{sloppypar}", *lines, "\\end{sloppypar}"] if lines else []


def pgfplots(figure: Lines) -> str:
    """Both axes logarithmic, so that powers are straight lines."""
    lines = [
        "% needs \\usepackage{pgfplots}",
        "\\begin{tikzpicture}",
        f"  \\begin{{loglogaxis}}[xlabel={{{escaped(figure.x)}}}, ylabel={{{escaped(figure.title)}}}, "
        "legend pos=north west, width=0.9\\textwidth, height=0.55\\textwidth]",
    ]
    for name, values in zip(figure.names, figure.values):
        points = " ".join(f"({place},{value:.6g})" for place, value in zip(figure.places, values))
        lines += [f"    \\addplot coordinates {{{points}}};", f"    \\addlegendentry{{{_legend(name)}}}"]
    return "\n".join([*lines, "  \\end{loglogaxis}", "\\end{tikzpicture}", ""])


def _legend(name: str) -> str:
    """units: input^1.97"""
    quantity, power, exponent = name.rpartition("^")
    return f"{escaped(quantity)}$^{{{exponent}}}$" if power else escaped(name)
