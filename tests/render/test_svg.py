"""SVG: valid, static, with the numbers that the other formats have; and the figures of the README."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from test_html import HOSTILE, STRIDED, Chain, difference
from torch import nn

import netsize
from netsize.lecture.grid import grid_of
from netsize.render import render
from netsize.render.style import Style
from netsize.render.svg.charts import rough

FIGURES = Path(__file__).parent.parent / "figures"
SVG = "{http://www.w3.org/2000/svg}"
RESULTS = {
    "report": lambda: netsize.analyze("resnet18", verify=False),
    "unused": lambda: netsize.analyze("googlenet", verify=False),
    "hostile": lambda: netsize.analyze(Chain({name: nn.Linear(4, 4) for name in HOSTILE}), "4", device="cpu"),
    "nothing": lambda: netsize.analyze(nn.ReLU(), "4", device="cpu"),
    "compare": lambda: netsize.compare(["alexnet", "squeezenet1_1", "nonesuch"], verify=False),
    "none of them": lambda: netsize.compare(["nonesuch"], verify=False),
    "sweep": lambda: netsize.sweep("alexnet", [62, 63, 64, 96, 224]),
    "train": lambda: netsize.training("resnet18", batch=2, device="cpu", measure=True),
    "diff": lambda: difference("vgg16", "vgg19"),
    "the same": lambda: difference("alexnet", "alexnet"),
    "fields": lambda: netsize.analyze("alexnet", verify=False, receptive_field=True),
    "windows": lambda: replace(netsize.explain("alexnet", "features.0", verify=False), grid=grid_of(STRIDED)),
    "explain": lambda: netsize.explain("alexnet", "features.3"),
}


def drawn(result: Any) -> tuple[str, ElementTree.Element]:
    text = render(result, "svg", Style())
    return text, ElementTree.fromstring(text)


@pytest.mark.parametrize("name", RESULTS)
def test_it_is_valid_static_and_inside_of_its_edges(name: str) -> None:
    text, root = drawn(RESULTS[name]())
    assert not re.search("NaN|inf|<script|href|\\bon\\w+=|@import|url\\(", text.partition("<title>")[0])
    width, height = (float(root.attrib[side]) for side in ("width", "height"))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "style", "rect", "text", "line", "circle", "polyline", "path",
    }  # fmt: skip
    for element in root.iter(f"{SVG}rect"):
        x, y = (float(element.get(place, "0")) for place in ("x", "y"))
        assert x >= 0 and x + float(element.attrib["width"]) <= width + 0.1
        assert y >= 0 and y + float(element.attrib["height"]) <= height + 0.1
    for element in root.iter(f"{SVG}text"):
        assert 0 <= float(element.attrib["y"]) <= height


def test_tiles_say_their_numbers_and_add_up() -> None:
    """Those that are large enough to be drawn."""
    report = netsize.analyze(
        Chain({f"block{i}": nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 8)) for i in range(5)}), "8"
    )
    _, root = drawn(report)
    said = [element.text or "" for element in root.iter(f"{SVG}title")]
    for quantity in ("units", "connections", "weights"):
        tiles = [re.fullmatch(rf".*: ([\d,]+) {quantity}, [<\d.]+%", text) for text in said]
        assert sum(int(tile[1].replace(",", "")) for tile in tiles if tile) == getattr(report.totals, quantity)


def test_names_are_written_out() -> None:
    text, root = drawn(RESULTS["hostile"]())
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u202e\ud800-\udfff]", text)
    assert any("\\u202egnp_exe" in (element.text or "") for element in root.iter(f"{SVG}title"))


@pytest.mark.parametrize(
    "number, text", [(1, "1"), (1.5, "1.5"), (999, "999"), (1000, "1K"), (23_500_000, "24M"), (2e9, "2G"), (0.5, "0.5")]
)
def test_numbers_of_an_axis(number: float, text: str) -> None:
    assert rough(number) == text


def _maker() -> Any:
    spec = importlib.util.spec_from_file_location("make", FIGURES / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", _maker().FIGURES)
def test_figures_of_the_readme_are_those_that_are_made(name: str) -> None:
    """Equal to the last digit: `python tests/figures/make.py` makes them again."""
    assert (FIGURES / f"{name}.svg").read_text(encoding="utf-8") == _maker().made(name)


def test_the_manual_shows_them() -> None:
    text = (FIGURES.parent.parent / "netsize" / "manual" / "pictures.md").read_text(encoding="utf-8")
    assert {file.stem for file in FIGURES.glob("*.svg")} == set(re.findall(r"\(../../tests/figures/(\w+)\.svg\)", text))
