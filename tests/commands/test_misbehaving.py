"""Networks that print, leave, hoard, never end, or change while they run: an answer, or a few lines that say what."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NETWORKS = """
import os, sys, threading, time
import torch
from torch import nn

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)

class Prints(Plain):
    def forward(self, x):
        print("as Python does")
        os.write(1, b"as a library in C does")
        return self.a(x)

class Leaves(Plain):
    def forward(self, x):
        sys.exit(0)

class Interrupts(Plain):
    def forward(self, x):
        raise KeyboardInterrupt

class Grows(Plain):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4)])
    def forward(self, x):
        self.layers.append(nn.Linear(4, 4))
        for layer in self.layers:
            x = layer(x)
        return self.a(x)

class Exchanges(Plain):
    def forward(self, x):
        self.a.weight = nn.Parameter(torch.randn(4, 4))
        return self.a(x)

class Threads(Plain):
    def __init__(self):
        super().__init__()
        self.b = nn.Linear(4, 4)
    def forward(self, x):
        found = {}
        threads = [threading.Thread(target=lambda m=m: found.__setitem__(m, m(x))) for m in (self.a, self.b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found[self.a] + found[self.b]

class Long(nn.Sequential):
    def __init__(self, layers=5000):
        super().__init__(*[nn.Linear(4, 4) for _ in range(layers)])

class Deep(Plain):
    def __init__(self, levels=5000):
        super().__init__()
        inner = nn.Linear(4, 4)
        for _ in range(levels):
            inner = nn.Sequential(inner)
        self.inner = inner
    def forward(self, x):
        return self.inner(self.a(x))

class Loops(Plain):
    def forward(self, x):
        while True:
            x = self.a(x)

class Spins(Plain):
    def forward(self, x):
        while True:
            pass

class Hoards(Plain):
    def __init__(self):
        super().__init__()
        self.store = Store()
    def forward(self, x):
        return self.store(self.a(x))

class Store(nn.Module):
    def forward(self, x):
        kept = []
        while True:
            kept.append(torch.ones(2**26))
"""


@pytest.fixture
def run(netsize, tmp_path: Path):
    (tmp_path / "net.py").write_text(NETWORKS)
    return lambda name, *options, **environment: netsize(
        f"net.py:{name}", "--input", "4", "--device", "cpu", *options, **environment
    )


def test_what_a_network_prints_is_not_in_the_answer(run) -> None:
    done = run("Prints", "--json")
    assert json.loads(done.stdout)["totals"]["weights"] == 16
    assert "as Python does" in done.stderr and "as a library in C does" in done.stderr


@pytest.mark.parametrize("name, weights", [
    ("Grows", 48),  # one layer of before, one that it appended, and a
    ("Exchanges", 16),  # of the parameter that was there when it was run
    ("Threads", 32),
    ("Long", 80_000),
])  # fmt: skip
def test_changes_while_running(run, name: str, weights: int) -> None:
    done = run(name, "--json", "--depth", "1")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["weights"] == weights


@pytest.mark.parametrize("name, options, status, message", [
    ("Leaves", (), 2, "netsize: net.py:Leaves cannot take a 4 input: it fails in Leaves: SystemExit: 0\n"),
    ("Interrupts", (), 130, ""),
    ("Deep", (), 2, "netsize: net.py:Deep cannot be run: its modules lie in modules deeper than Python follows, which "
                    "is 1000 calls\n"),
    ("Loops", ("--timeout", "4"), 2, "netsize: --timeout 4: this takes longer, and was given up\n"),
    ("Spins", ("--timeout", "4"), 2, "netsize: --timeout 4: this takes longer, and was given up\n"),
    ("Spins", ("--timeout", "nan"), 2, "netsize: Invalid value for '--timeout': Input should be less "
                                      "than or equal to 1000000\n"),
    pytest.param(
        "Hoards", ("--memory", "1GiB"), 2,
        "netsize: net.py:Hoards at a 4 input runs out of memory in store (Store): --memory allows 1.0 GiB.\n"
        "--no-verify counts it without running it\n",
        marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux refuses memory to a process"),
    ),
])  # fmt: skip
def test_refusals(run, name: str, options: tuple[str, ...], status: int, message: str) -> None:
    done = run(name, *options)
    assert (done.status, done.stdout, done.stderr) == (status, "", message)


def test_the_time_may_be_over_while_torch_is_imported(run) -> None:
    done = run("Spins", "--timeout", "0.5", PYTHONPATH="")  # a process that imports it itself
    expected = "netsize: --timeout 0.5: this takes longer, and was given up\n"
    assert (done.status, done.stdout, done.stderr) == (2, "", expected)


def test_an_interrupt_is_answered(run, tmp_path: Path) -> None:
    run("Exchanges")  # writes the file; that of the cache of bytecode, too
    line = [sys.executable, "-m", "netsize", "net.py:Spins", "--input", "4", "--device", "cpu"]
    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(8)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert time.monotonic() - asked < 5  # measured: 0.1 s; a machine may be busy
        assert process.stderr is not None and process.stderr.read() == ""
