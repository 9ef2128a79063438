"""Known counts and budgets against what is counted: each case of `netsize check`, run."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count as count_from
from pathlib import Path

from netsize import errors
from netsize.checks.cases import Case, Expected
from netsize.errors import BadCase, NetsizeError, did_you_mean, one_line
from netsize.results.count import count as count_network
from netsize.results.difference import compare_reports
from netsize.results.report import Convention, Report
from netsize.results.saved import load
from netsize.results.schema import as_dict
from netsize.run.answer import ask, question
from netsize.sources.recognition import FILES, parts_of


@dataclass(frozen=True)
class Outcome:
    """One comparison."""

    where: str  # layer or module, "" for the network
    quantity: str
    expected: str
    counted: float
    difference: float
    passed: bool
    source: str = ""
    line: int | None = None  # of the case's file


@dataclass(frozen=True)
class Result:
    """A case that was run: all its comparisons, or why it could not be run."""

    case: Case
    outcomes: tuple[Outcome, ...] = ()
    error: str | None = None
    report: Report | None = None  # what was counted, if it could be

    @property
    def status(self) -> int:
        if self.error is not None:
            return errors.FAILED
        return errors.COUNTED if all(outcome.passed for outcome in self.outcomes) else errors.DIFFERS


def run(case: Case, count: Callable[[Case], Report]) -> Result:
    """Count the case's network and compare. What cannot be run is a result, too; nothing is raised."""
    report = None
    try:
        report = count(case)
        return Result(case, tuple(compare(case, report)), report=report)
    except NetsizeError as error:
        return Result(
            case, error=f"{shown_path(case.file)}, case {case.keys[-1] + 1}: {one_line(error)}", report=report
        )


def shown_path(file: Path) -> str:
    """From the working folder, if it lies in it."""
    with suppress(ValueError, OSError):
        return str(file.resolve().relative_to(Path.cwd()))
    return str(file)


def named(results: Sequence[Result]) -> dict[str, Result]:
    """By names that files may have: those of the cases, and numbers behind what is there already."""
    found: dict[str, Result] = {}
    for result in results:
        name = re.sub(r"[^\w.-]+", "-", result.case.name).strip("-.")[:100] or "case"
        number = next(n for n in count_from(1) if (f"{name}-{n}" if n > 1 else name) not in found)
        found[f"{name}-{number}" if number > 1 else name] = result
    return found


def count(case: Case, device: str, fresh: bool = False) -> Report:
    """Raises NetsizeError."""
    asked = question(
        located(case), list(case.input), case.settings, batch=case.batch, device=device, verify=case.verify
    )
    convention = Convention(case.bias, case.pooling, case.padding)
    return count_network(ask(asked, lambda _: None, fresh=fresh), convention)


def located(case: Case) -> str:
    """The model; a file is found from the folder of the case's file."""
    file, colon, name = parts_of(case.model)
    there = case.file.parent / file
    return f"{there}{colon}{name}" if there.suffix in FILES or ("/" in file and there.is_dir()) else case.model


def compare(case: Case, report: Report) -> list[Outcome]:
    """Everything that the case expects. Raises BadCase for a layer that the network does not have."""
    outcomes = [outcome_of(report, expected) for expected in case.expected]
    if case.published:
        outcomes += _published(case, report)
    if case.frozen:
        outcomes += _frozen(case, report)
    if case.verify:
        problems = report.verification.problems
        found, first = len(problems), problems[0] if problems else ""
        outcomes.append(Outcome("", "verification", "passed", found, found, not problems, first))
    return outcomes


def outcome_of(report: Report, expected: Expected) -> Outcome:
    """Raises BadCase for a layer that the network does not have."""
    counted = _counted(report, expected)
    difference, passed = counted - expected.value, expected.holds(counted)
    return Outcome(
        expected.where, expected.quantity, expected.text, counted, difference, passed, expected.source, expected.line
    )


def _counted(report: Report, expected: Expected) -> float:
    """A total, or the sum over a layer's calls or over a module's layers; or its share of the total."""
    quantity = expected.quantity.removesuffix("_share")
    if not expected.where:
        total: int = getattr(report.totals, quantity)
        return total
    inside = f"{expected.where}."
    rows = [row for row in report.rows if row.path == expected.where or row.path.startswith(inside)]
    if not rows:
        near = did_you_mean(expected.where, [row.path for row in report.rows])
        raise BadCase(f"{report.source.model} has no layer {expected.where!r}.{near}")
    value: int = sum(getattr(row, quantity) for row in rows)
    return report.share(value, quantity) if expected.quantity.endswith("_share") else value


def _published(case: Case, report: Report) -> list[Outcome]:
    """torchvision's own metadata of the default weights: parameters, and multiply-accumulates in billions."""
    meta = dict(report.source.published)
    if case.published != "torchvision" or not meta:
        raise BadCase("published can be 'torchvision', for torchvision's own models")
    source = f"torchvision {report.source.version}, meta of the default weights of {case.model}"
    rounded = Expected("", "connections", f"{meta['_ops']:.3f}G", "~", round(meta["_ops"] * 10**9), 10**6, source)
    exact = Expected("", "parameters", f"{meta['num_params']:,}", "==", int(meta["num_params"]), source=source)
    return [outcome_of(report, rounded), outcome_of(report, exact)]


def _frozen(case: Case, report: Report) -> list[Outcome]:
    """Row by row against a report that was saved earlier."""
    name = str(case.frozen)
    difference = compare_reports(load(case.file.parent / name), as_dict(report))
    outcomes = []
    for change in difference.changes:
        for quantity in ("units", "connections", "weights"):
            before, after = change.before.get(quantity, 0), change.after.get(quantity, 0)
            if before != after:
                outcomes.append(Outcome(change.name, quantity, f"{before:,}", after, after - before, False, name))
    return outcomes or [Outcome("", "frozen", name, 0, 0, True, name)]
