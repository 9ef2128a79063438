"""Several networks side by side: a line for each, ratios to the first, and who is larger by every measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netsize.errors import BadOption, NetsizeError, one_line
from netsize.results import words
from netsize.results.difference import is_report
from netsize.results.display import Shown
from netsize.results.report import Report
from netsize.version import __version__

MEASURES = ("units", "connections", "weights", "parameters")
SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One network's numbers, or why there are none. `verified`: passed, failed or skipped. `parts`: for each
    quantity the part that holds most of it, with its share. `field`: 195, all, or None if it is not known."""

    name: str
    totals: dict[str, int] | None = None
    depth: int | None = None
    field: Any = None
    parts: dict[str, tuple[str, float]] | None = None
    input: Any = None
    verified: str = "skipped"
    error: str | None = None


@dataclass(frozen=True)
class Comparison(Shown):
    """Print it, or read its entries."""

    entries: tuple[Entry, ...]

    @property
    def counted(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.totals is not None)

    def ratio(self, entry: Entry, measure: str) -> float | None:
        """To the first network; None if that has none of it."""
        first = self.counted[0].totals if self.counted else None
        if not first or entry.totals is None or not first[measure]:
            return None
        return entry.totals[measure] / first[measure]


def compare_models(names: Sequence[str], count: Callable[[str], Report]) -> Comparison:
    """Count each model, or read its saved report. What cannot be counted is an entry that says why."""
    return Comparison(tuple(_entry(name, count) for name in names))


def _entry(name: str, count: Callable[[str], Report]) -> Entry:
    try:
        if is_report(name):
            return _saved(name)
        return of_report(name, count(name))
    except NetsizeError as error:
        return Entry(name, error=one_line(error))


def of_report(name: str, report: Report) -> Entry:
    totals = {measure: int(getattr(report.totals, measure)) for measure in MEASURES}
    parts = {}
    for quantity in MEASURES[:3]:
        sums = report.by_part(quantity)
        part, amount = next(iter(sums.items()), ("", 0))
        parts[quantity] = (part or f"({report.source.title})", report.share(amount, quantity))
    problems = report.verification.problems
    return Entry(
        name,
        totals,
        report.depth,
        str(report.field) if report.field else None,
        parts,
        [list(shape) for shape in report.input],
        report.verification.status,
        f"verification failed: {problems[0]}" if problems else None,
    )


def _saved(name: str) -> Entry:
    from netsize.results.saved import load  # its library takes as long as reading a remembered answer

    report = load(Path(name))
    convention = report["convention"]
    if convention != {"bias": False, "pooling": False, "padding": True}:
        raise BadOption(f"{name} was counted by another convention: {convention}")
    shares = report["bulk"]["parts"]
    parts = {}
    for quantity in MEASURES[:3]:
        held = {part: share.get(quantity, 0.0) for part, share in shares.items()}
        part = max(held, key=lambda key: held[key], default="")
        parts[quantity] = (part or f"({report['model']})", held.get(part, 0.0))
    field = report["receptive_field"]
    if isinstance(field, dict):
        field = "x".join(str(size) for size in dict.fromkeys(field["size"]))
    totals = {measure: int(report["totals"][measure]) for measure in MEASURES}
    return Entry(name, totals, report["depth"], field, parts, report["input"], report["verification"]["status"])


def verdicts(comparison: Comparison) -> list[str]:
    """Who is the largest and the smallest by every measure, and who is larger or smaller than the first."""
    counted = comparison.counted
    if len(counted) < 2:
        return []
    found = []
    for word, holds in (("largest", lambda a, b: a > b), ("smallest", lambda a, b: a < b)):
        for entry in counted:
            others = [other for other in counted if other is not entry]
            if all(_by_every_measure(entry, other, holds) for other in others):
                among = " of those that were counted" if len(counted) < len(comparison.entries) else ""
                found.append(f"{entry.name} is the {word}{among} by every measure: {', '.join(MEASURES)}")
    first, rest = counted[0], counted[1:]
    for word, holds in (("larger", lambda a, b: a > b), ("smaller", lambda a, b: a < b)):
        names = [entry.name for entry in rest if _by_every_measure(entry, first, holds)]
        if names and len(rest) > 1:
            is_are = "is" if len(names) == 1 else "are"
            found.append(f"{_and(names)} {is_are} {word} than {first.name} by every measure")
    return found


def _by_every_measure(a: Entry, b: Entry, holds: Callable[[int, int], bool]) -> bool:
    assert a.totals is not None and b.totals is not None
    return all(holds(a.totals[measure], b.totals[measure]) for measure in MEASURES)


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Schema 1. Numbers are null where a network could not be counted."""
    return {
        "schema": SCHEMA,
        "netsize": __version__,
        "networks": [
            {
                "model": entry.name,
                "input": entry.input,
                "depth": entry.depth,
                **{measure: entry.totals[measure] if entry.totals else None for measure in MEASURES},
                "receptive_field": entry.field,
                "ratios": {measure: comparison.ratio(entry, measure) for measure in MEASURES},
                "bulk": {q: {"part": part, "share": share} for q, (part, share) in (entry.parts or {}).items()},
                "verified": entry.verified,
                "error": entry.error,
            }
            for entry in comparison.entries
        ],
        "verdicts": verdicts(comparison),
    }


def shown_part(part: tuple[str, float]) -> str:
    return f"{part[0]} {words.percent(part[1])}"
