"""Two reports, row by row: what is new, gone, larger or smaller. A report is its JSON, saved or just made."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from netsize.errors import BadCase, BadOption
from netsize.results.display import Shown
from netsize.results.report import QUANTITIES
from netsize.results.schema import SCHEMA as OF_REPORTS

Layer = dict[str, Any]
SCHEMA = 1
# What makes two rows the same layer, whatever their names: a layer that moved is not a change.
_SAME = ("kind", "input", "output", "kernel", "stride", "padding", "dilation", "groups", *QUANTITIES)


@dataclass(frozen=True)
class Change:
    """A row of one report, of the other, or of both: empty where it is not."""

    before: Layer
    after: Layer

    @property
    def name(self) -> str:
        layer = self.after or self.before
        path = layer["path"] or f"({layer['type']})"
        return f"{path} #{layer['call'] + 1}" if layer["call"] else str(path)

    @property
    def what(self) -> str:
        if not self.before or not self.after:
            return "gone" if self.before else "new"
        changes = [self.change(quantity) for quantity in QUANTITIES if self.change(quantity)]
        if not changes or min(changes) < 0 < max(changes):
            return "changed"
        return "larger" if changes[0] > 0 else "smaller"

    def change(self, quantity: str) -> int:
        return int(self.after.get(quantity, 0) - self.before.get(quantity, 0))


@dataclass(frozen=True)
class Difference(Shown):
    """All changes, in order of execution, and how many rows are the same."""

    before: Layer
    after: Layer
    changes: tuple[Change, ...]
    same: int


def is_report(word: str) -> bool:
    """Whether it names a saved report, and no model: a config.json describes a network."""
    return word.endswith(".json") and not word.endswith("config.json")


def load(file: Path) -> Layer:
    """A report that was saved as JSON. Raises BadCase."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCase(f"{file} cannot be read: {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadCase(f"{file} is no saved report, or not all of it: {error}") from error
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema is None:
        raise BadCase(f"{file} is no saved report: it has no schema")
    if schema != OF_REPORTS:
        raise BadCase(f"{file} has schema {schema}, this netsize reads {OF_REPORTS}: freeze it again")
    missing = [key for key in ("model", "convention", "layers", "totals") if key not in report]
    if missing:
        raise BadCase(f"{file} is no saved report: it has no {missing[0]!r}")
    layers = [layer for layer in report["layers"] if layer.get("kind") != "operation"]  # those of --all own nothing
    return {**report, "layers": layers}


def compare_reports(before: Layer, after: Layer) -> Difference:
    """Align the rows of both. Raises BadCase if they were counted by different conventions."""
    if before["convention"] != after["convention"]:
        named = [f"{report['model']} by {_convention(report)}" for report in (before, after)]
        raise BadCase(f"these do not compare: {named[0]}, {named[1]}")
    alignments = [_align(before["layers"], after["layers"], key) for key in (_name, _key)]
    changes = min(alignments, key=len)  # layers that kept their names, or layers that moved: what tells less
    changed = sum(1 for change in changes if change.before)
    return Difference(before, after, tuple(changes), len(before["layers"]) - changed)


def _align(old: list[Layer], new: list[Layer], key: Callable[[Layer], str]) -> list[Change]:
    """The changes between two lists of rows, of which those with the same key, in the same order, are paired."""
    matcher = SequenceMatcher(None, [key(row) for row in old], [key(row) for row in new], autojunk=False)
    changes: list[Change] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            changes += [Change(a, b) for a, b in zip(old[i:j], new[k:m]) if _key(a) != _key(b)]
        else:
            changes += _pair(old[i:j], new[k:m])
    return changes


def _pair(old: list[Layer], new: list[Layer]) -> list[Change]:
    """Rows without a partner: those of one name belong together all the same, the others are gone or new."""
    names = {_name(row): row for row in old}
    paired = [Change(names.pop(_name(row), {}), row) for row in new]
    return [*(Change(row, {}) for row in old if _name(row) in names), *paired]


def _name(row: Layer) -> str:
    return f"{row['path']} {row['call']}"


def _key(row: Layer) -> str:
    return json.dumps([row.get(name) for name in _SAME])


def _convention(report: Layer) -> str:
    return ", ".join(f"{key} {'yes' if value else 'no'}" for key, value in report["convention"].items())


def exceeded(difference: Difference, condition: str) -> bool:
    """Whether a total changed by more than `weights > +1%` or `connections > +1000000` says. Raises BadOption."""
    match = re.fullmatch(r"\s*(\w+)\s*>\s*\+?(\d+(?:\.\d+)?)\s*(%?)\s*", condition)
    totals = difference.before["totals"]
    if match is None or match[1] not in totals:
        raise BadOption(f"--fail-if {condition!r}: expected one of {', '.join(totals)}, as 'weights > +1%'")
    quantity, limit, relative = match[1], float(match[2]), match[3]
    change = difference.after["totals"][quantity] - totals[quantity]
    return bool(change > (limit / 100 * totals[quantity] if relative else limit))


def as_dict(difference: Difference) -> dict[str, Any]:
    """Schema 1."""
    before, after = difference.before["totals"], difference.after["totals"]
    return {
        "schema": SCHEMA,
        "before": difference.before["model"],
        "after": difference.after["model"],
        "rows": [
            {
                "layer": change.name,
                "what": change.what,
                **{
                    name: _amounts(change.before.get(name), change.after.get(name), change.change(name))
                    for name in QUANTITIES
                },
            }
            for change in difference.changes
        ],
        "same": difference.same,
        "totals": {
            name: _amounts(before[name], after[name], after[name] - before[name]) for name in before if name in after
        },
    }


def _amounts(before: Any, after: Any, change: Any) -> dict[str, Any]:
    return {"before": before, "after": after, "change": change}
