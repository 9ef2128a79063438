"""What a new user types, and the line that is to be copied, or that says what was meant."""

from pathlib import Path

import pytest
import torch
from torch import nn

import netsize as api
from netsize.commands.cli import main

NETS = """
from torch import nn

class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 10)
    def forward(self, x):
        return self.last(self.conv(x).mean((2, 3)))

class Series(nn.Sequential):
    def __init__(self):
        super().__init__(nn.LSTM(5, 6, batch_first=True), nn.Linear(6, 2))
"""
SAID = [
    # typed, and how the message ends
    ("alexnet --quiet", "No such option: --quiet\nTry: netsize alexnet --top 1"),
    ("explain dense", "explain linear lacks --in and --out; for example: explain linear --in 9216 --out 4096"),
    ("explain fc --in 5", "explain linear lacks --out; for example: explain linear --in 9216 --out 4096"),
    (
        "explain conv --in 3 --out 4 --kernel 3 --size 3x224x224",
        "a size is that of a map, without its 3 channels: --size 224x224 (in three dimensions, say --kernel 3x3x3)",
    ),
    # of a name that no other test has imported
    ("pictures.Images", "torchvision has no model 'pictures.Images'. Did you mean pictures.py:Images or pictures.py?"),
    ("src/other:Net", "there is no file src/other. Did you mean src/other.py?"),
    ("net.py:Images --input 3x32", "A Conv2d takes channels x height x width: --input 3x32x32"),
    (
        "net.py:Series --input 7x5",
        "The layer before gives a tuple (of an LSTM its output and its state): hand on its first element",
    ),
    ("lenet5 --device gpu", "there is no device 'gpu'; there are auto, cpu, cuda, mps. Try: --device cuda"),
    (
        "sweep alexnet --input 3x64x64",
        "expected a range like 64:512:32, or a list like 64,128,224; what does not vary is --shape 3x64x64",
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    for name in ("net.py", "pictures.py", "src/other.py"):
        (tmp_path / name).write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("typed, said", SAID)
def test_what_is_said(typed: str, said: str, folder: Path, capsys) -> None:
    assert main(typed.split()) == 2
    assert capsys.readouterr().err.rstrip("\n").endswith(said)


def test_the_calculators_have_the_names_that_others_give_them(netsize) -> None:
    line = ("--in", "3", "--out", "4", "--kernel", "3", "--size", "8")
    assert netsize("explain", "Conv2d", *line).stdout == netsize("explain", "conv", *line).stdout


IN_PYTHON = [
    (lambda: api.analyze(nn.Linear(3, 4)), 'say what it takes, as input="3x224x224" (no batch axis'),
    (lambda: api.analyze(nn.Conv2d(3, 4, 3), "3x32"), 'A Conv2d takes channels x height x width: input="3x32x32"'),
    (lambda: api.analyze("alexnet", until="features.99"), 'until="features.99": AlexNet has no such layer'),
    (lambda: api.analyze("lenet5", device="gpu"), 'Try: device="cuda"'),
    (lambda: api.analyze("alexnet", classes=0), "classes=0: at least 1"),
]


@pytest.mark.parametrize("call, said", IN_PYTHON)
def test_python_is_told_of_its_arguments(call, said: str) -> None:
    with pytest.raises(api.NetsizeError) as raised:
        call()
    assert said in str(raised.value)
    assert "--" not in str(raised.value).replace(str(torch), "")
