"""How a report is to be shown, decided once by whoever shows it."""

from dataclasses import dataclass

from netsize.results.report import Report, Row
from netsize.results.rollup import depth_that_fits, fold, keep_largest, roll_up, sort

MOST_ROWS = 60  # that a reader looks through
ASCII = str.maketrans({"✓": "*", "✗": "!", "·": "|", "…": "~", "◀": "<", "█": "#", "▉": "#", "▊": "#", "▋": "#",
                       "▌": "=", "▍": "=", "▎": "-", "▏": "-", "■": "#", "□": "o", "×": "x"})  # fmt: skip


@dataclass(frozen=True)
class Style:
    """`width`: columns of the terminal, None for as many as it takes. `depth`, `top`, `sort`: which rows."""

    width: int | None = None
    color: bool = False
    unicode: bool = True
    depth: int | None = None
    top: int | None = None
    sort: str | None = None


def chosen_rows(report: Report, style: Style, most: int | None = None) -> tuple[Row, ...]:
    """The rows to show; they always add up to the total. `most`: of what has more rows than that, modules that are
    repeated are folded; or, if that does not suffice, all are rolled up."""
    rows, depth = report.rows, style.depth
    if depth is None and style.top is None and most is not None and not report.options.everything and len(rows) > most:
        folded = fold(rows)
        rows, depth = (folded, None) if len(folded) <= most else (rows, depth_that_fits(rows, most))
    if depth is not None:
        rows = roll_up(rows, depth)
    if style.top is not None:
        return keep_largest(rows, style.top, style.sort or "connections")
    return sort(rows, style.sort) if style.sort else rows


def to_ascii(text: str) -> str:
    """For terminals that have no other characters."""
    return text.translate(ASCII)
