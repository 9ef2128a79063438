"""What a change does to the cases of `netsize check`, as Markdown for a pull request."""

from collections.abc import Mapping, Sequence
from typing import Any

from netsize.checks.outcomes import Result, named
from netsize.render import render
from netsize.render.checks import MARKS, closing, explained
from netsize.render.markdown import escaped
from netsize.render.printable import shown
from netsize.render.style import Style
from netsize.results.difference import compare_reports
from netsize.results.schema import as_dict

MEASURES = ("units", "connections", "weights", "parameters")
Saved = dict[str, Any]


def summary(results: Sequence[Result], before: Mapping[str, Saved], no_base: str = "") -> str:
    """`before`: the reports of the base, by the same names; `no_base`: why there are none."""
    after = {name: as_dict(result.report) for name, result in named(results).items() if result.report is not None}
    changed = {name: _growth(before[name], after[name]) for name in after if name in before}
    grown = sorted((name for name in changed if any(changed[name])), key=lambda name: -max(map(abs, changed[name])))
    new = [name for name in after if name not in before and not no_base]
    same = len(changed) - len(grown)
    lines = ["### Network sizes", "", *_failures(results)]
    if grown or new:
        lines += ["| network | " + " | ".join(MEASURES) + " |", "| --- |" + " ---: |" * len(MEASURES)]
        lines += [_row(name, before[name], after[name]) for name in grown]
        lines += [_row(f"{name} (new)", after[name], after[name]) for name in new]
        lines += [""]
    if no_base:
        lines += [f"Compared with no base: {escaped(no_base)}", ""]
    elif changed:
        lines += [f"{same} of {len(changed)} networks {'has' if same == 1 else 'have'} the totals of before", ""]
    for name in grown:
        lines += _layers(name, before[name], after[name])
    return "\n".join(lines)


def _failures(results: Sequence[Result]) -> list[str]:
    lines = [f"{MARKS[max((result.status for result in results), default=0)]} {closing(results)}", ""]
    for result in shown(results):
        messages = [result.error] if result.error else [" ".join(explained(o)) for o in result.outcomes if not o.passed]
        lines += [f"- **{escaped(result.case.name)}**: {escaped(message)}" for message in messages]
    return [*lines, ""] if len(lines) > 2 else lines


def _growth(before: Saved, after: Saved) -> list[float]:
    """Of each measure, relative to what it was."""
    pairs = [(before["totals"][measure], after["totals"][measure]) for measure in MEASURES]
    return [(new - old) / old if old else float(new != old) for old, new in pairs]


def _row(name: str, before: Saved, after: Saved) -> str:
    """Each total, and how much more it is: what would be 0.0 %, as a number."""
    cells = []
    for measure, share in zip(MEASURES, _growth(before, after)):
        new = after["totals"][measure]
        told = f"{share:+.1%}" if abs(share) >= 0.0005 else f"{new - before['totals'][measure]:+,}"
        cells.append(f"{new:,} ({told})" if share else f"{new:,}")
    return f"| {escaped(name)} | " + " | ".join(cells) + " |"


def _layers(name: str, before: Saved, after: Saved) -> list[str]:
    """Folded: GitHub opens it where somebody asks."""
    if before["convention"] != after["convention"]:
        return []
    table = render(compare_reports(before, after), "markdown", Style())
    return [f"<details><summary>{escaped(name)}: layer by layer</summary>", "", table.rstrip(), "", "</details>", ""]
