"""What the cases of now count to at another commit of the same repository."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from netsize.errors import NetsizeError, UnreadableFile, shortened
from netsize.files.reading import parse_json
from netsize.results.saved import load


class NoBase(NetsizeError):
    """There is nothing to compare with; why."""


def reports_at(commit: str, files: Sequence[Path], device: str) -> dict[str, dict[str, Any]]:
    """The saved reports of the cases in these files, by name, as they are counted there by the code that was there:
    its packages come before those that are installed. A case that cannot be counted there, or that fails its
    verification, has none. Raises NoBase."""
    top = Path(_git("rev-parse", "--show-toplevel"))
    with _checked_out(commit) as there, tempfile.TemporaryDirectory() as folder:
        copies = []
        for file in files:
            try:
                copy = there / file.resolve().relative_to(top.resolve())
            except ValueError:
                continue  # netsize's own cases are the same everywhere
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
            copies.append(str(copy))
        if copies:
            _count(there, copies, Path(folder), device)
        found = {file.stem: load(file) for file in sorted(Path(folder).glob("*.json"))}
        return {name: report for name, report in found.items() if report["verification"]["status"] != "failed"}


def _count(there: Path, files: list[str], folder: Path, device: str) -> None:
    """In a process of its own, which imports the packages of then."""
    line = [sys.executable, "-m", "netsize", "check", *files, "--reports", str(folder)]
    line += ["--device", device, "--format", "json"]
    paths = [str(there / "src"), str(there), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(line, cwd=there, env=environment, capture_output=True, text=True)
    if not any(folder.glob("*.json")):
        raise NoBase(_failure(done.stdout) or _joined(done.stderr.removeprefix("netsize: ")))


def _failure(printed: str) -> str:
    """The first error that a case ended with."""
    try:
        told = parse_json(printed, "what check printed", _Checked)
    except UnreadableFile:
        return ""
    return next((case.error for case in told.cases if case.error), "")


class _Case(Struct):
    error: str | None


class _Checked(Struct):
    cases: list[_Case]


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """A working tree of its own, which is removed afterwards."""
    if not commit.strip("0"):  # what GitHub names before the first commit of a branch
        raise NoBase("there is no commit before this one")
    if not _is_there(commit):  # a clone of one commit, as in CI
        subprocess.run(["git", "fetch", "--quiet", "--depth=1", "origin", commit], capture_output=True)
    if not _is_there(commit):
        raise NoBase(f"there is no commit {commit} in this clone")
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder).resolve() / "base"
        _git("worktree", "add", "--quiet", "--detach", str(there), commit)
        try:
            yield there
        finally:
            _git("worktree", "remove", "--force", str(there))


def _is_there(commit: str) -> bool:
    try:
        _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    except NoBase:
        return False
    return True


def _git(*arguments: str) -> str:
    """What git puts out. Raises NoBase."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoBase("git is not installed") from error
    if done.returncode:
        raise NoBase(_joined(done.stderr) or f"git {arguments[0]} fails")
    return done.stdout.strip()


def _joined(said: str) -> str:
    return shortened(". ".join(said.strip().splitlines()), 300)
