"""The network as a figure: which boxes there are, where they stand, and that each format of it is whole."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import netsize
from netsize.commands.cli import main
from netsize.render.diagram.layout import levels, rows
from netsize.results.diagram import MOST, Diagram

SVG = "{http://www.w3.org/2000/svg}"


def convolutions(inside: int, outside: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU(), nn.Conv2d(outside, outside, 3, padding=1))


class UNet(nn.Module):
    """Ronneberger et al. 2015, padded, of three levels."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([convolutions(1, 8), convolutions(8, 16), convolutions(16, 32)])
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList([nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)])
        self.merge = nn.ModuleList([convolutions(32, 16), convolutions(16, 8)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = []
        for index, down in enumerate(self.down):
            x = down(self.pool(x) if index else x)
            kept.append(x)
        kept.pop()
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([kept.pop(), up(x)], 1))
        return x


class Hostile(nn.Module):
    """Names that would break out of every format."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module('a"><script>&_%$#{}', nn.Linear(4, 4))

    def forward(self, x: torch.Tensor) -> Any:
        return next(self.children())(x) + x


MODELS: dict[str, tuple[Any, Any]] = {
    "alexnet": ("alexnet", None), "resnet50": ("resnet50", None), "googlenet": ("googlenet", None),
    "vit_b_16": ("vit_b_16", None), "densenet121": ("densenet121", None), "lenet5": ("lenet5", None),
    "UNet": (UNet(), "1x32x32"), "LSTM": (nn.Sequential(nn.LSTM(4, 3, 2, bidirectional=True)), "5x4"),
    "hostile": (Hostile(), "4"),
}  # fmt: skip


@cache
def drawn(name: str, depth: int | None = None) -> Diagram:
    model, input = MODELS[name]
    return netsize.draw(model, input, depth=depth, verify=name == "UNet")


REPEATS = [
    # torchvision.models.resnet: 3, 4, 6, 3 blocks, of which the first has another input and a shortcut with weights
    ("resnet50", [("layer1.1", "layer1.2", 2), ("layer2.1", "layer2.3", 3), ("layer3.1", "layer3.5", 5),
                  ("layer4.1", "layer4.2", 2)]),
    ("vit_b_16", [("encoder.layers.encoder_layer_0", "encoder.layers.encoder_layer_11", 12)]),
    ("alexnet", []),  # features.8 and features.10 are alike only in what they put out
    ("densenet121", []),  # each layer has a wider input than the one before
]  # fmt: skip


@pytest.mark.parametrize("name, repeats", REPEATS)
def test_blocks_that_are_alike_are_drawn_once(name: str, repeats: list[tuple[str, str, int]]) -> None:
    assert [(r.path, r.until, r.times) for r in drawn(name).repeats] == repeats


TOTALS = [(name, depth) for name in ("resnet50", "alexnet", "vit_b_16", "UNet") for depth in (None, 1, 2, 3)]


@pytest.mark.parametrize("name, depth", TOTALS)
def test_boxes_add_up_to_the_totals(name: str, depth: int | None) -> None:
    """Folded and rolled up, each box as often as it stands for one; pools own nothing."""
    diagram = drawn(name, depth)
    times = [1] * len(diagram.boxes)
    for repeat in diagram.repeats:
        for index in range(repeat.first, repeat.end):
            times[index] *= repeat.times
    for quantity in ("units", "connections", "weights"):
        total = sum(getattr(box, quantity) * n for box, n in zip(diagram.boxes, times))
        assert total == getattr(diagram.report.totals, quantity)


def test_blocks_that_share_their_weights_have_them_once() -> None:
    """The second and third block multiply by the first one's: 2 x 9 weights, three times the connections."""
    blocks = [nn.Sequential(nn.Linear(3, 3, False), nn.Linear(3, 3, False)) for _ in range(5)]
    for block in blocks[1:]:
        block[0].weight, block[1].weight = blocks[0][0].weight, blocks[0][1].weight
    diagram = netsize.draw(nn.Sequential(*blocks), "3", device="cpu")
    assert [(r.path, r.times) for r in diagram.repeats] == [("1", 4)]
    assert [box.weights for box in diagram.boxes] == [0, 9, 9, 0, 0]


DEPTHS = [
    ("resnet50", 1, ["input", "conv1", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"]),
    ("alexnet", 1, ["input", "features", "avgpool", "classifier"]),
    ("vit_b_16", 1, ["input", "conv_proj", "encoder", "heads.head"]),  # one operation is shown as itself
]


@pytest.mark.parametrize("name, depth, paths", DEPTHS)
def test_modules_below_a_depth_are_one_box(name: str, depth: int, paths: list[str]) -> None:
    diagram = drawn(name, depth)
    assert [box.path or "input" for box in diagram.boxes] == paths
    assert all(source == index - 1 for index, box in enumerate(diagram.boxes) for source in box.sources)


def test_a_network_that_is_stopped_ends_there() -> None:
    """The sum of the last block in layer1 is what comes out of it."""
    boxes = netsize.draw("resnet18", "3x64x64", until="layer1", device="cpu").boxes
    assert [(box.path, box.operation) for box in boxes[-2:]] == [("layer1.0.conv2", "conv 3x3"), ("layer1.0", "add")]


def test_layers_in_a_rolled_up_box_are_those_of_all_repeated_blocks() -> None:
    """ResNet-50: 3, 4, 6 and 3 blocks of 3 convolutions, and one more in the first of each (Table 1 of the paper)."""
    assert [box.layers for box in drawn("resnet50", 1).boxes[3:7]] == [10, 13, 19, 10]


@pytest.mark.parametrize("name", MODELS)
def test_nothing_lies_on_anything_else_or_outside(name: str) -> None:
    placed = [box for row in rows(drawn(name)) for index, box in row.boxes.items() if index != row.before]
    assert len(placed) == len(drawn(name).boxes) <= MOST
    for one, other in combinations(placed, 2):
        apart = one.right <= other.x or other.right <= one.x or one.bottom <= other.top or other.bottom <= one.top
        assert apart, (one.box.path, other.box.path)
    svg = ElementTree.fromstring(drawn(name).to_svg())
    width, height = (float(svg.attrib[side]) for side in ("width", "height"))
    assert all(box.x >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height for box in placed)


def test_a_u_net_is_a_u() -> None:
    """Each pool one level down, each transposed convolution one up; what is kept is joined on its own level."""
    diagram = drawn("UNet")
    assert diagram.report.verification.status == "passed"
    found = dict(zip((f"{box.path}:{box.operation}" for box in diagram.boxes), levels(diagram.boxes)))
    assert [found[name] for name in ("down.0.2:conv 3x3", "down.1.2:conv 3x3", "down.2.2:conv 3x3")] == [0, 1, 2]
    assert [found[name] for name in ("merge.0.2:conv 3x3", "merge.1.2:conv 3x3")] == [1, 0]
    joins = [box for box in diagram.boxes if box.kind == "join"]
    assert [[diagram.boxes[source].path for source in box.sources] for box in joins] == [
        ["down.1.2", "up.0"], ["down.0.2", "up.1"],
    ]  # fmt: skip


def test_what_is_wrong_stands_in_the_figure() -> None:
    """Its problems, of a diagram whose verification failed."""
    diagram = drawn("UNet")
    failed = replace(diagram.report.verification, status="failed", problems=("down.0.0: 1 by formula, 2 by running",))
    wrong = replace(diagram, report=replace(diagram.report, verification=failed))
    assert all("2 by running" in text for text in (wrong.to_svg(), wrong.to_latex(), wrong.to_html()))
    assert "by running" not in diagram.to_svg()


def test_texts_of_a_figure() -> None:
    texts = [text.text for text in ElementTree.fromstring(drawn("alexnet").to_svg()).iter(f"{SVG}text")]
    assert texts[:8] == ["3x224x224", "input", "64x55x55", "features.0", "conv", "11x11 /4", "64x27x27", "features.2"]


def test_names_break_out_of_nothing() -> None:
    svg, page = drawn("hostile").to_svg(), drawn("hostile").to_html()
    assert [child.tag for child in ElementTree.fromstring(svg).iter() if "script" in child.tag] == []
    assert "<script>&_" not in page


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_tikz_compiles_to_one_page(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(drawn(name).to_latex(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(1 page," in done.stdout


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table without -o; files by their ending; and the status of what is shown."""
    assert main(["draw", "alexnet", "--no-verify", "--depth", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "layers" in line][:2] == [
        ["1", "features", "8", "layers", "256x6x6", "0", "1"],
        ["3", "classifier", "3", "layers", "1000", "2", "1"],
    ]
    for ending, begins in ((".svg", "<?xml"), (".tex", "% AlexNet"), (".html", "<!DOCTYPE"), (".json", "{")):
        file = tmp_path / f"a{ending}"
        assert main(["draw", "alexnet", "--no-verify", "-o", str(file)]) == 0
        assert file.read_text(encoding="utf-8").startswith(begins)
    assert json.loads((tmp_path / "a.json").read_text())["boxes"][1]["units"] == 193_600
    assert main(["draw", "alexnet", "--depth", "0"]) == 2
