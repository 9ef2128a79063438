"""Command lines as people write them, the files that they name, and how both are spoilt."""

from pathlib import Path

from hypothesis import strategies as st

NET = '''
import torch
from torch import nn

class Net(nn.Module):
    """Small, with a tied head."""
    def __init__(self, channels=4, num_classes=3):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Linear(channels, num_classes)
    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))

def make():
    return nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(11, 6), nn.LSTM(6, 4, batch_first=True)
    def forward(self, ids, mask=None):
        return self.rnn(self.embed(ids))[0]
'''
CASES = """
[[case]]
model = "net.py:Net"
input = "3x8x8"
units = 259          # a comment
weights = "<= 1K"
[case.layers.head]
weights_share = "<= 60%"

[[case]]
model = "net.py:make"
input = ["5"]
weights = 28
"""
PROJECT = '[project]\nname = "mine"\n\n[[tool.netsize.case]]\nmodel = "net.py:make"\ninput = "5"\nweights = 28\n'

LINES = [
    line.split()
    for line in """
net.py:Net --input 3x8x8
net.py:Net --input 3x8x8 --bias --pooling --no-padding --json
net.py:Net --input 3x8x8 --depth 1 --top 2 --sort weights
net.py:Net --input 3x8x8 --receptive-field --all
net.py:Net --input 3x8x8 --set channels=6 --no-verify --format csv
net.py:Net --input 3x8x8 --classes 10 --freeze features
net.py:Net --input 3x8x8 --until features --examples 50K --memory 1GiB
net.py:Net --input 3x8x8 -o out.html
net.py:Net --input 3x8x8 -o out.tex --device cpu --color never
net.py:make --input 5 --strict --cache
net.py:Text --input 7:int64<11 --input mask=7:bool=1
lenet5
squeezenet1_1 --input 3x33x33 --no-verify
explain net.py:Net features.0 --input 3x8x8
explain net.py:Net --input 3x8x8
explain conv --in 3x8x8 --kernel 3 --out 4
explain linear --in 5 --out 4
draw net.py:Net --input 3x8x8
draw net.py:Net --input 3x8x8 --depth 1 -o out.svg
compare net.py:Net@3x8x8 net.py:make@5
compare lenet5 sizes.json --sort weights
sweep net.py:Net --input 3x8x8 --shape 3x8x8
sweep net.py:Net --input 3x8:16:4x8
sweep net.py:Net --batch 1:3 --input 3x8x8
train net.py:Net --input 3x8x8 --batch 2
train net.py:Net --input 3x8x8 --batch 2 --optimizer adam --memory 1GiB --json
train net.py:make --input 5 --measure --batch 4
check
check cases.toml
check cases.toml --format junit --hide-passed
check cases.toml --update --only net*
check lenet5 --format github
freeze net.py:Net --input 3x8x8 -o frozen.json
diff sizes.json net.py:Net --input 3x8x8
diff net.py:Net@3x8x8 net.py:Net@3x9x9 --fail-if weights>+1%
list vit*
list --family resnet
list net.py
cache
--help
--version
show --help
""".strip().splitlines()
]
HOSTILE = [
    "", " ", "-", "--", "=", ":", "@", "*", "x", "0", "-1", "1e999", "nan", "inf", "9" * 20, "9" * 5000, "\0",
    "\n", "\x1b[31m",
    "a" * 5000, "../..", "/", ".", "/dev/null", "/dev/full", "/proc/self/mem", "loop", "~", "[/x]", "[red]", "é",
    "\u202e", "\ud800",
    "net.py", "net.py:", ":Net", "net.py:Net", "net.py:make", "net.py:Text", "net.py:Net@", "net.py:Net@3x8x8",
    "torch", "torch.nn:Linear",
    "cases.toml", "sizes.json", "pyproject.toml", "data.bin", "folder", "missing.py:Net", "missing.json",
    "missing.toml",
    "alexnet:features", "timm:", "timm:x", "transformers:", "diffusers:x", "torchvision:", "lenet5", "resnet*",
    "**", "[a-", "3x8x8", "0x8x8", "3x-8x8",
    "3x99999x99999", "99999999999999999999x8", "8:int64", "8:int65", "8:int64<", "8:int64<0", "8:bool=7", "mask=8",
    "=8", "3:9:3", "1:1000000000000",
    "1:0", "9:1:-1", "cpu", "cpu:x", "cpu:99999999999999999999", "cuda", "cuda:9", "mps", "gpu", "auto",
    "channels=0", "channels=-1", "channels=1e5", "channels=x",
    "channels=" + "(" * 1000 + ")" * 1000, "channels=[1,", "channels=" + "-" * 5000 + "1", "a.b.c=1", "=1",
    "channels=10**9", "channels=None", "features.0", "features.9",
    "head", "weights", "weights > +1%", "weights > ", "units>1", "json", "csv", "markdown", "latex", "html", "svg",
    "table", "x.docx", "out.json", "out.tex",
    "out.csv", "o" * 300 + ".json", "nowhere/out.json", "folder/out.json", "1GiB", "9" * 80 + "GiB", "0.0000001KB",
    "1B", "sgd", "adam", "adamw", "1.2M", "imagenet", "K",
    "--input", "--json", "--bias", "--set", "--device", "--no-verify", "--depth", "--top", "--sort", "--format",
    "-o", "--classes", "--until",
    "--freeze", "--memory", "--batch", "--optimizer", "--shape", "--only", "--update", "--fail-if", "--in",
    "--out", "--kernel", "--family", "--max-weights",
    "--no-batch", "--tokens", "--image", "--task", "--fresh", "--open=", "-h", "-x", "--nonsense", "--bias=3",
    "--depth=0", "--depth=99999999999999999999", "--top=-1",
    "--timeout", "--timeout=nan", "--timeout=1e999", "--reports",
]  # fmt: skip


def lay_out(folder: Path, report: bytes) -> None:
    """The files that the lines name; `report` is a saved one."""
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "cases.toml").write_text(CASES, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "sizes.json").write_bytes(report)
    (folder / "data.bin").write_bytes(bytes(range(256)) * 4)
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")


def characters(word: str) -> st.SearchStrategy[str]:
    """A word with one character more, less, or another one."""
    odd = st.sampled_from(
        ["\0", "\n", "\x1b", "'", '"', "[", "]", ":", "=", "x", "0", "9", "-", ".", "/", "\\", "é", "%", ","]
    )
    return st.tuples(st.integers(0, max(0, len(word) - 1)), odd, st.integers(0, 2)).map(
        lambda spoilt: word[: spoilt[0]] + spoilt[1] * (spoilt[2] > 0) + word[spoilt[0] + (spoilt[2] < 2) :]
    )


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A line that means something, with one thing wrong, or a few; half of the time the value of an option."""
    words = list(draw(st.sampled_from(LINES)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 2, 3]))):
        values = [
            i + 1 for i, word in enumerate(words[:-1]) if word.startswith("-") and not words[i + 1].startswith("-")
        ]
        if values and draw(st.booleans()):
            place = draw(st.sampled_from(values))
            words[place] = draw(st.one_of(st.sampled_from(HOSTILE), characters(words[place])))
            continue
        place = draw(st.integers(0, len(words)))
        how = draw(st.sampled_from(["replace", "insert", "option", "delete", "spoil", "double", "swap", "join"]))
        if how == "insert" or place == len(words):
            words.insert(place, draw(st.sampled_from(HOSTILE)))
        elif how == "option":  # of another line
            other = draw(st.sampled_from(LINES))
            words += other[draw(st.integers(1, max(1, len(other) - 1))) :]
        elif how == "replace":
            words[place] = draw(st.sampled_from(HOSTILE))
        elif how == "delete":
            del words[place]
        elif how == "spoil":
            words[place] = draw(characters(words[place]))
        elif how == "double":
            words.insert(place, words[place])
        elif how == "swap":
            other_place = draw(st.integers(0, len(words) - 1))
            words[place], words[other_place] = words[other_place], words[place]
        else:
            words[place] += draw(st.sampled_from(HOSTILE))
    return [word.replace("\0", "") for word in words if word != "--open"]  # an argument ends at a zero
