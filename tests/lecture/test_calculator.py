"""The calculator and derivations: the lecture's own examples, literal output, and the numbers of the formulas."""

import json
import subprocess
import sys

import pytest
from torch import nn

import netsize
from netsize.commands.cli import main
from netsize.lecture.calculator import Hyperparameters, layer
from netsize.lecture.derivation import derive

CONV1 = """
  conv 11x11 /4, 3 -> 64

  3x224x224 -> 64x55x55

  height and width  floor((size + 2 padding - K) / stride) + 1
                    = floor((224 + 2*2 - 11) / 4) + 1 = 55
                    217 / 4 = 54.25 is floored: the last element of the padding
                    is in no window
  output            N x places = 64x55x55
  fan_in            K^2 M = 11*11 * 3 = 363
  units             places * N = 55*55 * 64 = 193,600
  connections       units * fan_in = 193,600 * 363 = 70,276,800
  weights           fan_in * N = 363 * 64 = 23,232
  biases            N = 64
  to padding        connections - N M (pairs inside)
                    = 70,276,800 - 64 * 3 * 602*602 = 695,232
                    along an axis, 602 of 55*11 pairs of an output and a tap lie
                    inside the input; 1.0% of the connections lead to zeros, and
                    are counted
                    the lecture's plain formula (stride 1, padding (K - 1) / 2 =
                    5, one group) would give 64x224x224: 3,211,264 units,
                    1,165,688,832 connections, 23,232 weights
                    stride 4: without it 218x218 places, 15.7 times the units,
                    15.7 times the connections
                    padding 2: a padding of 5 would give 56x56 places, 1.04
                    times the units, 1.04 times the connections

"""
OF_CONV1 = [
    "explain",
    "conv",
    *["--in", "3", "--out", "64", "--kernel", "11", "--stride", "4", "--padding", "2", "--size", "224"],
]


def test_calculator_at_80_columns(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(OF_CONV1) == 0
    assert capsys.readouterr().out == CONV1


def test_a_layer_and_the_calculator_agree(capsys) -> None:
    """193,600 / 70,276,800 / 23,232: the published first layer of torchvision's AlexNet, derived twice."""
    assert main([*OF_CONV1, "--json"]) == 0
    calculated = json.loads(capsys.readouterr().out)["sections"][0]["steps"]
    assert main(["explain", "alexnet", "features.0", "--device", "cpu", "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["verification"]["status"] == "passed"
    steps = explained["sections"][0]["steps"]
    assert steps[: len(calculated)] == calculated
    values = {step["what"]: step["value"] for step in calculated}
    assert (values["units"], values["connections"], values["weights"]) == (193_600, 70_276_800, 23_232)
    assert steps[-1]["value"].startswith("✓ equal · on cpu: 64x55x55 came out; 23,232 weights")


def test_the_calculator_needs_no_torch() -> None:
    code = f"import sys; from netsize.commands.cli import main; main({OF_CONV1!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


CALCULATED = {
    # command, output (places), units, connections, weights
    # lecture 7: a 3x3 kernel on a 5x6 input; 2x2 max pooling with stride 2; a 3x3 kernel with stride 2 on 7x7
    "lecture, convolution": ("conv --in 1 --out 1 --kernel 3 --size 5x6", "1x3x4", 12, 108, 9),
    "lecture, pooling": ("pool --kernel 2 --stride 2 --size 4", "1x2x2", 4, 16, 0),
    "lecture, stride": ("conv --in 1 --out 1 --kernel 3 --stride 2 --size 7", "1x3x3", 9, 81, 9),
    "a pool's stride is its kernel": ("pool --kernel 2 --size 224 --in 64", "64x112x112", 802_816, 3_211_264, 0),
    "groups": ("conv --in 4 --out 8 --kernel 3 --padding 1 --groups 2 --size 4", "8x4x4", 128, 128 * 18, 144),
    "depthwise": ("conv --in 64 --out 64 --kernel 3 --padding 1 --groups 64 --size 56", "64x56x56", 200_704,
                  1_806_336, 576),
    "dilation": ("conv --in 1 --out 1 --kernel 3 --dilation 2 --size 7", "1x3x3", 9, 81, 9),
    "same, an even kernel": ("conv --in 1 --out 1 --kernel 4 --padding same --size 6", "1x6x6", 36, 576, 16),
    "uneven": ("conv --in 1 --out 1 --kernel 1x7 --padding 0x3 --size 9", "1x9x9", 81, 567, 7),
    "one axis of three": ("conv --in 2 --out 3 --kernel 3x3x3 --size 8", "3x6x6x6", 648, 648 * 54, 162),
    "linear": ("linear --in 9216 --out 4096", "4096", 4_096, 37_748_736, 37_748_736),
    "ceil": ("pool --kernel 3 --stride 2 --size 8 --ceil", "1x4x4", 16, 144, 0),
    "transposed": ("conv_transpose --in 8 --out 4 --kernel 3 --stride 2 --size 5", "4x11x11", 484, 7_200, 288),
}  # fmt: skip


@pytest.mark.parametrize("name", CALCULATED)
def test_calculator(name: str, capsys) -> None:
    command, output, units, connections, weights = CALCULATED[name]
    assert main(["explain", *command.split(), "--verify", "--device", "cpu", "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    values = {step["what"]: step["value"] for step in explained["sections"][0]["steps"] if step["what"]}
    assert (values["units"], values["connections"], values["weights"]) == (units, connections, weights)
    assert explained["sections"][0]["title"].endswith(f"-> {output}")
    assert explained["verification"]["status"] == "passed"  # it was really run


def test_a_layer_without_a_bias_has_none(capsys) -> None:
    assert main(["explain", "resnet18", "conv1", "--no-verify"]) == 0
    assert "none: this layer has no bias" in capsys.readouterr().out


def test_depth_of_a_recurrent_network_does_not_depend_on_its_steps() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(5, 4, num_layers=2, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.lstm(x)[0])

    for steps in (1, 2, 20):
        report = netsize.analyze(Net(), (steps, 5), verify=False)
        assert report.depth == 3
        assert report.rows[-1].field is not None and report.rows[-1].field.whole


def test_every_formula_has_a_derivation_that_ends_in_its_numbers() -> None:
    """What a step derives is what the formula counts: on all layers of networks that hold every kind."""
    from netsize.run.examination import examine

    kinds = set()
    for model, shape in (
        ("alexnet", None), ("lenet5", None), ("mobilenet_v2", None), ("vit_b_32", None),
        (nn.LSTM(8, 4, batch_first=True), "5x8"), (nn.ConvTranspose2d(3, 4, 3, 2, 1), "3x5x5"),
        (nn.Embedding(9, 4), "5:int64"),
    ):  # fmt: skip
        for call in examine(model, shape, verify=False).calls:
            steps = {step.what: step.value for step in derive(call.formula)}
            kinds.add(call.kind)
            assert steps.get("units", 0) == call.formula.units
            assert steps["connections"] == call.formula.connections
            assert steps.get("weights", 0) == call.formula.weights
            if call.formula.padding_connections and call.kind == "conv":
                assert steps["to padding"] == call.formula.padding_connections
    assert kinds >= {"conv", "linear", "attention", "pooling", "recurrent", "conv_transpose", "embedding", "distance"}


def test_hyperparameters_without_a_command_line() -> None:
    formula = layer("conv", Hyperparameters(3, 64, "11", "4", "2", size="224"))
    assert (formula.units, formula.connections, formula.weights) == (193_600, 70_276_800, 23_232)
