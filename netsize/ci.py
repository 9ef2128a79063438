"""The commands for continuous integration: check, freeze and diff."""

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsize import errors, options, terminal
from netsize.ask import ask, question
from netsize.count import count as count_network
from netsize.errors import BadCase, BadOption, NetsizeError
from netsize.sources import check_name, complete_model

if TYPE_CHECKING:
    from netsize.cases import Case  # reading TOML takes a tenth of the time of a remembered answer


def check(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|FOLDER|MODEL]...", help="Default: the nearest pyproject.toml.")
    ] = None,
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Only cases whose name or model matches.")] = "*",
    format: Annotated[str, typer.Option(metavar="FORMAT", help="table, json, github, junit.")] = "table",
    hide_passed: Annotated[bool, typer.Option("--hide-passed", help="Show what differs only.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write what was counted into the files.")] = False,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Hold networks against known counts and budgets: cases in TOML files."""
    from netsize.check import count, run
    from netsize.render import checks

    if format not in checks.FORMATS:
        raise BadOption(f"--format {format}: there are {', '.join(checks.FORMATS)}")
    cases, broken = _cases(what or [])
    cases = [case for case in cases if fnmatch(case.name, only) or fnmatch(case.model, only)]
    if not cases and not broken:
        raise BadCase(f"there is no case to check{f' that matches {only!r}' if only != '*' else ''}")
    options.check_device(device)
    with terminal.progress() as say:
        results = []
        for number, case in enumerate(cases, start=1):
            say(f"checking {case.model}: case {number} of {len(cases)}")
            results.append(run(case, lambda case: count(case, device, fresh)))
    for error in broken:
        terminal.complain(error)
    if update:
        from netsize.update import update as rewrite

        for file in rewrite(results):
            terminal.write(f"updated {file}\n", None)
        return errors.FAILED if broken else errors.COUNTED
    terminal.write(checks.render(results, format, hide_passed), None)
    return max(checks.worst(results), errors.FAILED if broken else errors.COUNTED)


def _cases(what: list[str]) -> "tuple[list[Case], list[NetsizeError]]":
    """Cases of files, folders and models, and what could not be read."""
    from netsize.cases import read_file

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
    check_name(word)
    return sorted(known_counts().glob("*.toml"))


def known_counts() -> Path:
    """The folder of netsize's own cases: installed beside the package's files, or in its repository."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "configs"


def _nearest_pyproject() -> Path:
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    raise BadCase("say what to check: there is no pyproject.toml with [[tool.netsize.case]] here or above")


def freeze(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As for show.", autocompletion=complete_model)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The report, as JSON.")],
    input: Annotated[list[str] | None, typer.Option(metavar="SIZES", help="As for show.")] = None,
    set: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="As for show.")] = None,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Save a network's report, to be compared with later: by diff, or by a case of check with `frozen`."""
    check_name(model)
    terminal.check_writable(output)
    asked = question(model, input, options.read_settings(set), device=device)
    with terminal.progress() as say:
        report = count_network(ask(asked, say, fresh=fresh))
    if report.verification.status == "failed":
        raise BadCase(f"{model} is not frozen: {report.verification.problems[0]}")
    terminal.write(report.to_json(), output)
    return errors.COUNTED


def diff(
    before: Annotated[
        str, typer.Argument(metavar="A", help="A model, or a saved report.", autocompletion=complete_model)
    ],
    after: Annotated[
        str, typer.Argument(metavar="B", help="A model, or a saved report.", autocompletion=complete_model)
    ],
    input: Annotated[list[str] | None, typer.Option(metavar="SIZES", help="Of the models, as for show.")] = None,
    fail_if: Annotated[
        list[str] | None, typer.Option(metavar="CONDITION", help="Status 1 if it holds: 'weights > +1%'.")
    ] = None,
    format: Annotated[str, typer.Option(metavar="FORMAT", help="table, json.")] = "table",
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Compare two networks row by row: what is new, gone, larger, smaller."""
    from netsize.diff import compare_reports, exceeded
    from netsize.render import differences

    if format not in differences.FORMATS:
        raise BadOption(f"--format {format}: there are {', '.join(differences.FORMATS)}")
    reports = [_report(word, input or [], device, fresh) for word in (before, after)]
    difference = compare_reports(*reports)
    failing = [condition for condition in fail_if or [] if exceeded(difference, condition)]
    terminal.write(differences.render(difference, format, terminal.columns()), None)
    for condition in failing:
        terminal.complain(BadCase(f"{condition} holds"))
    return errors.DIFFERS if failing else errors.COUNTED


def _report(word: str, input: list[str], device: str, fresh: bool) -> dict[str, object]:
    from netsize.diff import load
    from netsize.render.json import as_dict

    if word.endswith(".json"):
        return load(Path(word))
    check_name(word)
    with terminal.progress() as say:
        report = count_network(ask(question(word, input, device=device), say, fresh=fresh))
    if report.verification.status == "failed":
        raise BadCase(f"{word} is not compared: {report.verification.problems[0]}")
    return as_dict(report)
