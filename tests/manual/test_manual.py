"""The README and the manual show what the program really prints, and name what is really there."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from reference import FILE, reference

import netsize
from netsize import manual
from netsize.commands.cli import built
from netsize.render import render
from netsize.render.style import Style
from netsize.sources import COMMANDS

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {"README": README} | {chapter: manual.read(chapter) for chapter in manual.CHAPTERS}
VARIES = re.compile(r"(torchvision|transformers|torch) \d[\w.]*|\(\d+\.\d s\)|on (cpu|cuda|mps)|netsize \d[\w.]*")
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = [  # in the chapter, a command, and what it prints
    (name, line.removeprefix("$ "), rest)
    for name, text in TEXTS.items()
    for block in BLOCK.findall(text)
    for line, _, rest in [block.partition("\n")]
    if line.startswith("$ netsize ")
]
NOT_REPEATED = {"netsize train resnet18 --batch 16 --measure": "it shows times"}
WIDTHS = {"compare": 100, "./Llama-3-8B": None}  # where it is not 120
FILES = {
    "Llama-3-8B/config.json": (
        '{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "vocab_size": 128256, '
        '"intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8}'
    ),
    "lecture.txt": (  # its slide 8
        "100 100 100 100 100 100\n100 100 100 100 100 100\n100 0 0 100 100 100\n0 0 0 0 0 0\n0 0 0 0 0 0\n\n"
        "1 2 1\n0 0 0\n-1 -2 -1\n"
    ),
}


def shown(text: str) -> str:
    """Without what differs between machines: versions, seconds and devices."""
    return VARIES.sub("...", text).strip("\n")


def is_shown(printed: str, told: str) -> bool:
    """Whether it prints that; lines of three dots stand for any lines."""
    place = 0
    for part in re.split(r"^\.\.\.\n|^\.\.\.$", told.strip("\n") + "\n", flags=re.MULTILINE):
        if part.strip("\n"):
            place = printed.find(shown(part), place)
            if place < 0:
                return False
            place += len(shown(part))
    return True


def test_the_table_of_the_readme() -> None:
    assert shown(render(netsize.analyze("alexnet", device="cpu"), "table", Style(width=120))) in shown(README)


@pytest.mark.parametrize("line, told", [
    pytest.param(line, told, id=f"{chapter}: {line}") for chapter, line, told in SHOWN if line not in NOT_REPEATED
])  # fmt: skip
def test_commands_print_what_is_shown(netsize, tmp_path: Path, line: str, told: str) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    command, _, filter = line.partition(" | ")
    _, *words = shlex.split(command)
    no_gpu = {"CUDA_VISIBLE_DEVICES": ""} if torch.cuda.is_available() else {}
    done = netsize(*words, columns=WIDTHS.get(words[0], 120), **no_gpu)
    assert done.status in (0, 1), done.stderr
    wanted = filter.removeprefix("grep ")
    printed = "\n".join(part for part in done.stdout.splitlines() if wanted in part)
    assert is_shown(shown(printed), told), printed


def test_no_exception_is_left_over() -> None:
    assert set(NOT_REPEATED) <= {line for _, line, _ in SHOWN}


def lines() -> list[tuple[str, list[str]]]:
    """What the manual and the README tell people to type: the words of each line of a block that begins so."""
    found = []
    for name, text in TEXTS.items():
        for block in BLOCK.findall(text) if name != "reference" else ():
            for line in re.findall(r"^(?:\$ )?netsize (.+)$", block, re.MULTILINE):
                command = re.split(r" {3,}| \| ", line)[0]
                found.append((name, shlex.split(command)))
    return found


@pytest.mark.parametrize("chapter, words", lines())
def test_options_that_are_shown_exist(chapter: str, words: list[str]) -> None:
    command = built(words[0] if words[0] in COMMANDS else "show")
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--version", "--install-completion", "--show-completion", "-h", "--help"}
    assert {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)} <= options


def test_options_that_are_named_exist(netsize) -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", TEXTS["reference"]))
    others = {"--index-url", "--torch-backend"}  # of pip and of uv
    for name, text in TEXTS.items():
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
        assert named - known - others == set(), name


def test_the_reference_is_what_help_says() -> None:
    """`python tests/manual/reference.py` writes it again."""
    assert FILE.read_text(encoding="utf-8") == reference()


def test_the_readme_has_the_two_commands_that_ci_runs_and_is_short() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("pip install ")]
    assert commands == ["pip install . && netsize alexnet", "pip install -e '.[dev]' && pytest"]
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    folder = ROOT if name == "README" else FILE.parent
    links = re.findall(r"\]\((?!https?:)([^)#]+)", re.sub(r"```.*?```|`[^`]*`", "", TEXTS[name], flags=re.DOTALL))
    assert [link for link in links if not (folder / link).exists()] == []


def test_every_chapter_is_named_where_one_looks_for_it() -> None:
    assert {file.stem for file in FILE.parent.glob("*.md")} == set(manual.CHAPTERS)
    assert [chapter for chapter in manual.CHAPTERS if f"netsize/manual/{chapter}.md" not in README] == []


FOUND = [  # what somebody looks for, and the chapter and the heading where it is told
    ("kv cache", "sources", "The KV cache"),
    ("receptive fields", "lecture", "Receptive fields"),
    ("tied weights", "counting", "Whose weights they are: tied, shared, computed, sparse, quantized"),
    ("exit status", "using", "Exit statuses"),
    ("mixture of experts", "counting", "Mixtures of experts, and active parameters"),
    ("cpu only", "installing", "Torch for the CPU only: about 1 GB"),
    ("cpu only torch", "installing", "Torch for the CPU only: about 1 GB"),
    ("train only the head", "lecture", "Transfer learning: training only the head, --freeze"),
    ("freeze pattern", "lecture", "Transfer learning: training only the head, --freeze"),
    ("padding", "counting", "Units, connections, weights: what is counted (biases, pools, padding)"),
    ("save report", "ci", "Saved reports (freeze), and what is different (diff)"),
    ("custom operation formula", "counting", "Formulas for operations of your own"),
    ("token ids of a vocabulary", "using", "What a network takes: --input"),
    ("security", "trust", "What runs code, and what does not"),
    ("a regression in CI", "ci", "Saved reports (freeze), and what is different (diff)"),
    ("JSON key verification passed", "json", "The keys of a report in JSON"),
    ("include biases", "counting", "Units, connections, weights: what is counted (biases, pools, padding)"),
    ("shared parameter", "counting", "Whose weights they are: tied, shared, computed, sparse, quantized"),
    ("timeout", "large", "Limits of time and memory: --timeout, --memory"),
    ("pickle", "trust", "What runs code, and what does not"),
    ("largest batch", "training", "Optimizers, types, the largest batch, checkpoints"),
    ("onnx", "sources", "ONNX, exported programs, and files of weights"),
]


@pytest.mark.parametrize("asked, chapter, heading", FOUND)
def test_words_lead_to_the_place(asked: str, chapter: str, heading: str) -> None:
    best = manual.search(asked.split())[0]
    assert (best.chapter, best.heading) == (chapter, heading)


def test_help_reads_it(netsize) -> None:
    assert netsize("help", "large").stdout == TEXTS["large"]
    assert netsize("help", "--timeout").stdout.startswith("## Limits of time and memory")
    assert "see `netsize help trust`" in netsize("help", "ci").stdout
    assert netsize("help", "instaling").stdout.startswith("# Installing\n")
    assert netsize("help", "check").stdout == netsize("check", "--help").stdout == netsize("check", "-h").stdout
    assert netsize("help", "KV", "cache").stdout.startswith("## The KV cache\n")
    nothing = netsize("help", "zebras")
    said = "netsize: the manual says nothing about 'zebras'. `netsize help` shows its chapters\n"
    assert (nothing.status, nothing.stdout, nothing.stderr) == (2, "", said)
