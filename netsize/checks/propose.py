"""First cases for a project: which networks it has, what they take, and budgets with room above today's numbers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, log10
from pathlib import Path

from netsize.errors import BadModel, NetsizeError, one_line
from netsize.results.count import count
from netsize.results.report import Report
from netsize.run.answer import ask, question

LEFT_OUT = {"tests", "test", "build", "dist", "docs", "venv", "env", "node_modules", "site-packages"}  # and hidden ones
CLASS = re.compile(r"^class (\w+)\(.*(?:Module|Sequential)\b", re.MULTILINE)
ROOM = 1.1  # times today's number
SUFFIXES = ("", "K", "M", "G", "T")


@dataclass(frozen=True)
class Proposal:
    """A network that could be counted, or why not."""

    model: str
    input: str = ""
    report: Report | None = None
    error: str = ""

    def toml(self, place: str) -> str:
        """As a table of an array at this place: "tool.netsize.case"."""
        lines = [f"[[{place}]]", f'model = "{self.model}"', *([f'input = "{self.input}"'] if self.input else [])]
        for quantity in ("weights", "connections", "units"):
            today = getattr(self.report.totals, quantity) if self.report else 0
            lines.append(f'{quantity} = "<= {budget(today)}"'.ljust(34) + f"# {today:,} today")
        return "\n".join(lines) + "\n"


def budget(today: int) -> str:
    """Its room rounded up to two digits, as budgets are written: 61,090,496 is 68M."""
    if today < 1:
        return "0"
    unit = 10 ** max(0, ceil(log10(today * ROOM)) - 2)
    rounded = ceil(today * ROOM / unit) * unit
    step = min((len(str(rounded)) - 1) // 3, len(SUFFIXES) - 1)
    return f"{rounded / 1000**step:.4g}{SUFFIXES[step]}"


def proposals(folder: Path, known: set[str], device: str, say: Callable[[str], None]) -> Iterator[Proposal]:
    """Of all networks of the project that are no part of another one, but those that are `known`. Imports the files
    that define some."""
    texts = {file: file.read_text(encoding="utf-8", errors="replace") for file in _files(folder)}
    for file in [file for file, text in texts.items() if CLASS.search(text)]:
        place = file.relative_to(folder).as_posix()
        say(f"looking at {place}")
        elsewhere = "\n".join(text for other, text in texts.items() if other != file)
        try:
            names = _whole(str(file), elsewhere)
        except NetsizeError as error:
            yield Proposal(place, error=one_line(error).replace(f"{folder}/", ""))
            continue
        for name in names:
            if f"{place}:{name}" not in known:
                yield _counted(folder, f"{place}:{name}", device)


def _files(folder: Path) -> list[Path]:
    return [
        file
        for file in sorted(folder.rglob("*.py"))
        if not any(part.startswith(".") or part in LEFT_OUT for part in file.relative_to(folder).parts)
        and not file.name.startswith(("test_", "conftest", "setup"))
        and not any((parent / "pyvenv.cfg").exists() for parent in file.parents)
    ]


def _whole(place: str, elsewhere: str) -> list[str]:
    """Its networks that nothing else in the project makes a part of its own."""
    from netsize.sources.python.importing import import_place
    from netsize.sources.python.networks import wholes

    return [name for name in wholes(import_place(place)) if not re.search(rf"\b{name}\(", elsewhere)]


def _counted(folder: Path, model: str, device: str) -> Proposal:
    """At the first of the inputs that are likely and that it takes."""
    path = str(folder / model)
    error = ""
    try:
        for input in _likely(path):
            try:
                report = count(ask(question(path, [input] if input else [], device=device), lambda _: None))
                if report.verification.status == "failed":
                    return Proposal(model, error=f"verification failed: {report.verification.problems[0]}")
                return Proposal(model, input, report)
            except NetsizeError as refused:
                error = error or one_line(refused)
    except NetsizeError as refused:
        error = one_line(refused)
    return Proposal(model, error=error.replace(f"{folder}/", ""))


def _likely(model: str) -> list[str]:
    """None but its own example, if it has one. Raises BadModel, if it cannot be built without arguments."""
    from netsize import sources
    from netsize.sources.python.networks import likely_inputs
    from netsize.sources.settings import Settings

    with sources.loaded(model, Settings(), with_values=False) as built:
        found = [""] if built.example is not None else likely_inputs(built.model)
    if not found:
        raise BadModel(f"{model}: no layer says what it takes")
    return found
