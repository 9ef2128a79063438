"""LaTeX: a booktabs table for a homework answer, with the layers by their names in the homework."""

from netsize.render import words
from netsize.render.extras import extras
from netsize.render.style import Style, chosen_rows
from netsize.report import QUANTITIES, Report, Row

ESCAPES = str.maketrans({"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
                         "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "·": r"$\cdot$", "<": r"$<$",
                         ">": r"$>$"})  # fmt: skip


def render(report: Report, style: Style) -> str:
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


def escaped(text: str) -> str:
    """Text with the characters that TeX takes for its own."""
    return text.translate(ESCAPES)
