"""--input as people write it: shapes in many forms, types, values, names; and what is mended and said."""

from pathlib import Path

import pytest
import torch
from torch import nn

import netsize
from netsize.errors import BadInput
from netsize.sources.settings import InputSpec, read_input

READ = [
    # what is written, what it means, and how it is written back
    ("3x224x224", InputSpec((3, 224, 224)), "3x224x224"),
    ("3,224,224", InputSpec((3, 224, 224)), "3x224x224"),
    ("(3, 224, 224)", InputSpec((3, 224, 224)), "3x224x224"),
    ("[3, 224, 224]", InputSpec((3, 224, 224)), "3x224x224"),
    ("(5,)", InputSpec((5,)), "5"),
    ("3X224X224", InputSpec((3, 224, 224)), "3x224x224"),
    ("3×224×224", InputSpec((3, 224, 224)), "3x224x224"),
    ("()", InputSpec(()), "()"),  # one number for each example: a time step
    ("5:int64", InputSpec((5,), "int64"), "5:int64"),
    ("5:int64=1", InputSpec((5,), "int64", value=1), "5:int64=1"),
    ("5:bool=true", InputSpec((5,), "bool", value=1), "5:bool=1"),
    ("5=0.5", InputSpec((5,), value=0.5), "5=0.5"),
    ("5:int64<30522", InputSpec((5,), "int64", below=30522), "5:int64<30522"),
    ("input_ids=128:int64", InputSpec((128,), "int64", "input_ids"), "input_ids=128:int64"),
    ("mask = 5 : int64 = 1", InputSpec((5,), "int64", "mask", value=1), "mask=5:int64=1"),
    ("conditions.text=3x4", InputSpec((3, 4), name="conditions.text"), "conditions.text=3x4"),
]


@pytest.mark.parametrize("text, expected, written", READ)
def test_an_input_is_read_and_written_back(text: str, expected: InputSpec, written: str) -> None:
    assert read_input(text) == expected
    assert str(expected) == written
    assert read_input(written) == expected


@pytest.mark.parametrize(
    "text, message",
    [
        ("3x", "expected sizes like 3x224x224"),
        ("x=", "expected sizes like 3x224x224"),
        ("3x0", "every size must be at least 1"),
        ("3x-1", "every size must be at least 1"),
        ("5:int65", "there is no type 'int65'"),
        ("5:int64=one", "'one' is no number"),
        ("5<3", "a limit is for whole numbers"),
        ("5:int64<0", "'0' is no limit"),
        ("5:int64<9223372036854775808", "is no limit"),
        ("", "expected sizes like 3x224x224"),
        ("99999999999x99999999999", "no tensor has so many elements"),
    ],
)
def test_what_is_no_input_says_why(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_input(text)


class Text(nn.Module):
    """Keyword-only arguments, an optional one in the middle, and a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer, self.image = nn.Embedding(100, 16), nn.Linear(16, 4), nn.Conv2d(3, 4, 3)

    def forward(self, ids, mask=None, more=None, *, picture, told=None):
        assert int(ids.max()) < 100 and (mask is None or bool((mask == 1).all()))
        extra = 0 if told is None else told["inner"]["a"].sum()
        return (
            self.layer(self.table(ids)).mean()
            + self.image(picture).mean()
            + (0 if more is None else more.sum())
            + extra
        )


NAMED = [
    # inputs: each of them is 5 x 16 x 4 = 320 connections of the linear layer and 36 x 27 x 4 of the convolution
    ["ids=5:int64<100", "picture=3x8x8"],
    ["picture=3x8x8", "ids=5:int64<100", "mask=5:int64=1"],
    ["5:int64", "picture=3x8x8", "more=7"],  # one by position, and an optional one skipped
    ["5", "picture=3x8x8"],  # the first layer is an embedding
    ["ids=5", "picture=3x8x8", "told.inner.a=3", "told.inner.b=3"],
]


@pytest.mark.parametrize("inputs", NAMED)
def test_arguments_by_name(inputs: list[str]) -> None:
    report = netsize.analyze(Text(), inputs, device="cpu")
    assert (report.totals.connections, report.verification.status) == (5 * 16 * 4 + 36 * 27 * 4, "passed")


MENDED = [
    # a network, what it is given, and what is said
    (lambda: nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)), "5", ("the first layer takes indices: 5:int64",)),
    (lambda: nn.Conv2d(3, 4, 3), "1x3x8x8", ("the batch axis is netsize's: the network takes 3x8x8",)),
    (lambda: nn.Conv2d(1, 4, 3), "1x8x8", ()),  # a channel, not a batch
    (
        lambda: nn.Sequential(nn.Embedding(9, 4), nn.Conv1d(5, 2, 1)),
        "1x5",
        ("the first layer takes indices: 1x5:int64", "the batch axis is netsize's: the network takes 5:int64"),
    ),
]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("network, input, said", MENDED)
def test_what_is_plain_is_mended_and_said(network, input: str, said: tuple[str, ...], verify: bool) -> None:
    report = netsize.analyze(network(), input, device="cpu", verify=verify)
    assert report.notes == said
    assert all(note in str(report) for note in said)


def test_training_takes_the_same() -> None:
    network = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2))
    assert netsize.training(network, "5", batch=2, device="cpu").input == ((1, 5),)
    assert netsize.training(nn.Conv2d(3, 4, 3), "1x3x8x8", batch=2, device="cpu").input == ((1, 3, 8, 8),)


def test_what_cannot_be_mended_is_an_error_about_what_was_given() -> None:
    with pytest.raises(BadInput, match="cannot take a 1x4x8x8 input"):
        netsize.analyze(nn.Conv2d(3, 4, 3), "1x4x8x8", device="cpu")


SAYS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, wide: int = 3):
        super().__init__()
        self.layer = nn.Linear(4, wide)

    def forward(self, x, *, mask):
        return self.layer(x) * mask
"""


@pytest.mark.parametrize(
    "command",
    [
        ["show", "net.py:Net", "--input", "x=4", "--input", "mask=1=1", "--json"],
        ["train", "net.py:Net", "--input", "x=4", "--input", "mask=1=1", "--batch", "2", "--json"],
        ["freeze", "net.py:Net", "-o", "sizes.json", "--input", "x=4", "--input", "mask=1=1"],
        ["diff", "net.py:Net", "net.py:Net", "--input", "x=4", "--input", "mask=1=1"],
        ["compare", "net.py:Net", "net.py:Net", "--input", "x=4", "--input", "mask=1=1"],
        ["explain", "net.py:Net", "--input", "x=4", "--input", "mask=1=1"],
        ["sweep", "net.py:Net", "--set", "wide=1,2", "--shape", "x=4", "--shape", "mask=1=1"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("batch", [[], ["--no-batch"]])
def test_every_command_says_what_the_network_takes_in_one_way(netsize, tmp_path: Path, command, batch) -> None:
    (tmp_path / "net.py").write_text(SAYS)
    if batch and command[0] == "train":
        command = [word for word in command if word not in ("--batch", "2")]
    done = netsize(*command, *batch)
    assert (done.status, done.stderr) == (0, "")


def test_each_of_several_models_has_its_own_input(netsize, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SAYS.replace("x, *, mask", "x, mask"))
    done = netsize("compare", "net.py:Net@4@1", "net.py:Net@9x4@1", "alexnet@3x64x64", "--json")
    assert done.status == 0
    assert [network["input"] for network in done.json["networks"]] == [
        [[1, 4], [1, 1]], [[1, 9, 4], [1, 1]], [[1, 3, 64, 64]],
    ]  # fmt: skip
    done = netsize("diff", "net.py:Net@4@1", "net.py:Net@9x4@1", "--format", "json")
    assert done.status == 0
    done = netsize("compare", "alexnet@3xx", "alexnet")
    assert (done.status, "expected sizes like 3x224x224" in done.stdout + done.stderr) == (2, True)


def test_without_a_batch_axis_a_step_is_one_example(netsize, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SAYS)
    done = netsize("train", "net.py:Net", "--input", "x=4", "--input", "mask=1", "--no-batch", "--batch", "8")
    assert (done.status, done.stdout) == (2, "")
    assert "without a batch axis a step is one example" in done.stderr


def test_values_are_those_that_are_said() -> None:
    seen = {}

    class Watch(nn.Module):
        def forward(self, **given: torch.Tensor) -> torch.Tensor:
            seen.update({name: value.clone() for name, value in given.items()})
            return given["x"]

    netsize.analyze(Watch(), ["x=50", "ones=7:int64=1", "ids=400:int64<3", "no=2:bool"], device="cpu")
    assert seen["ones"].tolist() == [[1] * 7]
    assert sorted(set(seen["ids"][0].tolist())) == [0, 1, 2]
    assert (seen["no"].dtype, seen["no"].tolist()) == (torch.bool, [[False, False]])
    assert 0 <= float(seen["x"].min()) <= float(seen["x"].max()) < 1
