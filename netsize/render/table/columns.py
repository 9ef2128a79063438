"""The table's columns: what stands in them, and which of them fit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from netsize.render.extras import extras
from netsize.render.page import GAP
from netsize.results import words
from netsize.results.report import QUANTITIES, Report, Row
from netsize.results.rollup import OTHERS

SHORTEST_NAME = 12
LONGEST_NAME = 24  # before other columns go
OPERATION = 26  # letters of an operation in a narrow table
EIGHTHS = " ▏▎▍▌▋▊▉"
MARK = "◀"  # behind the largest share


# Bar widths and columns, the widest table first: what is needed least goes first. What a layer is stays longest, and
# where whole numbers do not fit, rough ones stand in their place: nothing is ever broken inside of a number.
_CHOICES: tuple[tuple[int, *tuple[str, ...]], ...] = (
    (8, "operation", "output", "share"),
    (6, "operation", "output", "share"),
    (4, "operation", "output", "share"),
    (4, "operation", "share"),
    (0, "operation", "share"),
    (3, "operation"),
    (2, "operation"),
    (0, "operation"),
    (0, "share"),
    (0,),
    (0, "rough"),
)


_CHOICES_OF_ALL: tuple[tuple[int, *tuple[str, ...]], ...] = (  # what an operation is matters more than shares
    (8, "operation", "output", "share"),
    (4, "operation", "output", "share"),
    (0, "operation", "output", "share"),
    (0, "operation", "output"),
    (0, "operation"),
    (0,),
)


@dataclass(frozen=True)
class Cell:
    text: str
    largest: bool = False


@dataclass(frozen=True)
class Column:
    """`cells` are those of the rows, `foot` belongs to the total; `near` columns stand close to the one before."""

    name: str
    title: str
    cells: list[Cell]
    foot: str = ""
    right: bool = False
    near: bool = False

    @cached_property
    def width(self) -> int:
        return max(len(text) for text in (self.title, self.foot, *(cell.text for cell in self.cells)))

    @property
    def room(self) -> int:
        return self.width + (1 if self.near else GAP)


def fitting(report: Report, rows: tuple[Row, ...], width: int | None) -> list[Column]:
    """As many columns as fit; numbers are never cut, long names are."""
    choices = _CHOICES_OF_ALL if report.options.everything else _CHOICES
    for bar, *wanted in choices:
        columns = [
            _name(rows),
            *_texts(rows, wanted),
            *_numbers(report, rows, bar, "share" in wanted, "rough" in wanted),
        ]
        columns += [
            Column(e.key, e.title, [Cell(e.text(row)) for row in rows], e.foot, right=True) for e in extras(report)
        ]
        fixed = sum(column.room for column in columns[1:]) + GAP
        longest = LONGEST_NAME if wanted else SHORTEST_NAME  # names give way before numbers do
        if width is None or fixed + min(columns[0].width, longest) <= width:
            break
    name = columns[0]
    if width is not None and fixed + name.width > width:
        longest = max(SHORTEST_NAME, width - fixed)
        columns[0] = Column("name", name.title, [Cell(shortened(cell.text, longest)) for cell in name.cells], name.foot)
    return columns


def _name(rows: tuple[Row, ...]) -> Column:
    cells = [Cell(("✗ " if row.verified == "failed" else "") + row.name) for row in rows]
    return Column("name", "layer", cells, "total")


def _texts(rows: tuple[Row, ...], wanted: list[str]) -> list[Column]:
    texts: dict[str, Callable[[Row], str]] = {
        "operation": lambda row: cut(row.operation, OPERATION if "output" not in wanted else None),
        "output": lambda row: words.without_batch(row.output),
    }
    return [Column(name, name, [Cell(text(row)) for row in rows]) for name, text in texts.items() if name in wanted]


def cut(text: str, longest: int | None) -> str:
    """The beginning of an operation says what it is."""
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def hidden(report: Report, columns: list[Column]) -> list[str]:
    """What a wider table would say, too."""
    shown = {column.name for column in columns}
    wanted = {"operation": "operations", "output": "outputs", "share": "shares", "bar": "bars"}
    if report.options.everything:
        wanted.pop("bar")
    gone = [title for name, title in wanted.items() if name not in shown]
    return [*gone, *(["exact numbers"] if "rough" in shown else [])]


def _numbers(report: Report, rows: tuple[Row, ...], bar: int, shares: bool, roughly: bool) -> list[Column]:
    """For each quantity its numbers, with their shares of the total and bars that are as long as the share is
    to the largest one. The first of the largest rows is marked, but none that stands for all the others."""
    columns = []
    told: Callable[[int], str] = words.rough if roughly else "{:,}".format
    for quantity in QUANTITIES:
        values = [getattr(row, quantity) for row in rows]
        of_rows = [value if row.type != OTHERS else -1 for row, value in zip(rows, values)]
        most = max(values, default=0)
        largest = max(of_rows, default=0)
        parts = [report.share(value, quantity) for value in values]
        first = of_rows.index(largest) if largest > 0 else None
        marks = [MARK if i == first else "" for i in range(len(values))]
        bare = not bar and not shares
        texts = [
            (told(value) if row.layers else "") + (m or " " if bare else "")
            for row, value, m in zip(rows, values, marks)
        ]
        numbers = [Cell(text, bool(mark)) for text, mark in zip(texts, marks)]
        foot = told(getattr(report.totals, quantity)) + (" " if bare else "")
        name, title = ("rough", quantity[:7]) if roughly else (quantity, quantity)
        columns.append(Column(name, title, numbers, foot, right=True))
        if shares:
            shown = [
                (words.percent(share) if share else "") + (m or " " if not bar else "")
                for share, m in zip(parts, marks)
            ]
            percents = [Cell(text, bool(m)) for text, m in zip(shown, marks)]
            columns.append(Column("share", "", percents, right=True, near=True))
        if bar:
            bars = [Cell(drawn(value / (most or 1), bar) + m, bool(m)) for value, m in zip(values, marks)]
            columns.append(Column("bar", "", bars, near=True))
    return columns


def drawn(share: float, width: int) -> str:
    """A bar of eighths of a character; what is not nothing is never drawn as nothing."""
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def shortened(name: str, longest: int) -> str:
    """The end of a path says which layer it is."""
    return name if len(name) <= longest else "…" + name[len(name) - longest + 1 :]
