"""Markdown: a table whose columns line up in the source, too."""

from netsize.render import words
from netsize.render.extras import extras
from netsize.render.style import Style, chosen_rows
from netsize.report import QUANTITIES, Report

LEFT = 4  # columns of text before those of numbers


def render(report: Report, style: Style) -> str:
    """Header, table, and the answers below it."""
    rows = [
        [row.name, row.label, row.operation, words.without_batch(row.output)]
        + [f"{getattr(row, quantity):,}" for quantity in QUANTITIES]
        + [extra.text(row) for extra in extras(report)]
        for row in chosen_rows(report, style)
    ]
    totals = ["**total**", "", "", "", *(f"{getattr(report.totals, quantity):,}" for quantity in QUANTITIES)]
    totals += [extra.foot for extra in extras(report)]
    titles = ["layer", "name", "operation", "output", *QUANTITIES, *(extra.title for extra in extras(report))]
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (titles, *rows, totals)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    rule = ["-" * width if i < LEFT else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    table = [_line(line, widths) for line in (lines[0], rule, *lines[1:])]
    answers = [f"- {title}: {name}, {share} ({holds})" for title, name, share, holds in words.bulk(report)]
    below = [
        f"{words.parameters(report)}.",
        *words.asked(report),
        *words.notes(report),
        f"{words.verification(report)}.",
    ]
    title = " · ".join(words.header(report))
    return "\n".join([f"**{title}**", "", *table, "", *answers, "", "\n\n".join(below)]) + "\n"


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [
        cell.ljust(width) if i < LEFT else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths))
    ]
    return f"| {' | '.join(padded)} |"
