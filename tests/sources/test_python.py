"""Anybody's Python: files, modules and packages with one network or several, relative imports, src, configurations."""

import os
import py_compile
from pathlib import Path

import pytest

BLOCKS = """
from torch import nn

class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layer = nn.Linear(n, n)

    def forward(self, x):
        return self.layer(x)
"""
NET = """
import argparse
from dataclasses import dataclass, field
from typing import Optional

from torch import nn

from .blocks import Block

parser = argparse.ArgumentParser()
parser.add_argument("--epochs")
parser.parse_args()  # sys.argv is the file's own

@dataclass
class Inner:
    size: int = 3

@dataclass
class Config:
    layers: int = 2
    n: int = 8
    inner: Inner = field(default_factory=Inner)

class Head(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layer = nn.Linear(n, 4)

    def forward(self, x):
        return self.layer(x)

class Net(nn.Module):
    def __init__(self, config: Optional[Config] = None):
        super().__init__()
        config = config or Config()
        self.blocks = nn.Sequential(*[Block(config.n) for _ in range(config.layers)])
        self.head, self.inner = Head(config.n), nn.Linear(config.n, config.inner.size)

    def forward(this, x, *, mask, scale=2):
        return this.head(this.blocks(x)) * mask, this.inner(x)

class Bare(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.head = Head(config.n)

    def forward(self, x):
        return self.head(x)
"""
LISTED = """\
netsize: {0} has 3 networks. Name one, with what its forward takes:
  netsize {0}:Net --input x=3x224x224 --input mask=3x224x224  # forward(x, mask, scale=2)
  netsize {0}:Bare --input 3x224x224                          # forward(x)
  netsize {0}:Head --input 3x224x224                          # forward(x)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    package = tmp_path / "src" / "mine"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'mine'\n")
    (package / "__init__.py").write_text("")
    (package / "blocks.py").write_text(BLOCKS)
    (package / "net.py").write_text(NET)
    (tmp_path / "use.py").write_text(
        "from torch import nn\nfrom mine.net import Net, Config\n"
        "def build() -> nn.Module:\n    return Net(Config(layers=1))\n"
    )
    return tmp_path


@pytest.mark.parametrize("model", ["src/mine/net.py", "mine.net"])
def test_several_networks_are_listed_with_a_command_for_each(netsize, project: Path, model: str) -> None:
    done = netsize(model)
    assert (done.status, done.stdout, done.stderr) == (2, "", LISTED.format(model))


def test_a_package_without_one_names_its_modules(netsize, project: Path) -> None:
    done = netsize("src/mine")
    listed = [
        "src/mine has no network itself. These of its modules have some:",
        "src/mine/blocks.py",
        "src/mine/net.py",
    ]
    assert done.status == 2
    assert [line.split("netsize")[-1].removeprefix(": ").strip() for line in done.stderr.splitlines()] == listed


ONE = [
    # a MODEL, more arguments, and connections: 8 x 8 of each block, 8 x 4 of the head, 8 x 3 of the inner layer
    ("src/mine/net.py:Net", [], 2 * 64 + 32 + 24),
    ("src/mine/net.py::Net", [], 2 * 64 + 32 + 24),
    ("mine.net:Net", [], 2 * 64 + 32 + 24),
    ("mine.net:Net", ["--set", "config.layers=5", "--set", "config.inner.size=1"], 5 * 64 + 32 + 8),
    ("use.py", [], 64 + 32 + 24),  # the only one that it makes itself
]


@pytest.mark.parametrize("model, more, connections", ONE)
def test_one_network(netsize, project: Path, model: str, more: list[str], connections: int) -> None:
    done = netsize(model, "--input", "x=8", "--input", "mask=1", "--json", *more)
    assert (done.status, done.stderr) == (0, "")
    assert done.json["totals"]["connections"] == connections
    assert done.json["verification"]["status"] == "passed"


def test_a_file_with_one_network_needs_no_name(netsize, project: Path) -> None:
    done = netsize("src/mine/blocks.py", "--set", "n=3", "--input", "3", "--json")
    assert (done.status, done.json["model"], done.json["totals"]["weights"]) == (0, "src/mine/blocks.py:Block", 9)


def test_a_range_of_a_configuration(netsize, project: Path) -> None:
    done = netsize(
        "sweep", "mine.net:Net", "--set", "config.layers=1:3", "--shape", "x=8", "--shape", "mask=1", "--json"
    )
    assert done.status == 0
    assert [point["weights"] for point in done.json["points"]] == [120, 184, 248]


WRONG = [
    (["mine.net:Net", "--set", "config.layer=3"], "unexpected keyword argument 'layer'. Did you mean layers?"),
    (["mine.net:Net", "--set", "config.inner.sise=3"], "unexpected keyword argument 'sise'. Did you mean size?"),
    (
        ["mine.net:Bare", "--set", "config.n=4"],
        "it has no annotation. Annotate it (config: Config), or add a factory and count that:\n"
        "  def my_bare():\n      return Bare(Config(n=4))\n",
    ),
    (["src/mine/no.py"], "there is no file src/mine/no.py"),
    (["mine.net:Nett"], "mine.net has no 'Nett'. Did you mean Net?"),
    (["src"], "src is a folder without a config.json"),
    (["use.py:"], "say what in it is the network, as use.py:Net"),
]


@pytest.mark.parametrize("arguments, message", WRONG)
def test_what_is_wrong_is_said(netsize, project: Path, arguments: list[str], message: str) -> None:
    done = netsize(*arguments)
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr


def test_an_object_that_is_a_default_keeps_what_is_not_set(netsize, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from dataclasses import dataclass\nfrom torch import nn\n"
        "@dataclass(frozen=True)\nclass Config:\n    a: int = 2\n    b: int = 3\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, config=Config(a=7)):\n"
        "        super().__init__()\n        self.layer = nn.Linear(config.a, config.b)\n"
        "    def forward(self, x): return self.layer(x)\n"
    )
    done = netsize("net.py:Net", "--set", "config.b=5", "--input", "7", "--json")
    assert (done.status, done.json["totals"]["weights"]) == (0, 35)
    done = netsize("net.py:Net", "--set", "config.c=5", "--input", "7")
    assert (done.status, "its 'config' has no 'c'" in done.stderr) == (2, True)


def test_a_file_is_what_it_says_now(netsize, tmp_path: Path) -> None:
    """Compiled before, changed in the same second to a text of the same length: Python takes it for the old one."""
    file = tmp_path / "net.py"
    for width in (3, 5):
        file.write_text(f"from torch import nn\ndef net(): return nn.Linear(4, {width})\n")
        os.utime(file, (10**9, 10**9))
        if width == 3:
            py_compile.compile(str(file))
    report = netsize("net.py:net", "--input", "4", "--json").json
    assert report["totals"]["connections"] == 4 * 5
