"""What `netsize list --counts` shows."""

from netsize import __version__
from netsize.render.sheet import Column, Record, Sheet
from netsize.zoo import Counted

SCHEMA = 1
NUMBERS = ("units", "connections", "weights", "parameters", "depth")


def sheet(found: list[Counted], notes: list[str]) -> Sheet:
    columns = [Column("model", "network"), Column("family", "family", 2, left=True), Column("depth", "depth", 4)]
    columns += [Column(name, name, 3 if name == "parameters" else 9) for name in NUMBERS[:4]]
    columns.append(Column("mark", "", 6, near=True))
    records = tuple(_record(counted) for counted in found)
    data = {"schema": SCHEMA, "netsize": __version__, "networks": [_as_dict(counted) for counted in found]}
    return Sheet(f"{len(found)} networks", tuple(columns), records, data, tuple(notes))


def _record(counted: Counted) -> Record:
    totals = counted.totals or {}
    record: Record = {"model": counted.model, "family": counted.family, "error": counted.error}
    record["mark"] = "✓" if totals.get("verified") == "passed" else ""
    return record | {name: totals.get(name) for name in NUMBERS}


def _as_dict(counted: Counted) -> Record:
    totals = counted.totals or {}
    return {
        "model": counted.model,
        "family": counted.family,
        "input": totals.get("input"),
        **{name: totals.get(name) for name in NUMBERS},
        "verified": totals.get("verified"),
        "complete": totals.get("complete"),
        "error": counted.error,
    }
