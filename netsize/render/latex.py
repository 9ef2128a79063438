"""LaTeX: a booktabs table for a homework answer, with the layers by their names in the homework."""

from netsize.render.extras import extras
from netsize.render.page import Page, Sheet
from netsize.render.style import Style, chosen_rows
from netsize.results import words
from netsize.results.explanation import Explanation
from netsize.results.report import QUANTITIES, Report, Row

ESCAPES = str.maketrans({"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
                         "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "·": r"$\cdot$", "<": r"$<$",
                         ">": r"$>$"})  # fmt: skip


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
            lines.append(escaped(f"Most {quantity}: {row.label} ({row.name}), {share}.") + "\\par")
    return lines


def explanation(explanation: Explanation, style: Style) -> str:
    lines = [f"\\paragraph{{{escaped(explanation.title)}}}"]
    for section in explanation.sections:
        lines += [f"\\paragraph{{{escaped(section.title)}}}", "\\begin{itemize}"]
        lines += [
            f"  \\item {escaped(f'{step.what}: ' if step.what else '')}{escaped(str(step))}" for step in section.steps
        ]
        lines.append("\\end{itemize}")
    return "\n".join(lines) + "\n"


def page(page: Page, style: Style) -> str:
    return "\n".join(map(_sheet, page.sheets))


def _sheet(sheet: Sheet) -> str:
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        *([f"  \\caption{{{escaped(sheet.title)}}}"] if sheet.title else []),
    ]
    lines += [
        f"  \\begin{{tabular}}{{l{''.join('l' if column.left else 'r' for column in sheet.columns[1:])}}}",
        "    \\toprule",
    ]
    lines += [f"    {' & '.join(escaped(column.title) for column in sheet.columns)} \\\\", "    \\midrule"]
    lines += [f"    {' & '.join(map(escaped, row))} \\\\" for row in sheet.texts()]
    lines += ["    \\bottomrule", "  \\end{tabular}", "\\end{table}"]
    # plain LaTeX has no such marks; what they say stands behind them
    notes = [escaped(note.removeprefix("✓ ").removeprefix("✗ ")) + "\\par" for note in sheet.notes]
    return "\n".join([*lines, *notes]) + "\n"


def escaped(text: str) -> str:
    """Text with the characters that TeX takes for its own."""
    return text.translate(ESCAPES)
