"""A report as a table, in a terminal or a notebook: the only format that knows rich, and for colours only."""

import io
import textwrap
from typing import Any

from netsize.render.page import GAP
from netsize.render.style import MOST_ROWS, Style, chosen_rows
from netsize.render.table.columns import Column, fitting, hidden
from netsize.results import words
from netsize.results.report import Report, Row

BAR = "cyan"  # on black and on white; red is what is wrong
WARNING = "magenta"


class Text:
    """A line in pieces, each with a style of rich's; rich itself is imported for colours only."""

    def __init__(self, text: str = "", style: str = "") -> None:
        self.pieces = [(text, style)] if text else []

    def append(self, text: str, style: str = "") -> "Text":
        self.pieces.append((text, style))
        return self

    @property
    def plain(self) -> str:
        return "".join(text for text, _ in self.pieces)


def text(report: Report, style: Style) -> str:
    """At most `style.width` columns wide, with ANSI colours if it says so."""
    lines = _lines(report, style)
    plain = "\n".join(line.plain.rstrip() for line in lines) if not style.color else _coloured(lines)
    return plain + "\n"


def _coloured(lines: list[Text]) -> str:
    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=1000)
    with console.capture() as capture:
        console.print(_group(lines), soft_wrap=True)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _group(lines: list[Text]) -> Any:
    """As rich has it."""
    from rich.console import Group
    from rich.text import Text as RichText

    return Group(*(RichText.assemble(*line.pieces) for line in lines))


def renderables(report: Report, width: int) -> list[Any]:
    """For rich's own consoles."""
    return [_group(_lines(report, Style(width=width)))]


def coloured_html(report: Report, width: int) -> str:
    """The same table as HTML, with its colours. Inside of a notebook rich would show it by itself, too."""
    from rich.console import Console

    console = Console(file=io.StringIO(), record=True, width=1000, force_jupyter=False)
    console.print(_group(_lines(report, Style(width=width))), soft_wrap=True)
    return console.export_html(inline_styles=True, code_format="{code}")


def _lines(report: Report, style: Style) -> list[Text]:
    rows = chosen_rows(report, style, MOST_ROWS)
    lines = [Text(), *_header(report, style), Text(), *_table(report, rows, style), Text()]
    lines += [*_bulk(report, style), Text(), *_footer(report, rows, style), Text()]
    return lines


def _header(report: Report, style: Style) -> list[Text]:
    """Pieces with dots between them, on as many lines as they need."""
    lines: list[str] = []
    order = [f"sorted by {style.sort}"] if style.sort else []
    for piece in [*words.header(report), *order]:
        if lines and (style.width is None or len(lines[-1]) + len(piece) + 5 <= style.width):
            lines[-1] += f" · {piece}"
        else:
            lines.append(f"  {piece}")
    return [Text(lines[0], style="bold"), *map(Text, lines[1:])]


def _table(report: Report, rows: tuple[Row, ...], style: Style) -> list[Text]:
    columns = fitting(report, rows, style.width)
    lines = [_line(columns, [column.title for column in columns], ["dim"] * len(columns))]
    for i, row in enumerate(rows):
        cells = [column.cells[i] for column in columns]
        styles = [_style(column.name, cell.largest) for column, cell in zip(columns, cells)]
        lines.append(_line(columns, [cell.text for cell in cells], styles))
        for problem in row.problems:
            lines += _prose(f"✗ {problem}", style, "red", indent=4)
    return [*lines, _line(columns, [column.foot for column in columns], ["bold"] * len(columns))]


def _line(columns: list[Column], texts: list[str], styles: list[str]) -> Text:
    line = Text()
    for column, text, style in zip(columns, texts, styles):
        padded = text.rjust(column.width) if column.right else text.ljust(column.width)
        line.append(" " * (column.room - column.width)).append(padded, style)
    return line


def _style(column: str, largest: bool) -> str:
    return " ".join(["bold"] * largest + [BAR] * (column == "bar"))


def _bulk(report: Report, style: Style) -> list[Text]:
    found = words.bulk(report)
    widths = [max((len(line[i]) for line in found), default=0) for i in range(3)]
    lines = []
    for title, name, share, holds in found:
        start = f"  {title.ljust(widths[0])}  {name.ljust(widths[1])}  {share.rjust(widths[2])}"
        whole = f"{start}  {holds}"
        if style.width is None or len(whole) <= style.width:
            lines.append(Text(whole))
        else:
            lines += [*_prose(f"{title}  {name}  {share}", style), *_prose(holds, style, indent=GAP + 2)]
    return lines


def _footer(report: Report, rows: tuple[Row, ...], style: Style) -> list[Text]:
    lines = [*_prose(words.parameters(report), style), *_prose(words.work(report), style)]
    gone = hidden(report, fitting(report, rows, style.width))
    if gone:
        lines += _prose(f"not shown at this width: {', '.join(gone)}", style, "dim")
    for line in words.asked(report):
        lines += _prose(line, style)
    for note in words.notes(report):
        lines += _prose(note, style, WARNING)
    if len(rows) < len(report.rows) and style.top is None:
        deepest = max(row.path.count(".") + 1 for row in report.rows)
        lines += _prose(f"{len(report.rows)} layers in {len(rows)} rows; --depth {deepest} shows them all", style)
    status = report.verification.status
    mark, colour = {"passed": ("✓ ", "green"), "failed": ("✗ ", "bold red"), "skipped": ("", WARNING)}[status]
    if not report.verification.layers and report.totals.parameters and status == "passed":
        mark, colour = "", ""
    lines += _prose(mark + words.verification(report), style, colour)
    inside = {problem for row in rows for problem in words.problems(row)}
    for problem in report.verification.problems:
        if problem not in inside:
            lines += _prose(f"✗ {problem}", style, "red")
    return lines


def _prose(text: str, style: Style, colour: str = "", indent: int = GAP) -> list[Text]:
    """Words, broken between them where the line ends."""
    margin = " " * indent
    if style.width is None:
        return [Text(margin + text, colour)]
    width = max(style.width, 20)
    lines = textwrap.wrap(text, width, initial_indent=margin, subsequent_indent=margin + "  ",
                          break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return [Text(line, colour) for line in lines]
