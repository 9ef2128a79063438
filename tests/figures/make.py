"""The figures of the README. `python tests/figures/make.py` makes them again; a test compares."""

import re
import sys
from pathlib import Path

import netsize
from netsize.render import render
from netsize.render.style import Style
from netsize.results.difference import compare_reports
from netsize.results.schema import as_dict

FOLDER = Path(__file__).parent
CLASSICS = ["alexnet", "vgg16", "googlenet", "resnet50", "mobilenet_v2", "vit_b_16"]
FIGURES = {
    "alexnet": lambda: netsize.analyze("alexnet", device="cpu"),
    "resnet50": lambda: netsize.draw("resnet50", device="cpu"),
    "compare": lambda: netsize.compare(CLASSICS, device="cpu"),
    "sweep": lambda: netsize.sweep("alexnet", [62, 63, 64, 96, 128, 192, 256, 384, 512], device="cpu"),
    "train": lambda: netsize.training("resnet18", batch=16, device="cpu"),
    "diff": lambda: compare_reports(*(as_dict(netsize.analyze(name, device="cpu")) for name in ("vgg16", "vgg19"))),
}


def made(name: str) -> str:
    """Without what is another one each time (seconds) or elsewhere (a version)."""
    text = re.sub(r" \(\d+\.\d s\)", "", render(FIGURES[name](), "svg", Style()))
    return re.sub(r"torchvision [\d.]+", "torchvision", text)


if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        (FOLDER / f"{name}.svg").write_text(made(name), encoding="utf-8")
