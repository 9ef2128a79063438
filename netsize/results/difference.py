"""Two reports, row by row: what is new, gone, larger or smaller. A report is its JSON, saved or just made."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from typing import Any

from netsize.errors import BadCase, BadOption
from netsize.results.display import Shown
from netsize.results.report import QUANTITIES

Layer = dict[str, Any]
SCHEMA = 1
MOST_DIGITS = 30  # of a limit
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
    before, after = difference.before["totals"], difference.after["totals"]
    known = [name for name in before if name in after]
    if match is None or match[1] not in known or len(match[2]) > MOST_DIGITS:
        raise BadOption(f"--fail-if {condition!r}: expected one of {', '.join(known)}, as 'weights > +1%'")
    quantity, limit, relative = match[1], Fraction(match[2]), match[3]
    return bool(after[quantity] - before[quantity] > (limit / 100 * before[quantity] if relative else limit))


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
