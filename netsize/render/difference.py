"""What `netsize diff` shows: the rows that are not the same, and the totals."""

from netsize.render.figures import Figure, Quantity, Tree
from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import Style
from netsize.results.difference import Change, Difference, Layer, as_dict
from netsize.results.report import QUANTITIES
from netsize.results.tree import Leaf, tree

MARKS = {"new": "+", "gone": "-", "larger": ">", "smaller": "<", "changed": "~"}


def page(difference: Difference, style: Style) -> Page:
    """A line for each change, and the totals; relative changes give way before names do, numbers never."""
    sheet = _sheet(difference)
    return Page((sheet,), sheet, lambda: as_dict(difference), lambda: _figures(difference))


def _sheet(difference: Difference) -> Sheet:
    title = f"{difference.before['model']} -> {difference.after['model']}"
    if not difference.changes:
        return Sheet(title, (Column("layer", "layer"),), (), (f"{_same(difference)}; nothing has changed",))
    columns = [Column("layer", "layer")]
    for quantity in QUANTITIES:
        columns += [
            Column(quantity, quantity, text=lambda change: f"{change:+,}" if change else "="),
            Column(f"{quantity}_share", "", 3, lambda share: f"{share:+.1%}", near=True),
        ]
    records = [_record(MARKS[change.what], change.name, change.before, change.after) for change in difference.changes]
    before, after = difference.before["totals"], difference.after["totals"]
    in_all = ", ".join(_relative(before[quantity], after[quantity], quantity) for quantity in QUANTITIES)
    return Sheet(
        title,
        tuple(columns),
        (*records, _record(" ", "total", before, after)),
        (f"in all: {in_all}", _same(difference)),
    )


def _record(mark: str, name: str, before: Layer, after: Layer) -> Record:
    record: Record = {"layer": f"{mark} {name}"}
    for quantity in QUANTITIES:
        old, new = before.get(quantity), after.get(quantity)
        change = (new or 0) - (old or 0)
        record[quantity] = change
        record[f"{quantity}_share"] = change / old if change and old and new is not None else None
    return record


def _relative(before: int, after: int, quantity: str) -> str:
    return f"{quantity} {(after - before) / before:+.1%}" if before else f"{quantity} {after - before:+,}"


def _same(difference: Difference) -> str:
    if difference.same < 2:
        return "1 row is the same" if difference.same else "no row is the same"
    return f"{difference.same} rows are the same"


def _figures(difference: Difference) -> tuple[Figure, ...]:
    """The modules of both, by how much each layer changed, and by what it has in either."""
    olds, news = (
        {f"{row['path']} {row['call']}": row for row in report["layers"]}
        for report in (difference.before, difference.after)
    )
    rows = {**olds, **news}
    changed = {_key(change): change for change in difference.changes}
    leaves = []
    for key, row in rows.items():
        change = changed.get(key)
        old, new = olds.get(key, {}), news.get(key, {})
        values = [abs(change.change(quantity)) if change else 0 for quantity in QUANTITIES]
        values += [side.get(quantity, 0) for side in (old, new) for quantity in QUANTITIES]
        name = row["path"] or f"({row['type']})"
        leaves.append(Leaf(row["path"], name, change.what if change else "same", tuple(values), call=row["call"]))
    sums = [sum(leaf.values[index] for leaf in leaves) for index in range(3 * len(QUANTITIES))]
    titles = [f"{quantity}: change" for quantity in QUANTITIES]
    titles += [f"{quantity} {side}" for side in ("before", "after") for quantity in QUANTITIES]
    quantities = tuple(Quantity(title, title, total) for title, total in zip(titles, sums))
    kinds = {kind: kind for kind in dict.fromkeys(leaf.kind for leaf in leaves)}
    return (Tree(quantities, tree(leaves, str(difference.after["model"])), kinds),) if leaves else ()


def _key(change: Change) -> str:
    row = change.after or change.before
    return f"{row['path']} {row['call']}"
