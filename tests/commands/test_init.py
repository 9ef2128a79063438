"""netsize init and badge: first cases of a project in a src layout, and a number for its README."""

import json
from pathlib import Path

import pytest

BLOCKS = """
from torch import nn

class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
    def forward(self, x):
        return self.conv(x)
"""
NETS = """
from torch import nn
from mine.blocks import Block

class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.block, self.last = nn.Conv2d(1, 4, 3, padding=1), Block(4), nn.Linear(4 * 28 * 28, 10)
    def forward(self, x):
        return self.last(self.block(self.first(x)).flatten(1))

class Told(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.last = nn.Linear(size, 10)
    def forward(self, x):
        return self.last(x)
"""
PROJECT = '[project]\nname = "mine"\nversion = "1"\n'
WRITTEN = """\
[[tool.netsize.case]]
model = "src/mine/net.py:Images"
input = "1x28x28"
weights = "<= 35K"                # 31,540 today
connections = "<= 190K"           # 172,480 today
units = "<= 7K"                   # 6,282 today
"""
# 3*3*4 + 3*3*4*4 + 3136*10 weights; 784 * (36 + 144) + 31360 connections; 2 * 3136 + 10 units


@pytest.fixture
def project(tmp_path: Path) -> Path:
    package = tmp_path / "src" / "mine"
    package.mkdir(parents=True)
    for name, text in {"__init__.py": "", "blocks.py": BLOCKS, "net.py": NETS}.items():
        (package / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def test_first_cases(netsize, project: Path) -> None:
    """A block is a part of a network; what needs an argument is left out, and named."""
    done = netsize("init", "--device", "cpu")
    assert done.status == 0
    assert done.stdout == f"{WRITTEN}\nwritten into pyproject.toml; `netsize check` holds them\n"
    assert done.stderr == (
        "netsize: left out: src/mine/net.py:Told() cannot be built: TypeError: Told.__init__() missing 1 required "
        "positional argument: 'size'\n"
    )
    assert (project / "pyproject.toml").read_text() == f"{PROJECT}\n{WRITTEN}"
    assert netsize("check", "--device", "cpu").status == 0
    again = netsize("init", "--device", "cpu")
    assert again.status == 2 and "there is no other network here to write a case for" in again.stderr
    assert (project / "pyproject.toml").read_text() == f"{PROJECT}\n{WRITTEN}"


def test_without_a_project_a_file_of_its_own(netsize, project: Path) -> None:
    (project / "pyproject.toml").unlink()
    (project / "src" / "mine" / "net.py").write_text(BLOCKS.replace("Block", "Alone"))  # needs nothing of a package
    (project / "src" / "mine" / "__init__.py").unlink()
    assert "`netsize check netsize.toml` holds them" in netsize("init", "--device", "cpu").stdout
    assert netsize("check", "netsize.toml", "--device", "cpu").status == 0


def test_nothing_to_write(netsize, tmp_path: Path) -> None:
    done = netsize("init")
    assert (done.status, list(tmp_path.glob("*.toml"))) == (2, [])
    assert "there is no network here that can be built" in done.stderr and "netsize help ci" in done.stderr


def test_cases_in_another_form_are_not_broken(netsize, project: Path) -> None:
    text = PROJECT + '[tool.netsize]\ncase = [{model = "lenet5"}]\n'
    (project / "pyproject.toml").write_text(text)
    done = netsize("init", "--device", "cpu")
    assert (done.status, (project / "pyproject.toml").read_text()) == (2, text)
    assert "has its cases in another way than [[tool.netsize.case]]" in done.stderr


def test_badges(netsize, project: Path) -> None:
    assert netsize("badge", "lenet5", "weights", "-o", "badge.json", "--device", "cpu").status == 0
    badge = json.loads((project / "badge.json").read_text())
    assert badge == {"schemaVersion": 1, "label": "weights", "message": "59.8K", "color": "blue"}  # 59,752
    netsize("init", "--device", "cpu")
    name = "src/mine/net.py:Images"
    assert netsize("badge", name, "macs", "--case", "--device", "cpu").json["color"] == "brightgreen"
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("<= 35K", "<= 30K"))
    assert netsize("badge", name, "--case", "--device", "cpu").json["color"] == "red"


@pytest.mark.parametrize("words, said", [
    ("badge lenet5 weigths", "netsize: there is no quantity weigths. Did you mean weights?\n"),
    ("badge lenet --case", "netsize: no case has the name 'lenet'. Did you mean lenet5?\n"),
    ("badge lenet5 --case --bias x", "netsize: No such option: --bias"),
    ("freeze lenet5 -o sizes.txt", "netsize: -o sizes.txt: a frozen report is JSON, which diff and check read: "
                                   "-o sizes.json\n"),
])  # fmt: skip
def test_mistakes(netsize, project: Path, words: str, said: str) -> None:
    (project / "pyproject.toml").write_text(PROJECT + '[[tool.netsize.case]]\nmodel = "lenet5"\nweights = "60K"\n')
    done = netsize(*words.split())
    assert done.status == 2 and done.stderr.startswith(said)


WRONG = """
import netsize, torch
from torch import nn

@torch.library.custom_op("netsize_init::rows", mutates_args=())
def rows(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x @ weight.T

@rows.register_fake
def _(x, weight):
    return x @ weight.T

netsize.formula("netsize_init::rows")(lambda x, weight: 7)  # it is 4

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
    def forward(self, x):
        return torch.ops.netsize_init.rows(x, self.first.weight)
"""


def test_a_number_that_failed_its_verification_is_not_written(netsize, project: Path) -> None:
    (project / "src" / "mine" / "net.py").write_text(WRONG)
    (project / "src" / "mine" / "blocks.py").unlink()
    name = ("src/mine/net.py:Net", "weights", "--input", "4", "--device", "cpu")
    assert netsize(name[0], *name[2:]).status == 1
    badge, init = netsize("badge", *name), netsize("init", "--device", "cpu")
    assert (badge.status, badge.stdout) == (2, "") and "gets no badge: " in badge.stderr
    assert init.status == 2 and "src/mine/net.py:Net: verification failed: " in init.stderr
    assert (project / "pyproject.toml").read_text() == PROJECT
