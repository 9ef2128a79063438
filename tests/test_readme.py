"""The README shows what the program really prints, and names options that it really has."""

import re
from pathlib import Path

import pytest

import netsize
from netsize.commands.cli import main
from netsize.render import render
from netsize.render.style import Style
from netsize.sources import COMMANDS

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


COMMANDS_SHOWN = [
    "explain conv --in 3 --out 64 --kernel 11 --stride 4 --padding 2 --size 224",
    "compare alexnet vgg16 vgg19 resnet50",
    "sweep vgg16 --input 32:512:96",
    "train alexnet --depth 1 --batch 128 --examples imagenet --epochs 90",
    "alexnet --freeze features --classes 10 --examples 50000 --receptive-field",
]


@pytest.mark.parametrize("command", COMMANDS_SHOWN)
def test_commands_print_what_is_shown(command: str, capsys, monkeypatch) -> None:
    width = 100 if command.startswith("compare") else 120
    monkeypatch.setenv("COLUMNS", str(width))
    assert main([*command.split(), *([] if "conv" in command else ["--device", "cpu"])]) == 0
    printed = shown(capsys.readouterr().out)
    block = README.partition(f"$ netsize {command}\n")[2].partition("```")[0]
    assert block
    told = shown(block).removesuffix("\n...")  # what follows is left out
    assert printed.startswith(told) if "\n...\n" in block else printed == told


def test_a_folder_of_transformers_prints_what_is_shown(netsize, tmp_path: Path) -> None:
    (tmp_path / "Llama-3-8B").mkdir()
    (tmp_path / "Llama-3-8B" / "config.json").write_text(
        '{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "vocab_size": 128256, '
        '"intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8}'
    )
    printed = netsize("./Llama-3-8B", "--no-verify", "--depth", "1").stdout
    block = README.partition("$ netsize ./Llama-3-8B --no-verify --depth 1\n")[2].partition("\n...")[0]
    versions = re.compile(r"transformers \d[\w.]*")
    assert block
    assert versions.sub("...", printed.strip("\n")).startswith(versions.sub("...", block))


def test_options_exist(netsize) -> None:
    help = "".join(netsize(*words, "--help").stdout for words in ([], *([name] for name in COMMANDS)))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert len(named) > 10
    assert named - set(re.findall(r"--[a-z][a-z-]+", help)) == set()


def test_it_has_the_two_commands_that_ci_runs() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("pip install ")]
    assert commands == ["pip install . && netsize alexnet", "pip install -e '.[dev]' && pytest"]
