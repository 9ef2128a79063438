"""What `netsize sizes.json` shows: a report as it was saved."""

from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import Style
from netsize.results import words
from netsize.results.report import QUANTITIES
from netsize.results.saved import SavedReport


def page(saved: SavedReport, style: Style) -> Page:
    """A line for each row, the totals, and what else was saved of the whole."""
    report = saved.report
    columns = [Column("layer", "layer"), Column("kind", "kind", 2, left=True), Column("output", "output", 4, left=True)]
    for quantity in QUANTITIES:
        columns += [Column(quantity, quantity), Column(f"{quantity}_share", "", 3, words.percent, near=True)]
    totals = report["totals"]
    records: list[Record] = []
    for row in report["layers"]:
        name = row["path"] or f"({row['type']})"
        record: Record = {"layer": f"{name} #{row['call'] + 1}" if row["call"] else name, "kind": row["kind"]}
        record["output"] = "x".join(map(str, row.get("output", [])[1:]))
        for quantity in QUANTITIES:
            record[quantity] = row[quantity]
            record[f"{quantity}_share"] = row[quantity] / totals[quantity] if totals[quantity] else None
        records.append(record)
    records.append({"layer": "total"} | {quantity: totals[quantity] for quantity in QUANTITIES})
    inputs = " and ".join("x".join(map(str, shape[1:])) for shape in report.get("input", []))
    counted = [name for name in ("bias", "pooling", "padding") if report["convention"][name]]
    status = report.get("verification", {}).get("status", "skipped")
    sheet = Sheet(
        f"{report['model']} \u00b7 saved in {saved.file} \u00b7 input {inputs}",
        tuple(columns),
        tuple(records),
        (
            f"{totals['parameters']:,} parameters",
            f"connections to these are counted: {', '.join(counted) or 'none'}",
            f"verification, when it was saved: {status}",
        ),
    )
    return Page((sheet,), sheet, lambda: saved.content)
