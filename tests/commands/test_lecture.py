"""explain, compare and sweep: the lecture's own examples, literal output, and what bad input gets."""

import json
from pathlib import Path

import pytest
from torch import nn

import netsize
from netsize.commands.cli import main

OF_CONV1 = [
    "explain",
    "conv",
    *["--in", "3", "--out", "64", "--kernel", "11", "--stride", "4", "--padding", "2", "--size", "224"],
]


def test_a_networks_story(capsys) -> None:
    assert main(["explain", "alexnet", "--device", "cpu"]) == 0
    told = capsys.readouterr().out
    for line in (
        "features          5 layers, 3x224x224 -> 256x13x13: 98.1% of the units, 91.8% of the connections and 4.0%",
        "most units        features.0, 39.2% (193,600); convolutions hold 98.1%, features holds 98.1%",
        "its map is large: 55x55 places, each with 64 channels; maps are large early",
        "each of its 139,968 units is connected to 1,600 inputs: a kernel of 5x5 times 64 channels, at every place",
        "fully connected: 9,216 inputs times 4,096 units, and no weight is shared",
        "195x195 (equal to what the gradient of one unit shows), at the last feature map",
        "50.9 for each of ImageNet's 1.2 million training images",
    ):
        assert line in told


def test_layers_that_own_nothing_and_modules(capsys) -> None:
    for name, line in (
        ("features.1", "relu: no units, connections or weights of its own"),
        ("features.2", "not counted, unless --pooling asks for it"),
        ("features", "193,600 + 139,968 + 64,896 + 43,264 + 43,264 = 484,992"),
    ):
        assert main(["explain", "alexnet", name, "--no-verify"]) == 0
        assert line in capsys.readouterr().out
    assert main(["explain", "resnet18", "bn1", "--no-verify"]) == 0
    assert "2 for each channel: a scale and a shift = 2 * 64 = 128" in capsys.readouterr().out


COMPARED = """
  2 networks, ratios to alexnet

  network       units            connections             weights         field
  alexnet     494,184     1x     714,188,480     1x   61,090,496     1x    195
  vgg19    14,861,288◀ 30.1x  19,632,062,464◀ 27.5x  143,652,544◀ 2.35x    268

  vgg19 is the largest by every measure: units, connections, weights, parameters
  alexnet is the smallest by every measure: units, connections, weights,
    parameters
  not verified: counted by formula, without running the networks

"""


def test_compare_at_80_columns(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["compare", "alexnet", "vgg19", "--no-verify"]) == 0
    assert capsys.readouterr().out == COMPARED


def test_compare_verifies_and_takes_patterns_and_saved_reports(tmp_path: Path, capsys) -> None:
    saved = tmp_path / "sizes.json"
    saved.write_text(netsize.analyze("alexnet", device="cpu", receptive_field=True).to_json())
    assert main(["compare", str(saved), "lenet*", "squeezenet1_1", "--device", "cpu", "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    names = [network["model"] for network in compared["networks"]]
    assert names == [str(saved), "lenet5", "squeezenet1_1"]
    assert [network["verified"] for network in compared["networks"]] == ["passed"] * 3
    first, _, squeezenet = compared["networks"]
    assert (first["connections"], first["receptive_field"], first["depth"]) == (714_188_480, "195", 8)
    assert squeezenet["ratios"]["weights"] == squeezenet["weights"] / 61_090_496
    assert first["bulk"]["weights"] == {"part": "classifier", "share": 58_621_952 / 61_090_496}


def test_what_cannot_be_counted_is_a_row_that_says_why(tmp_path: Path, capsys) -> None:
    (tmp_path / "broken.json").write_text("{}")
    assert main(["compare", "lenet5", str(tmp_path / "broken.json"), "lenet6", "--no-verify", "--format", "csv"]) == 2
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[1].startswith("lenet5,")
    assert lines[2].endswith("broken.json is no saved report: it has no schema")
    assert "torchvision has no model 'lenet6'. Did you mean lenet5 or" in lines[3]
    assert len(printed.err.splitlines()) == 2


def test_sweep_of_vgg16() -> None:
    swept = netsize.sweep("vgg16", range(32, 513, 32), device="cpu")
    assert {point.weights for point in swept.points} == {138_344_128}
    at_224 = next(point for point in swept.points if point.value == 224)
    assert (at_224.units, at_224.connections) == (13_556_712, 15_470_264_320)
    exponents = swept.exponents()
    # convolutions grow with the square; the classifier's 4.2 million connections do not
    assert exponents["weights"] == pytest.approx(0, abs=1e-9)
    assert 1.9 < exponents["connections"] < 2 and 1.9 < exponents["units"] < 2
    assert swept.smallest.size == 32
    assert swept.smallest.failure.startswith("it fails in features.30 (MaxPool2d)")
    assert swept.takes == "any"
    assert swept.why == (
        "avgpool (adaptive pool to 7x7) makes the same number of places of a map of any size: what comes behind it, "
        "classifier.0 first, always has as many inputs",
    )
    assert [point.value for point in swept.points if point.verified == "passed"] == [32, 512]


def test_exponent_of_a_convolution_without_padding_effects() -> None:
    """1x1 kernels: units and connections are exactly proportional to the area."""
    swept = netsize.sweep(nn.Conv2d(3, 4, 1), [8, 16, 32], shape="3x8x8", device="cpu")
    assert swept.exponents()["connections"] == pytest.approx(2)
    wide = netsize.sweep(nn.Conv2d(3, 4, 1), [8, 16, 32], shape="3x8x8", varies="width", device="cpu")
    assert wide.exponents()["connections"] == pytest.approx(1)
    assert [point.input for point in wide.points] == [((1, 3, 8, n),) for n in (8, 16, 32)]


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.positions = nn.Conv2d(3, 8, 4, 4), nn.Parameter(nn.Linear(8, 64).weight.detach()[None])

    def forward(self, x):
        return self.patches(x).flatten(2).transpose(1, 2) + self.positions


ONE_SIZE = {
    # network, its size, why it takes no other
    "vit_b_16": (224, "encoder.pos_embedding holds a value for each place: position embeddings are as many as"),
    "flattened": (32, "2 (linear 512 -> 10) is connected to all places of a flattened map, one by one"),
    "positions": (32, "positions holds a value for each place: position embeddings are as many as there are places"),
}


@pytest.mark.parametrize("name", ONE_SIZE)
def test_why_one_size_only(name: str) -> None:
    size, why = ONE_SIZE[name]
    flattened = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(), nn.Linear(8 * 64, 10))
    model = {"flattened": flattened, "positions": Positions()}.get(name, name)
    shape = None if isinstance(model, str) else "3x32x32"
    swept = netsize.sweep(model, [size - 16, size, size + 16], shape=shape, device="cpu")
    assert swept.takes == "one"
    assert swept.why[0].startswith(why)
    assert [point.error is None for point in swept.points] == [False, True, False]


def test_sweep_over_an_argument(capsys) -> None:
    assert main(["sweep", "alexnet", "--set", "num_classes=10,1000", "--device", "cpu", "--json"]) == 0
    swept = json.loads(capsys.readouterr().out)
    assert [point["weights"] for point in swept["points"]] == [61_090_496 - 990 * 4_096, 61_090_496]
    assert swept["varies"] == "num_classes"


@pytest.mark.parametrize("format", ["table", "csv", "markdown", "latex", "json"])
@pytest.mark.parametrize(
    "command",
    [
        ["explain", "conv", "--in", "3", "--out", "4", "--kernel", "3", "--size", "8"],
        ["compare", "lenet5", "alexnet", "--no-verify"],
        ["sweep", "squeezenet1_1", "--input", "64,96"],
    ],
)
def test_formats_into_files(command: list[str], format: str, tmp_path: Path) -> None:
    endings = {"table": ".txt", "csv": ".csv", "markdown": ".md", "latex": ".tex", "json": ".json"}
    file = tmp_path / f"out{endings[format]}"
    assert main([*command, "-o", str(file)]) == 0
    text = file.read_text()
    begins = {
        "json": "{",
        "csv": ("section,", "model,", "value,"),
        "markdown": "**",
        "latex": ("%", "\\para"),
        "table": "\n",
    }
    assert text.startswith(begins[format])
    assert text.endswith("\n")
    if format == "json":
        assert json.loads(text)["schema"] == 1


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for command in (OF_CONV1, ["sweep", "squeezenet1_1", "--input", "16,64,96"], ["explain", "lenet5", "--no-verify"]):
        assert main(command) == 0
    assert main(["compare", "lenet5", "alexnet", "--no-verify"]) == 0
    if width >= 60:
        assert max(map(len, capsys.readouterr().out.splitlines())) <= width


ERRORS = [
    ("explain alexnet featres.0", "alexnet executes no layer 'featres.0'. Did you mean features.0"),
    ("explain alexnt", "torchvision has no model 'alexnt'. Did you mean alexnet?"),
    ("explain alexnet --kernel 3", "--in, --out, --kernel ... belong to the calculators: conv, linear, pool"),
    ("explain conv features.0", "explain conv is a calculator and takes no layer"),
    ("explain conv --in 3", "explain conv lacks --out and --kernel and --size; for example: explain conv --in 3"),
    ("explain linear --in 3", "explain linear lacks --out; for example: explain linear --in 9216 --out 4096"),
    ("explain conv --in 3 --out 4 --kernel 9 --size 5", "it is larger than the padded input (5 + 2*0)"),
    ("explain conv --in 3 --out 4 --kernel 3 --size 5 --groups 2", "it must divide the 3 input and the 4 output"),
    ("explain conv --in 3 --out 4 --kernel 3 --size 5 --groups 0", "--groups 0: at least 1"),
    (
        "explain conv --in 3 --out 4 --kernel 3 --size 5 --examples 9",
        "--input, --set and --examples belong to networks",
    ),
    ("explain conv --in 3 --out 4 --kernel 3 --size 5 --stride 0", "--stride 0x0: at least 1"),
    ("explain conv --in 0 --out 4 --kernel 3 --size 5", "--in 0: at least 1"),
    ("explain conv --in 3 --out 4 --kernel x --size 5", "--kernel x: expected a number, or 3x5 for each axis"),
    ("explain conv --in 3 --out 4 --kernel 3x3x3 --size 5x5", "--size 5x5: there are 3 axes"),
    ("explain conv --in 3 --out 4 --kernel 3 --size 5 --padding same --stride 2", "--padding same needs a stride of 1"),
    ("explain pool --kernel 2 --size 5 --padding 2", "a pool is padded by half of its kernel at most"),
    ("explain pool --kernel 2 --size 5 --groups 2", "explain pool takes no --groups"),
    ("explain linear --in 2 --out 3 --kernel 3", "explain linear takes no --kernel"),
    ("explain conv_transpose --in 3 --out 4 --kernel 3 --size 5 --output-padding 1", "smaller than the stride"),
    ("explain conv_transpose --in 3 --out 4 --kernel 3 --size 1 --padding 3", "it crops all of the output"),
    ("compare alexnet 'resnext9*'", "no model matches 'resnext9*'."),
    ("sweep vgg16 --input 64:512:0", "--input 64:512:0: a step of 0 never ends"),
    ("sweep vgg16 --input 512:64:32", "--input 512:64:32: it runs backwards; 64:512:32 would not"),
    ("sweep vgg16 --input 1:9000", "these are more than 1,000 values"),
    ("sweep vgg16 --input ,", "--input ,: expected a range like 64:512:32, or a list like 64,128,224"),
    ("sweep vgg16 --input 0:64:32", "every size must be at least 1"),
    ("sweep vgg16", "say one thing that varies"),
    ("sweep vgg16 --input 64,96 --width 3", "say one thing that varies"),
    ("sweep nothing.py:Net --input 3,4", "there is no file nothing.py"),
]


@pytest.mark.parametrize("command, message", ERRORS)
def test_errors(command: str, message: str, capsys) -> None:
    assert main([word.strip("'") for word in command.split()]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == "" and len(printed.err.splitlines()) <= 2


def test_a_wrong_formula_is_seen_by_explain_and_compare(monkeypatch, capsys) -> None:
    """A planted mistake: both say that it differs, with both numbers, and end with status 1."""
    from netsize.lecture.formulas import Linear

    monkeypatch.setattr(Linear, "connections", property(lambda self: 1))
    assert main(["explain", "lenet5", "F6", "--device", "cpu"]) == 1
    assert "connections: 1 by formula, 10,080 by running it on ones" in capsys.readouterr().out
    assert main(["compare", "lenet5", "--device", "cpu"]) == 1
    assert "verification failed: F6: connections: 1 by formula" in " ".join(capsys.readouterr().out.split())


class Halves(nn.Module):
    """As a U-Net: twice halved, doubled again, and put beside what was there before."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(1, 1, 2, stride=4), nn.ConvTranspose2d(1, 1, 4, stride=4)

    def forward(self, x):
        return x + self.up(self.down(x))


class Learned(nn.Module):
    """Takes any number of tokens up to ten, which shows only when it is run."""

    def __init__(self) -> None:
        super().__init__()
        self.positions, self.layer = nn.Embedding(10, 4), nn.Linear(4, 4)

    def forward(self, x):
        import torch

        return self.layer(x.transpose(1, 2) + self.positions(torch.arange(x.shape[-1], device=x.device)))


WIDE = """
from torch import nn
def net(width=4):
    return nn.Conv2d(3, width, 1, bias=False)
"""


def test_sweeps_say_what_is_so(tmp_path: Path, monkeypatch, capsys) -> None:
    multiples = netsize.sweep(Halves(), [4, 6, 8, 12, 13, 16], shape="1x8x8", device="cpu")
    assert multiples.takes == "multiples of 4" and "it takes multiples of 4" in str(multiples)
    assert [point.value for point in multiples.counted] == [4, 8, 12, 16]
    beyond = netsize.sweep(Learned(), [5, 10, 11, 40], shape="4x5", varies="width", device="cpu")
    assert [point.value for point in beyond.counted] == [5, 10]
    assert [point.verified for point in beyond.points] == ["passed", "passed", "skipped", "skipped"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wide.py").write_text(WIDE)
    command = ["sweep", "wide.py:net", "--set", "width=2,8", "--shape", "3x5x5", "--json", "--device", "cpu"]
    assert main(command) == 0
    swept = json.loads(capsys.readouterr().out)
    assert swept["varies"] == "width"
    assert [(point["input"], point["weights"]) for point in swept["points"]] == [
        ([[1, 3, 5, 5]], 6),
        ([[1, 3, 5, 5]], 24),
    ]
