"""Networks that are larger than memory: counted without any, and run with one layer's parameters at a time."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import netsize
from netsize.commands.cli import main
from netsize.commands.options import read_memory

NET = """
import torch
from torch import nn
import torch.nn.functional as F

class Chain(nn.Sequential):
    def __init__(self, layers=10, width=4096, bias=True):
        super().__init__(*(nn.Linear(width, width, bias=bias) for _ in range(layers)))

class Mixed(nn.Module):
    '''Kinds of layers whose parameters reach their operations in different ways.'''
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(1000, 512)
        self.attention = nn.MultiheadAttention(512, 8, batch_first=True)
        self.norm = nn.LayerNorm(512)
        self.tied = nn.Linear(512, 1000, bias=False)
        self.tied.weight = self.embed.weight
        self.conv = nn.Conv1d(512, 512, 3, padding=1)
        self.scale = nn.Parameter(torch.empty(512, 1024))
    def forward(self, ids):
        x = self.norm(self.embed(ids))
        x = x + self.attention(x, x, x)[0]
        x = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return self.tied((x @ self.scale)[..., :512])

class Table(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(20_000_000, 2048))  # 164 GB
    def forward(self, x):
        return F.linear(x, self.weight)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


def test_one_parameter_that_no_machine_holds(capsys) -> None:
    assert main(["net.py:Table", "--input", "2048", "--no-verify", "--format", "csv"]) == 0
    assert ",40960000000,0,40960000000,0,skipped" in capsys.readouterr().out


@pytest.mark.parametrize("model, shape", [("net.py:Chain", "4096"), ("net.py:Mixed", "7:int64")])
def test_layer_by_layer_is_the_same(model: str, shape: str) -> None:
    """Each kind of layer is verified with parameters that exist for its operation only."""
    from netsize.results.count import count
    from netsize.run.examination import examine

    whole = count(examine(model, shape, device="cpu"))
    pieces = count(examine(model, shape, device="cpu", limit=300 * 2**20 if "Chain" in model else 9 * 2**20))
    assert whole.verification.piecewise == 0 and pieces.verification.piecewise > 0
    assert pieces.verification.problems == ()
    assert (pieces.rows, pieces.totals) == (whole.rows, whole.totals)


def test_it_is_said(capsys) -> None:
    assert main(["net.py:Chain", "--input", "4096", "--device", "cpu", "--memory", "300MiB"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "10 of 10 layers verified by a forward pass on cpu, with the 0.6 GiB of its parameters in memory layer by"
        in said
    )


def test_not_even_one_layer_fits(capsys) -> None:
    assert main(["net.py:Chain", "--input", "4096", "--device", "cpu", "--memory", "10MiB"]) == 2
    error = capsys.readouterr().err
    assert "is too large to be run: it takes about 0.6 GiB, or 0.1 GiB layer by layer, and --memory allows" in error
    assert len(error.splitlines()) == 2


LIMITED = """
import resource
import sys
from pathlib import Path

from netsize.__main__ import run

taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = taken + 22 * 2**30 // 10
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
run()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v")
def test_twice_the_memory_there_is(netsize, tmp_path: Path) -> None:
    """70 layers of 4096 x 4096 take 4.4 GiB; what the process may have beyond torch itself is 2.2 GiB. The limit is
    the system's: a process that exceeds it fails."""
    (tmp_path / "limited.py").write_text(LIMITED)
    line = ["net.py:Chain", "--set", "layers=70", "--input", "4096", "--device", "cpu", "--top", "3"]
    done = netsize(*line, module="limited")
    assert (done.status, done.stderr) == (0, "")
    assert "✓ 70 of 70 layers verified" in done.stdout
    assert "GiB of its parameters in memory layer by layer" in " ".join(done.stdout.split())


def test_a_chain_of_ten_thousand_layers_costs_ten_thousand_times_one() -> None:
    """No work that grows with the square: all layers are counted, in order, under their own names."""
    report = netsize.analyze(nn.Sequential(*(nn.Linear(2, 2, bias=False) for _ in range(10_000))), "2", device="cpu")
    assert len(report.rows) == 10_000 and report.rows[-1].path == "9999"
    assert report.totals.connections == 40_000
    assert report.depth == 10_000


def test_the_random_numbers_of_parameters_are_there_when_needed() -> None:
    """A network that is run has values everywhere: nothing is left as it was allocated."""
    from netsize.sources.initialisers import materialised

    shape = torch.empty(512, 300, device="meta")
    for view in (shape, shape.t(), shape[3:9], shape[:, ::2], shape.expand(4, 512, 300)):
        real = materialised(view, torch.device("cpu"))
        assert real.shape == view.shape
        assert real.isfinite().all() and real.abs().max() <= 1 and real.std() > 0


@pytest.mark.parametrize("text, size", [("4GiB", 2**32), ("512MiB", 2**29), ("8GB", 8 * 10**9), ("1.5gib", 3 * 2**29)])
def test_sizes(text: str, size: int) -> None:
    assert read_memory(text) == size


@pytest.mark.parametrize("text", ["4", "GiB", "-1GiB", "4 parsecs", "0MiB"])
def test_sizes_that_are_none(text: str, capsys) -> None:
    assert main(["lenet5", "--memory", text]) == 2
    assert f"--memory {text}: expected a size like 4GiB or 512MiB" in capsys.readouterr().err
