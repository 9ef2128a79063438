"""Results of `netsize check`: for people, for programs, for GitHub's annotations and for test reporters."""

import json as json_
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from netsize.checks.outcomes import Outcome, Result, shown_path
from netsize.checks.update import Updated
from netsize.render.printable import printable, printable_lines, shown

FORMATS = ("table", "json", "github", "junit")
SCHEMA = 1
MARKS = {0: "✓", 1: "✗", 2: "!"}


def render(results: Sequence[Result], format: str, hide_passed: bool = False) -> str:
    """Text in one of FORMATS, ending in a newline unless it is empty."""
    if format == "json":
        return json(results, hide_passed)
    if format == "github":
        return github(results, hide_passed)
    return {"table": table, "junit": junit}[format](shown(results), hide_passed)


def table(results: Sequence[Result], hide_passed: bool) -> str:
    lines = []
    for result in results:
        if hide_passed and result.status == 0:
            continue
        lines.append(f"{MARKS[result.status]} {_title(result)}: {_summary(result)}")
        for outcome in result.outcomes:
            if not outcome.passed:
                lines += [f"    {line}" for line in explained(outcome)]
    return "\n".join([*lines, closing(results)]) + "\n"


def updated(written: Sequence[Updated]) -> str:
    """A line for each number that was written into a file."""
    lines = [
        f"{shown_path(new.case.file)}: {new.case.name}{f', {new.where}' if new.where else ''}: {new.quantity} "
        f"{new.before} -> {new.after:,}"
        for new in written
    ]
    return "".join(f"{printable(line)}\n" for line in lines) or "no number was to be changed\n"


def explained(outcome: Outcome) -> list[str]:
    """Expected, counted, difference, in which row, and the source."""
    where = outcome.where or "total"
    if outcome.quantity == "verification":
        return [f"{where}: verification failed, {outcome.counted:.0f} differences; first: {outcome.source}"]
    text = f"{where}: {outcome.quantity} expected {outcome.expected}, counted {_number(outcome, outcome.counted)}"
    text += f", difference {_number(outcome, outcome.difference, '+')}"
    return [text, *([f"  source: {outcome.source}"] if outcome.source else [])]


def closing(results: Sequence[Result]) -> str:
    """How many cases passed, failed and could not be run."""
    counts = [sum(result.status == status for result in results) for status in (0, 1, 2)]
    numbers = sum(outcome.passed for result in results for outcome in result.outcomes)
    text = f"{counts[0]} of {len(results)} cases passed, {numbers:,} numbers"
    text += f"; {counts[1]} failed" if counts[1] else ""
    return text + (f"; {counts[2]} could not be run" if counts[2] else "")


def json(results: Sequence[Result], hide_passed: bool) -> str:
    cases = [_as_dict(result) for result in results if result.status or not hide_passed]
    return (
        printable_lines(
            json_.dumps({"schema": SCHEMA, "status": worst(results), "cases": cases}, indent=2, ensure_ascii=False)
        )
        + "\n"
    )


def _as_dict(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "name": case.name,
        "model": case.model,
        "file": shown_path(case.file),
        "line": case.line,
        "status": {0: "passed", 1: "failed", 2: "error"}[result.status],
        "error": result.error,
        "numbers": [
            {
                "where": outcome.where,
                "quantity": outcome.quantity,
                "expected": outcome.expected,
                "counted": outcome.counted,
                "difference": outcome.difference,
                "passed": outcome.passed,
                "source": outcome.source,
            }
            for outcome in result.outcomes
        ],
    }


def github(results: Sequence[Result], hide_passed: bool) -> str:
    """Workflow commands: an annotation on the file for each number that differs."""
    lines = []
    for result in results:
        case = result.case
        failed = [(o.line, " ".join(explained(o))) for o in result.outcomes if not o.passed]
        file, title = (_property(text) for text in (shown_path(case.file), f"netsize: {case.name}"))
        for line, message in [(None, result.error)] if result.error else failed:
            place = f",line={line or case.line}" if line or case.line else ""
            lines.append(f"::error file={file}{place},title={title}::{_escaped(message)}")
    return "\n".join([*lines, closing(results)]) + "\n"


def _escaped(text: str) -> str:
    """Of GitHub's own controls; what else cannot be seen is written out."""
    return printable_lines(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def junit(results: Sequence[Result], hide_passed: bool) -> str:
    """A test suite with a test for each case."""
    failures, broken = (sum(result.status == status for result in results) for status in (1, 2))
    counts = {"tests": str(len(results)), "failures": str(failures), "errors": str(broken)}
    suite = ElementTree.Element("testsuite", {"name": "netsize", **counts})
    for result in results:
        if hide_passed and result.status == 0:
            continue
        test = ElementTree.SubElement(
            suite, "testcase", {"classname": shown_path(result.case.file), "name": result.case.name}
        )
        text = "\n".join(line for outcome in result.outcomes if not outcome.passed for line in explained(outcome))
        if result.error is not None:
            ElementTree.SubElement(test, "error", {"message": result.error.splitlines()[0]}).text = result.error
        elif text:
            ElementTree.SubElement(test, "failure", {"message": text.splitlines()[0]}).text = text
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def worst(results: Sequence[Result]) -> int:
    return max((result.status for result in results), default=0)


def _title(result: Result) -> str:
    case = result.case
    named = case.name if case.name == case.model else f"{case.name} ({case.model})"
    return f"{named} [{shown_path(case.file)}]"


def _summary(result: Result) -> str:
    if result.error is not None:
        return result.error
    passed = sum(outcome.passed for outcome in result.outcomes)
    return f"{passed} of {len(result.outcomes)} numbers"


def _number(outcome: Outcome, value: float, sign: str = "") -> str:
    return f"{value:{sign}.1%}" if outcome.quantity.endswith("_share") else f"{value:{sign},.0f}"
