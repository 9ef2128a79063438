"""netsize init: first cases for a project."""

from pathlib import Path

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadCase, NetsizeError


def init(*, device: options.Device = "auto") -> int:
    """Write first cases for the networks of this project: today's numbers, and budgets with room above them.

    It imports the Python files here that define networks, and runs these. What it writes goes to the end of
    pyproject.toml, or into netsize.toml where there is none.
    """
    from netsize.checks.cases import parse_document, read_file
    from netsize.checks.propose import proposals
    from netsize.files.reading import read_text
    from netsize.files.writing import write_whole

    folder = Path.cwd()
    project = folder / "pyproject.toml"
    file, place = (project, "tool.netsize.case") if project.is_file() else (folder / "netsize.toml", "case")
    text = read_text(file) if file.exists() else ""
    known = {case.model for case in read_file(file)} if file.exists() else set()
    options.check_device(device)
    with terminal.progress() as say:
        found = list(proposals(folder, known, device, say))
    counted = [proposal for proposal in found if proposal.report is not None]
    for proposal in found:
        if proposal.error:
            named = proposal.error if proposal.model in proposal.error else f"{proposal.model}: {proposal.error}"
            terminal.complain(f"left out: {named}")
    if not counted:
        raise BadCase(
            "there is no other network here to write a case for" if known
            else "there is no network here that can be built and run without being told how.\n"
            "Write a case yourself: `netsize help ci` shows how"
        )  # fmt: skip
    cases = "\n".join(proposal.toml(place) for proposal in counted)
    end = "\r\n" if "\r\n" in text else "\n"
    whole = (text.rstrip() + "\n\n" if text.strip() else "") + cases
    try:
        parse_document(whole, file)
        write_whole(file, whole.replace("\r\n", "\n").replace("\n", end).encode())
    except NetsizeError as error:
        raise BadCase(
            f"{file.name} has its cases in another way than [[{place}]]: add these yourself\n{cases}"
        ) from error
    command = "netsize check" if file == project else "netsize check netsize.toml"
    terminal.write(f"{cases}\nwritten into {file.name}; `{command}` holds them\n", None)
    return errors.COUNTED
