"""What `netsize list --counts` shows."""

from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import Style
from netsize.results.listing import NUMBERS, Counted, Listing, as_dict


def page(listing: Listing, style: Style) -> Page:
    """A line for each network."""
    columns = [Column("model", "network"), Column("family", "family", 2, left=True), Column("depth", "depth", 4)]
    columns += [Column(name, name, 3 if name == "parameters" else 9) for name in NUMBERS[:4]]
    columns.append(Column("mark", "", 6, near=True))
    records = tuple(map(_record, listing.networks))
    sheet = Sheet(f"{len(records)} networks", tuple(columns), records, listing.notes)
    return Page((sheet,), sheet, lambda: as_dict(listing))


def _record(counted: Counted) -> Record:
    totals = counted.totals or {}
    record: Record = {"model": counted.model, "family": counted.family, "error": counted.error}
    record["mark"] = "✓" if totals.get("verified") == "passed" else ""
    return record | {name: totals.get(name) for name in NUMBERS}
