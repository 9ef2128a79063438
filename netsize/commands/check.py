"""netsize check: networks held against known counts and budgets."""

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.commands.output import Output
from netsize.errors import BadCase, BadOption, NetsizeError
from netsize.sources import recognise

if TYPE_CHECKING:
    from netsize.checks.cases import Case
    from netsize.checks.outcomes import Result


def check(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|FOLDER|MODEL]...", help="Default: the nearest pyproject.toml.")
    ] = None,
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Only cases whose name or model matches.")] = "*",
    format: Annotated[str, typer.Option(metavar="FORMAT", help="table, json, github, junit.")] = "table",
    hide_passed: Annotated[bool, typer.Option("--hide-passed", help="Show what differs only.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Write what was counted into the files, and say what.")
    ] = False,
    reports: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each case's report there, as JSON and as HTML.")
    ] = None,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Hold networks against known counts and budgets: cases in TOML files.

    Status 0 if every number holds, 1 if one does not, 2 if a case could not be run. A case whose model is Python
    (net.py:Net, package.module:Net) runs that code; nothing else in such a file does.
    """
    from netsize.render import checks  # reading TOML takes a tenth of the time of a remembered answer

    if format not in checks.FORMATS:
        raise BadOption(f"--format {format}: there are {', '.join(checks.FORMATS)}")
    if update and format != "table":
        raise BadOption(f"--update says what it writes as text: leave --format {format} away")
    cases, broken = find_cases(what or [])
    cases = [case for case in cases if fnmatch(case.name, only) or fnmatch(case.model, only)]
    if not cases and not broken:
        raise BadCase(f"there is no case to check{f' that matches {only!r}' if only != '*' else ''}")
    results = run_cases(cases, device, fresh)
    if reports:
        save_reports(results, reports)
    for error in broken:
        terminal.complain(error)
    if update:
        from netsize.checks.update import update as write_numbers

        written, results = write_numbers(results)
        terminal.write(checks.updated(written), None)
        hide_passed = True
    terminal.write(checks.render(results, format, hide_passed), None)
    failing = sum(result.status == errors.FAILED for result in results)
    if failing:
        terminal.complain(f"{failing} of {len(results)} cases could not be run")
    return max(checks.worst(results), errors.FAILED if broken else errors.COUNTED)


def run_cases(cases: "list[Case]", device: str, fresh: bool) -> "list[Result]":
    """Each counted and compared. Raises BadOption for a device that is not there."""
    from netsize.checks.outcomes import count, run

    options.check_device(device)
    results = []
    with terminal.progress() as say:
        for number, case in enumerate(cases, start=1):
            say(f"checking {case.model}: case {number} of {len(cases)}")
            results.append(run(case, lambda case: count(case, device, fresh)))
    return results


def save_reports(results: "list[Result]", folder: Path) -> None:
    """NAME.json and NAME.html of each that was counted. Raises BadOption."""
    from netsize.checks.outcomes import named

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOption(f"--reports {folder}: {error.strerror or error}") from error
    for name, result in named(results).items():
        if result.report is not None:
            for format in ("json", "html"):
                Output(format, folder / f"{name}.{format}").deliver(result.report)


def find_cases(what: list[str]) -> "tuple[list[Case], list[NetsizeError]]":
    """Cases of files, folders and models, and what could not be read."""
    from netsize.checks.cases import read_file

    cases: list[Case] = []
    broken: list[NetsizeError] = []
    for word in what or [str(_nearest_pyproject())]:
        for file in _files(word):
            try:
                found = read_file(file)
            except NetsizeError as error:
                broken.append(error)
                continue
            cases += [case for case in found if Path(word).exists() or case.model == word]
    return cases, broken


def _files(word: str) -> list[Path]:
    """TOML files in a folder, a file, or those that come with netsize, of which a model's cases are taken."""
    path = Path(word)
    if path.is_dir():
        return sorted(path.glob("*.toml"))
    if path.exists() or path.suffix == ".toml":
        return [path]
    recognise(word)
    return sorted(known_counts().glob("*.toml"))


def known_counts() -> Path:
    """The folder of netsize's own cases: installed beside the package's files, or in its repository."""
    package = Path(__file__).parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def _nearest_pyproject() -> Path:
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    raise BadCase("say what to check: there is no pyproject.toml with [[tool.netsize.case]] here or above")
