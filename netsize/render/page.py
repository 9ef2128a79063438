"""What is laid out before it is shown in any format: sheets, which are tables of records, and a page of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netsize.render.figures import Figure

GAP = 2
Record = dict[str, Any]


def plainly(value: Any) -> str:
    """1,000 for a number, nothing for what is not there."""
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


@dataclass(frozen=True)
class Column:
    """`needed`: how much; columns that are needed less go first where a terminal is narrow. `key`: in records."""

    key: str
    title: str
    needed: int = 9
    text: Callable[[Any], str] = plainly
    near: bool = False  # stands close to the one before
    left: bool = False

    @property
    def gap(self) -> int:
        return 1 if self.near else GAP


@dataclass(frozen=True)
class Sheet:
    """The first column names the record. A record with an "error" shows that instead of its numbers. `marks` are
    (record, key) pairs of the largest. `plot` stands in a terminal only."""

    title: str
    columns: tuple[Column, ...]
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()
    marks: frozenset[tuple[int, str]] = frozenset()
    plot: Callable[[int], str] | None = field(default=None, compare=False)

    def cell(self, index: int, column: Column) -> str:
        """The text of one record's value."""
        value = self.records[index].get(column.key)
        return column.text(value) if value is not None else ""

    def texts(self) -> list[list[str]]:
        """All cells; what could not be counted has its reason in the second column."""
        rows = []
        for index, record in enumerate(self.records):
            cells = [self.cell(index, column) for column in self.columns]
            rows.append([cells[0], str(record["error"]), *[""] * (len(cells) - 2)] if record.get("error") else cells)
        return rows


@dataclass(frozen=True)
class Page:
    """`sheets` for people, one below the other; `records` for programs that read tables; `data` for JSON; `figures` for
    formats that have pictures."""

    sheets: tuple[Sheet, ...]
    records: Sheet
    data: Callable[[], Record]
    figures: Callable[[], "tuple[Figure, ...]"] = tuple
