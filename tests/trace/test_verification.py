"""Verification bites: a mistake planted in a formula is found on its row, with both numbers and status 1."""

import json
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import torch

from netsize.commands.cli import main
from netsize.lecture import formulas
from netsize.lecture import products as formulas_of_products
from netsize.results.count import count
from netsize.run.examination import examine_built
from netsize.sources import source_of
from netsize.sources.settings import Settings, read_input
from netsize.trace import composites, custom, operations, products, recurrent_kernel

NETWORKS = """
import torch
from torch import nn
import torch.nn.functional as F

class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
    def forward(self, *inputs):
        return self.function(*inputs)

def right(): return nn.Linear(4, 3)
def behind(network, size): return nn.Sequential(network, nn.Flatten(), nn.Linear(size, 3))
def conv(): return behind(nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), groups=2), 6 * 4 * 6)
def same(): return behind(nn.Conv1d(1, 1, 4, padding="same"), 8)
def transposed():
    return behind(nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2), 4 * 8 * 8)
def product(): return behind(Function(lambda x: x @ x.transpose(-1, -2)), 25)
def attention(): return behind(Function(lambda x: F.scaled_dot_product_attention(x, x, x)), 15)
class Bilinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.pair, self.last = nn.Bilinear(3, 2, 4), nn.Linear(4, 3)
    def forward(self, x):
        return self.last(self.pair(x, x[..., :2]))
class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.last = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 3)
    def forward(self, x):
        return self.last(self.lstm(x)[0])
class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.last = nn.Parameter(torch.rand(3, 4, 8)), nn.Linear(8, 3)
    def forward(self, x):
        ends = torch.tensor([2, 2, 5], dtype=torch.int32)
        return self.last(torch._grouped_mm(x[0], self.w, offs=ends)[None, :5])
class Deformable(nn.Module):
    def __init__(self):
        super().__init__()
        from torchvision.ops import DeformConv2d
        self.offsets, self.conv = nn.Conv2d(2, 18, 3, padding=1), DeformConv2d(2, 4, 3, padding=1)
    def forward(self, x):
        return self.conv(x, self.offsets(x))
class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b, self.last = nn.Parameter(torch.rand(3, 4, 6)), nn.Parameter(torch.rand(6)), nn.Linear(6, 3)
    def forward(self, x):
        return self.last(torch.conv_tbc(x.transpose(0, 1), self.w, self.b, 1))
def scripted(): return torch.jit.trace(Recurrent().eval(), torch.rand(1, 5, 3))
@torch.library.custom_op("netsize_tests::planted", mutates_args=())
def planted(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x @ weight
class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        import netsize
        netsize.formula("netsize_tests::planted")(lambda x, weight: weight.shape[0])
        self.w, self.last = nn.Parameter(torch.rand(3, 4)), nn.Linear(4, 3)
    def forward(self, x):
        return self.last(torch.ops.netsize_tests.planted(x, self.w))
def embedding(): return behind(nn.Embedding(10, 4), 20)
def pool(): return behind(nn.MaxPool2d(2, ceil_mode=True), 9)
def adaptive(): return behind(nn.AdaptiveAvgPool2d(3), 9)
def fractional(): return behind(nn.FractionalMaxPool2d(2, output_size=3), 9)
"""

# network, input, class of the formula, what it gets wrong and how, row, what is said
MISTAKES = {
    "conv: groups forgotten": (
        "conv", "4x7x7", "Convolution", {"fan_in": lambda f: prod(f.kernel) * f.input[1]},
        "0", "connections: 3,456 by formula, 1,728 by running it on ones",
    ),
    "conv: padding ignored": (
        "conv", "4x7x7", "Convolution", {"padding_connections": lambda f: 0},
        "0", "connections without padding: 1,728 by formula, 1,440 by running it on ones",
    ),
    "conv: a transposed axis": (
        "conv", "4x7x7", "Convolution", {"output": lambda f: (1, 6, 6, 4)},
        "0", "output: 1x6x6x4 by formula, 1x6x4x6 came out",
    ),
    "conv: one weight too many": (
        "conv", "4x7x7", "Convolution", {"weights": lambda f: 73},
        "0", "weights: 73 by formula, 72 in the parameter that was used",
    ),
    "conv: a bias for each weight": (
        "conv", "4x7x7", "Convolution", {"biases": lambda f: f.weights},
        "0", "biases: 72 by formula, 6 in the parameter that was added",
    ),
    "same: padding on one side only": (
        "same", "1x8", "Convolution", {"padding_connections": lambda f: 1},
        "0", "connections without padding: 31 by formula, 28 by running it on ones",
    ),
    "transposed: what is cropped is forgotten": (
        "transposed", "2x4x4", "TransposedConvolution", {"padding_connections": lambda f: 0},
        "0", "connections without padding: 576 by formula, 484 by running it on ones",
    ),
    "transposed: counted by outputs": (
        "transposed", "2x4x4", "TransposedConvolution", {"connections": lambda f: f.units * 9},
        "0", "connections: 2,304 by formula, 576 by running it on ones",
    ),
    "transposed: output_padding forgotten": (
        "transposed", "2x4x4", "TransposedConvolution", {"output": lambda f: (1, 4, 7, 7)},
        "0", "output: 1x4x7x7 by formula, 1x4x8x8 came out",
    ),
    "linear: fan-in and outputs exchanged": (
        "right", "4", "Linear", {"output": lambda f: (1, 4), "fan_in": lambda f: 3},
        "(Linear)", "output: 1x4 by formula, 1x3 came out",
    ),
    "linear: the bias among the weights": (
        "right", "4", "Linear", {"weights": lambda f: 15},
        "(Linear)", "weights: 15 by formula, 12 in the parameter that was used",
    ),
    "product: fan-in of the wrong axis": (
        "product", "5x3", "Product", {"fan_in": lambda f: f.columns},
        "0", "connections: 125 by formula, 75 by running it on ones",
    ),
    "attention: batch forgotten": (
        "attention", "5x3", "Product", {"connections": lambda f: 1},
        "0", "connections: 1 by formula, 75 by running it on ones",
    ),
    "bilinear: one input only": (
        "Bilinear", "3", "Bilinear", {"fan_in": lambda f: f.input[-1]},
        "pair", "connections: 12 by formula, 24 by running it on ones",
    ),
    "recurrent: the state forgotten": (
        "Recurrent", "5x3", "Recurrent", {"fan_in": lambda f: f.input_size},
        "lstm", "connections: 240 by formula, 560 by running it on ones",
    ),
    "recurrent: one bias for each gate": (
        "Recurrent", "5x3", "Recurrent", {"biases_per_unit": lambda f: 1},
        "lstm", "biases: 16 by formula, 32 in the parameter that was added",
    ),
    "experts: all rows, also those of no group": (
        "Experts", "8x4", "GroupedProduct", {"connections": lambda f: f.rows * f.inner * f.columns},
        "(Experts)", "connections: 256 by formula, 160 by running it on ones",
    ),
    "experts: each row goes through all of them": (
        "Experts", "5x4", "GroupedProduct", {"fan_in": lambda f: f.inner * f.groups,
                                             "connections": lambda f: f.used * f.inner * f.groups * f.columns},
        "(Experts)", "connections: 480 by formula, 160 by running it on ones",
    ),
    "experts: weights of one": (
        "Experts", "5x4", "GroupedProduct", {"weights": lambda f: f.inner * f.columns},
        "(Experts)", "weights: 32 by formula, 96 in the parameter that was used",
    ),
    "deformable: groups of offsets taken for channels": (
        "Deformable", "2x5x5", "DeformableConvolution", {"fan_in": lambda f: prod(f.kernel)},
        "conv", "connections: 900 by formula, 1,800 by running it on ones",
    ),
    "time first: padding ignored": (
        "TimeFirst", "5x4", "Convolution", {"padding_connections": lambda f: 0},
        "(TimeFirst)", "connections without padding: 360 by formula, 312 by running it on ones",
    ),
    "recurrent in one kernel: the state forgotten": (
        "scripted", "5x3", "Recurrent", {"fan_in": lambda f: f.input_size},
        "lstm", "connections: 240 by formula, 560 by running it on ones",
    ),
    "custom: another axis": (
        "Custom", "3", "Custom", {"connections": lambda f: f.units * 4},
        "(Custom)", "connections: 16 by formula, 12 by running it on ones",
    ),
    "embedding: entries and features exchanged": (
        "embedding", "5:int64", "Embedding", {"output": lambda f: (1, 5, 10)},
        "0", "output: 1x5x10 by formula, 1x5x4 came out",
    ),
    "embedding: one entry too many": (
        "embedding", "5:int64", "Embedding", {"weights": lambda f: 44},
        "0", "weights: 44 by formula, 40 in the parameter that was used",
    ),
    "pool: rounded down": (
        "pool", "1x5x5", "Pooling", {"output": lambda f: (1, 1, 2, 2)},
        "0", "output: 1x1x2x2 by formula, 1x1x3x3 came out",
    ),
    "pool: what hangs over is forgotten": (
        "pool", "1x5x5", "Pooling", {"padding_connections": lambda f: 0},
        "0", "connections without padding: 36 by formula, 25 by running it on ones",
    ),
    "adaptive pool: windows that do not overlap": (
        "adaptive", "1x5x5", "Pooling", {"connections": lambda f: 25},
        "0", "connections: 25 by formula, 49 by running it on ones",
    ),
    "fractional pool: windows that do not overlap": (
        "fractional", "1x5x5", "FractionalPooling", {"connections": lambda f: 25},
        "0", "connections: 25 by formula, 36 by running it on ones",
    ),
}  # fmt: skip


@pytest.fixture
def network(tmp_path: Path):
    (tmp_path / "networks.py").write_text(NETWORKS)
    return lambda name: f"{tmp_path / 'networks.py'}:{name}"


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistake_is_found(name: str, network, monkeypatch, capsys) -> None:
    model, shape, formula, wrong, path, said = MISTAKES[name]
    arguments = [network(model), "--input", shape, "--pooling", "--device", "cpu"]
    right = getattr(formulas, formula, None) or getattr(formulas_of_products, formula)
    # Composites make Recurrent themselves, all others are made where operations are read.
    for module in (operations, products, composites, custom, recurrent_kernel):
        if hasattr(module, formula):
            planted = type(f"Wrong{formula}", (right,), {key: property(value) for key, value in wrong.items()})
            monkeypatch.setattr(module, formula, planted)

    assert main([*arguments, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    failed = {
        layer["path"] or f"({layer['type']})": layer for layer in report["layers"] if layer["verified"] == "failed"
    }
    assert list(failed) == [path]
    assert said in failed[path]["problems"]
    assert report["verification"]["status"] == "failed"
    assert f"{path}: {said}" in " ".join(report["verification"]["problems"])

    assert main(arguments) == 1
    table = capsys.readouterr().out
    lines = table.splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith(f"  ✗ {path} "))
    assert any(said in line for line in lines[row + 1 : row + 6])
    assert lines[-2].startswith("  ✗ ")


@pytest.mark.parametrize("model, shape", sorted({(case[0], case[1]) for case in MISTAKES.values()}))
def test_without_the_mistake_nothing_is_found(model: str, shape: str, network, capsys) -> None:
    assert main([network(model), "--input", shape, "--pooling", "--device", "cpu", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verification"]["problems"] == []


def test_a_layer_that_was_not_run_on_ones_is_no_pass(network) -> None:
    built = source_of(network("right")).load(network("right"), Settings())
    facts = examine_built(built, [read_input("4")], device=torch.device("cpu"))
    assert count(facts).verification.status == "passed"
    report = count(replace(facts, calls=(replace(facts.calls[0], executed=None),)))
    assert report.verification.status == report.rows[0].verified == "failed"
    assert report.rows[0].problems == ("connections: 12 by formula, never run on ones",)
