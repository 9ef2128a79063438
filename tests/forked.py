"""Running the console script in a fork of this process: what a command line does to it stays there, and torch and
netsize are not imported again for each. What a user may never see is named by `faults`.

`python forked.py` does so for others (see `netsize` in conftest.py), whose own process is not as new: each line of
standard input is what `run` is given, as JSON, and each line of output what it returns."""

import gc
import importlib
import json
import os
import pkgutil
import re
import runpy
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import torch
import torchvision  # noqa: F401
from pydantic import Field, TypeAdapter  # noqa: F401  # by which typer converts numbers

import netsize
from netsize import __main__ as script

for module in pkgutil.walk_packages(netsize.__path__, "netsize."):  # before the fork, once for all
    if not module.name.startswith(("netsize.sources.", "netsize.pytest")):  # those need what may not be installed
        importlib.import_module(module.name)

STATUSES = (0, 1, 2, 130)
MOST_LINES, MOST_CHARACTERS = 8, 300  # of stderr
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # but tabs and newlines


@dataclass(frozen=True)
class Ended:
    """How a command line ended. `status` is None if it had to be killed, negative for a signal."""

    arguments: tuple[str, ...]
    status: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def faults(self) -> list[str]:
        """What is never right, whatever was asked."""
        lines = self.stderr.splitlines()
        found = {
            "no end": self.status is None,
            f"status {self.status}": self.status is not None and self.status not in STATUSES,
            "a traceback": "Traceback (most recent call last)" in self.stderr,
            f"{len(lines)} lines of stderr": len(lines) > MOST_LINES,
            "a line of stderr that is too long": any(len(line) > MOST_CHARACTERS for line in lines),
            "status 2 without a word": self.status == 2 and not self.stderr.strip(),
            "a control character": bool(CONTROLS.search(self.stderr) or CONTROLS.search(self.stdout)),
        }
        return [name for name, is_there in found.items() if is_there]


def run(
    arguments: list[str],
    folder: Path,
    seconds: float = 60,
    environment: Mapping[str, str] = os.environ,
    module: str = "netsize",
) -> Ended:
    """`python -m netsize ARGUMENTS`, or another module, in a folder, without standard input; killed after so many
    seconds."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _become(module, arguments, folder, dict(environment), out.fileno(), err.fileno())
        status = _ended(child, started + seconds)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return Ended(tuple(arguments), status, *texts, time.perf_counter() - started)


def _become(module: str, arguments: list[str], folder: Path, environment: dict[str, str], out: int, err: int) -> None:
    status = 99
    try:
        os.environ.clear()
        os.environ.update(environment)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(folder)
        sys.path[0] = str(folder)  # as for `python -m netsize`
        sys.stdout, sys.stderr = (_stream(number) for number in (1, 2))
        sys.argv = [module, *arguments]
        torch.set_num_threads(1)  # those of the parent are not there any more
        if module == "netsize":
            script.run()  # which does not come back
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(status)


def _stream(number: int) -> TextIO:
    """What takes its place does not close the file."""
    return os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _ended(child: int, until: float) -> int | None:
    pause = 0.001
    while time.perf_counter() < until:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(code)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def serve() -> None:
    gc.freeze()  # no fork need copy what it never frees
    for line in sys.stdin:
        print(json.dumps(asdict(run(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    serve()
