"""Shared: a GPU or the reason why not, and a way to run the real command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as there are cores: of each, and of its own, one thread
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # where a test has two, they do not spin on the cores of others

import torch

READ_AT_THE_START = ("PYTHONPATH", "CUDA_VISIBLE_DEVICES")  # by Python, or by a library


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=40, help="examples for each test of tests/fuzz")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins without remembered results, and touches nobody's."""
    monkeypatch.setenv("NETSIZE_CACHE", str(tmp_path / "cache of netsize"))


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that runs tests beside others is told that its lines end at 80."""
    monkeypatch.delenv("COLUMNS", raising=False)


@dataclass
class Finished:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@pytest.fixture(scope="session")
def forks() -> Iterator[Callable[..., dict[str, Any]]]:
    """A process that has imported torch and netsize, and nothing else: what it is asked for runs in a fork of it. Its
    answers are what `forked.Ended` holds. (A process that has run tests for minutes takes half a second to fork.)"""
    with subprocess.Popen(
        [sys.executable, Path(__file__).parent / "forked.py"], stdin=PIPE, stdout=PIPE, text=True, encoding="utf-8"
    ) as process:

        def run(**asked: Any) -> dict[str, Any]:
            print(json.dumps(asked), file=process.stdin, flush=True)
            return dict(json.loads(process.stdout.readline()))

        yield run


@pytest.fixture
def netsize(tmp_path: Path, forks: Callable[..., dict[str, Any]]):
    """Run `netsize ARGUMENTS`, or another module, as its own process, in an empty folder. What Python or a library
    reads from its environment where it starts needs a new one, which takes seconds."""

    def run(*arguments: str, columns: int | None = None, module: str = "netsize", **environment: str) -> Finished:
        variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
        variables |= {"PYTHONIOENCODING": "utf-8"} | environment
        if columns:
            variables["COLUMNS"] = str(columns)
        if not any(key in READ_AT_THE_START for key in environment):
            place = str(tmp_path)
            ended = forks(arguments=arguments, folder=place, seconds=600, environment=variables, module=module)
            return Finished(ended["status"], ended["stdout"], ended["stderr"])
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, encoding="utf-8")
        return Finished(done.returncode, done.stdout, done.stderr)

    return run
