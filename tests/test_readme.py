"""The README shows what the program really prints, and names options that it really has."""

import re
from pathlib import Path

import netsize
from netsize.render import render
from netsize.render.style import Style

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
VARIES = re.compile(r"torchvision \d[\w.]*|\(\d+\.\d s\)|on (cpu|cuda|mps)")


def shown(text: str) -> str:
    """Without what differs between machines: versions, seconds and devices."""
    return VARIES.sub("...", text).strip("\n")


def test_tables_are_those_that_are_printed() -> None:
    alexnet = render(netsize.analyze("alexnet", device="cpu"), "table", Style(width=120))
    assert shown(alexnet) in shown(README)
    resnet = render(netsize.analyze("resnet50", device="cpu"), "table", Style(width=120, depth=1))
    assert shown(resnet) in shown(README)


def test_options_exist(netsize) -> None:
    help = "".join(netsize(*words, "--help").stdout for words in ([], ["show"], ["check"], ["freeze"], ["diff"]))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert len(named) > 10
    assert named - set(re.findall(r"--[a-z][a-z-]+", help)) == set()


def test_it_has_the_two_commands_that_ci_runs() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("pip install ")]
    assert commands == ["pip install . && netsize alexnet", "pip install -e '.[dev]' && pytest"]
