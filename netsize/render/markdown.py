"""Markdown: a table whose columns line up in the source, too."""

import re

from netsize.render.extras import extras
from netsize.render.page import Page, Sheet
from netsize.render.style import Style, chosen_rows
from netsize.results import words
from netsize.results.explanation import Explanation
from netsize.results.report import QUANTITIES, Report

LEFT = 4  # columns of text before those of numbers
# what would be markup: an underscore is none inside of a word, < none before a space, brackets none without a target
_MARKUP = re.compile(
    r"[\\`|*]|\](?=[(\[:])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|<(?=[A-Za-z/!?])|&(?=[A-Za-z#])|~~|://|www\."
)


def escaped(text: str) -> str:
    """A text as itself, whatever is in it."""
    return _MARKUP.sub(lambda found: "".join(f"\\{sign}" if not sign.isalpha() else sign for sign in found[0]), text)


def report(report: Report, style: Style) -> str:
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
    lines = [titles, *([escaped(cell) for cell in row] for row in rows), totals]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    rule = ["-" * width if i < LEFT else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    table = [_line(line, widths) for line in (lines[0], rule, *lines[1:])]
    answers = [
        f"- {title}: {escaped(name)}, {share} ({escaped(holds)})" for title, name, share, holds in words.bulk(report)
    ]
    below = [
        f"{words.parameters(report)}.",
        f"{words.work(report)}.",
        *map(escaped, words.asked(report)),
        *map(escaped, words.notes(report)),
        f"{escaped(words.verification(report))}.",
    ]
    title = escaped(" · ".join(words.header(report)))
    return "\n".join([f"**{title}**", "", *table, "", *answers, "", "\n\n".join(below)]) + "\n"


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [
        cell.ljust(width) if i < LEFT else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths))
    ]
    return f"| {' | '.join(padded)} |"


def explanation(explanation: Explanation, style: Style) -> str:
    lines = [f"**{escaped(explanation.title)}**"]
    for section in explanation.sections:
        lines += ["", f"**{escaped(section.title)}**", ""]
        for step in section.steps:
            code = f"`{str(step).replace('`', chr(39))}`" if step.formula or step.numbers else escaped(str(step))
            lines.append(f"- {escaped(step.what)}: {code}" if step.what else f"- {code}")
    return "\n".join(lines) + "\n"


def page(page: Page, style: Style) -> str:
    return "\n".join(map(_sheet, page.sheets))


def _sheet(sheet: Sheet) -> str:
    rows = [[column.title for column in sheet.columns], *sheet.texts()]
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(sheet.columns))]
    lefts = [index == 0 or column.left for index, column in enumerate(sheet.columns)]
    rule = ["-" * width if left else "-" * (width - 1) + ":" for left, width in zip(lefts, widths)]
    lines = [
        "| " + " | ".join(c.ljust(w) if left else c.rjust(w) for left, c, w in zip(lefts, row, widths)) + " |"
        for row in (rows[0], rule, *rows[1:])
    ]
    title = [f"**{escaped(sheet.title)}**", ""] if sheet.title else []
    return "\n".join([*title, *lines, "", *(f"- {escaped(note)}" for note in sheet.notes)]) + "\n"
