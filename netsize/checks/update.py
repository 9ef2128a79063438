"""`netsize check --update`: write what was counted in the place of what was expected, and keep all the rest: comments,
ends of lines, a byte order mark."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netsize.checks.cases import Case, Keys, parse_document, read_file
from netsize.checks.outcomes import Outcome, Result
from netsize.errors import BadCase
from netsize.files.reading import read_text
from netsize.files.writing import write_whole


@dataclass(frozen=True)
class Updated:
    """A number that was written into a file."""

    case: Case
    where: str
    quantity: str
    before: str
    after: int


def update(results: Sequence[Result]) -> tuple[list[Updated], list[Result]]:
    """Write exact numbers that differ into their files; what was written, and the results as they are then. Budgets
    and published, rounded numbers stay: they are not ours to move. So do those of a case that could not be run or
    verified, and a number that several models share, if it is not known of all, or not the same for all. Raises
    BadCase for a file that was changed meanwhile, or cannot be written."""
    known = [result.case for result in results if result.error is None and not _fails(result)]
    files = dict.fromkeys(result.case.file for result in results)
    unknown = {(file, case.keys) for file in files for case in read_file(file) if case not in known}
    wanted = [_wanted(result) if (result.case.file, result.case.keys) not in unknown else {} for result in results]
    shared: dict[tuple[Path, Keys], set[int]] = {}
    for result, numbers in zip(results, _all_exact(results)):
        for place, counted in numbers.items():
            shared.setdefault((result.case.file, place), set()).add(counted)
    written: list[Updated] = []
    for file in files:
        chosen = {
            place: new
            for result, numbers in zip(results, wanted)
            for place, new in numbers.items()
            if result.case.file == file and len(shared[file, place]) == 1
        }
        if chosen:
            _write(file, [result.case for result in results if result.case.file == file], chosen)
            written += chosen.values()
    return written, [_after(result, numbers, shared) for result, numbers in zip(results, wanted)]


def _wanted(result: Result) -> dict[Keys, Updated]:
    """What is to be written, by the place in the file."""
    return {
        place: Updated(result.case, outcome.where, outcome.quantity, outcome.expected, int(outcome.counted))
        for place, outcome in _exact(result).items()
        if not outcome.passed
    }


def _all_exact(results: Sequence[Result]) -> list[dict[Keys, int]]:
    return [{place: int(outcome.counted) for place, outcome in _exact(result).items()} for result in results]


def _exact(result: Result) -> dict[Keys, Outcome]:
    """The outcomes of exact numbers, by their places in the file."""
    return {
        (*result.case.keys, *(("layers", outcome.where) if outcome.where else ()), outcome.quantity): outcome
        for outcome, expected in zip(result.outcomes, result.case.expected)
        if expected.comparison == "==" and isinstance(expected.value, int) and not expected.quantity.endswith("_share")
    }


def _fails(result: Result) -> bool:
    return any(outcome.quantity == "verification" and not outcome.passed for outcome in result.outcomes)


def _after(result: Result, wanted: dict[Keys, Updated], shared: dict[tuple[Path, Keys], set[int]]) -> Result:
    """With the numbers that were written: those hold now."""
    kept = {place for place in wanted if len(shared[result.case.file, place]) == 1}
    holding = {id(outcome) for place, outcome in _exact(result).items() if place in kept}
    return replace(result, outcomes=tuple(replace(o, passed=True) if id(o) in holding else o for o in result.outcomes))


def _write(file: Path, cases: Sequence[Case], numbers: dict[Keys, Updated]) -> None:
    text = read_text(file)
    document = parse_document(text, file)
    there = read_file(file)
    if not all(case in there for case in cases):
        raise BadCase(f"--update changes nothing in {file}: it was changed while its networks were counted")
    for place, new in numbers.items():
        table: Any = document
        for key in place[:-1]:
            table = table[key]
        table[place[-1]] = new.after
    marked = codecs.BOM_UTF8 if file.read_bytes().startswith(codecs.BOM_UTF8) else b""
    try:
        file.open("a").close()  # a file that is read only is not to be replaced
        write_whole(file, marked + document.as_string().encode("utf-8"))
    except OSError as error:
        raise BadCase(f"--update changes nothing: {file}: {error.strerror}") from error
