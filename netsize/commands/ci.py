"""netsize ci: what a change does to the cases, for a pull request."""

import os
from pathlib import Path
from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.commands.check import find_cases, run_cases, save_reports
from netsize.errors import BadCase, BadOption


def ci(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE|FOLDER]...", help="Default: the nearest pyproject.toml."),
    ] = None,
    base: Annotated[
        str, typer.Option(metavar="COMMIT", help="To compare with: what it changes since then. Default: nothing.")
    ] = "",
    reports: Annotated[
        Path, typer.Option(metavar="FOLDER", help="For summary.md, and each case's report, as JSON and as HTML.")
    ] = Path("netsize-reports"),
    comment: Annotated[
        bool, typer.Option("--comment", help="On the pull request, with GITHUB_TOKEN; one, which is changed.")
    ] = False,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Hold the cases of check, say what changed since a commit, and write a summary for a pull request.

    Status 1 if a number does not hold, whatever changed. In a workflow of GitHub the numbers that do not hold are
    annotations, and the summary is added to the job's.
    """
    from netsize.checks.base import NoBase, reports_at
    from netsize.render import checks
    from netsize.render.summary import summary

    cases, broken = find_cases(what or [])
    if not cases and not broken:
        raise BadCase("there is no case to check")
    results = run_cases(cases, device, fresh)
    save_reports(results, reports)
    before, no_base = {}, ""
    try:
        if not base:
            raise NoBase("none is said (--base)")
        files = list(dict.fromkeys(case.file for case in cases))
        with terminal.progress() as say:
            say(f"counting at {base}")
            before = reports_at(base, files, device)
    except NoBase as error:
        no_base = str(error)
    text = summary(results, before, no_base)
    terminal.write(text, reports / "summary.md")
    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    terminal.write(checks.render(results, "github" if on_github else "table", hide_passed=True) + "\n" + text, None)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(page), text)
    for unread in broken:
        terminal.complain(unread)
    if comment:
        _comment(text)
    return max(checks.worst(results), errors.FAILED if broken else errors.COUNTED)


def _append(file: Path, text: str) -> None:
    """The job's summary may hold more than this one's."""
    try:
        with file.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise BadOption(f"GITHUB_STEP_SUMMARY {file}: {error.strerror or error}") from error


def _comment(text: str) -> None:
    """A workflow of a fork may not write one: that is no failure of its networks."""
    from netsize.checks.comment import NoComment, comment

    try:
        comment(text)
    except NoComment as error:
        terminal.complain(error)
