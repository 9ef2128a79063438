"""`netsize check --update`: write what was counted in the place of what was expected, and keep the comments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netsize.checks.cases import parse
from netsize.checks.outcomes import Result
from netsize.errors import BadCase


def updated(results: Sequence[Result]) -> dict[Path, str]:
    """The files in which exact numbers differ, each with its new text. Budgets and published, rounded numbers
    stay: they are not ours to move. Raises BadCase if a case could not be run, a verification failed or a file
    cannot be written: then nothing is to be changed."""
    for result in results:
        if result.error is not None:
            raise BadCase(f"--update changes nothing: {result.error}")
        if any(outcome.quantity == "verification" and not outcome.passed for outcome in result.outcomes):
            raise BadCase(f"--update changes nothing: the verification of {result.case.model} failed")
    texts: dict[Path, str] = {}
    for file in dict.fromkeys(result.case.file for result in results):
        document = parse(file)
        cases = document["tool"]["netsize"]["case"] if file.name == "pyproject.toml" else document["case"]
        changed = [_rewrite(result, cases) for result in results if result.case.file == file]
        if any(changed):
            _check_writable(file)
            texts[file] = document.as_string()
    return texts


def _check_writable(file: Path) -> None:
    try:
        file.open("a").close()
    except OSError as error:
        raise BadCase(f"--update changes nothing: {file}: {error.strerror}") from error


def _rewrite(result: Result, cases: Any) -> bool:
    changed = False
    for outcome, expected in zip(result.outcomes, result.case.expected):
        if expected.comparison == "==" and not outcome.passed and isinstance(expected.value, int):
            table = cases[result.case.index]
            if expected.where:
                table = table["layers"][expected.where]
            table[expected.quantity] = int(outcome.counted)
            changed = True
    return changed
