"""Windows on a grid: against torch, against the formulas, and the lecture's own example."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from netsize.commands.cli import main
from netsize.errors import BadOption
from netsize.lecture.formulas import Convolution, Linear, Pooling, TransposedConvolution
from netsize.lecture.grid import grid_of, with_values

LECTURE = """100 100 100 100 100 100
100 100 100 100 100 100
100 0 0 100 100 100
0 0 0 0 0 0
0 0 0 0 0 0

1 2 1
0 0 0
-1 -2 -1
"""
SMALL = st.integers(1, 4)
PAIR = st.tuples(SMALL, SMALL)
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
PADDINGS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)), PAIR, PAIR, PAIR, st.tuples(st.integers(0, 3), st.integers(0, 3))
)
def test_what_comes_out_is_what_torch_computes(size, kernel, stride, dilation, padding) -> None:
    """And each element is covered as often as a gradient of 1 from each output comes back to it."""
    formula = Convolution((1, 3, *size), 5, kernel, stride, padding, dilation, 1)
    assume(min(formula.output) > 0)
    numbers = torch.randint(-9, 10, size).double(), torch.randint(-9, 10, kernel).double()
    grid = with_values(grid_of(formula), *(tuple(map(tuple, matrix.tolist())) for matrix in numbers))
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    made = F.conv2d(numbers[0][None, None], numbers[1][None, None], **settings)
    assert torch.equal(torch.tensor(grid.output()).double(), made[0, 0])
    image = torch.ones(1, 1, *size, requires_grad=True)
    F.conv2d(image, torch.ones(1, 1, *kernel), **settings).sum().backward()
    assert grid.covered() == image.grad[0, 0].int().tolist()
    assert grid.pairs * grid.each == formula.connections - formula.padding_connections


@given(st.tuples(st.integers(1, 6), st.integers(1, 6)), PAIR, PAIR, st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_a_transposed_convolution_is_drawn_on_its_output(size, kernel, stride, padding) -> None:
    formula = TransposedConvolution((1, 4, *size), 6, kernel, stride, padding, (1, 1), 2, (0, 0))
    assume(min(formula.output) > 0)
    grid = grid_of(formula)
    ones = torch.ones(1, 1, *size), torch.ones(1, 1, *kernel)
    made = F.conv_transpose2d(*ones, stride=stride, padding=padding)
    assert grid.covered() == made[0, 0].int().tolist()
    assert grid.pairs * grid.each == formula.connections - formula.padding_connections


def test_pools_and_one_axis() -> None:
    assert grid_of(Pooling((1, 8, 5, 5), (2, 2), (2, 2), (0, 0), (1, 1), False)).covered()[0] == [1, 1, 1, 1, 0]
    assert grid_of(Convolution((1, 2, 5), 3, (3,), (1,), (1,), (1,), 1)).covered() == [[2, 3, 3, 3, 2]]


def test_the_lectures_own_example(capsys, tmp_path: Path) -> None:
    """300, 300, 100, ... as the slide has it."""
    (tmp_path / "lecture.txt").write_text(LECTURE)
    assert main(["explain", "conv", "--values", str(tmp_path / "lecture.txt")]) == 0
    shown = capsys.readouterr().out
    assert "    300 300 100   0\n    400 400 400 400\n    100 100 300 400\n" in shown


BAD = [
    ("1 2\n3 4", [], "expected an input and a kernel, with an empty line between them"),
    ("1 2\n3\n\n1", [], "line 2: 1 numbers behind rows of 2"),
    ("1 2\n3 x\n\n1", [], "line 2: '3 x' are no numbers"),
    ("1 2\n3 4\n\n1 1 1", [], "nothing comes out: it is larger than the padded input"),
    (LECTURE, ["--kernel", "3"], "--values says it already: leave --kernel away"),
    (" ".join(["1"] * 50) + "\n\n1", [], "at most 40 rows and columns"),
]


@pytest.mark.parametrize("text, more, said", BAD)
def test_values_that_are_none(text: str, more: list[str], said: str, capsys, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(text)
    assert main(["explain", "conv", "--values", str(tmp_path / "v.txt"), *more]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "formula", [Linear((1, 5), 3), Pooling((1, 3, 5, 5), outputs=(1, 1)),
                Convolution((1, 1, 4, 4, 4), 1, (2, 2, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1)]
)  # fmt: skip
def test_what_has_no_windows_to_draw(formula) -> None:
    with pytest.raises(BadOption, match="--draw"):
        grid_of(formula)


def test_a_layer_of_a_network_and_what_is_none(netsize) -> None:
    done = netsize("explain", "alexnet", "features.0", "--draw", "--no-verify", columns=60)
    assert "their sum: 362,404, times 192 pairs of channels = 69,581,568 connections without" in done.stdout
    assert "has no windows that slide" in netsize("explain", "alexnet", "classifier.1", "--draw", "--no-verify").stderr
    assert "--draw to one layer" in netsize("explain", "alexnet", "--draw", "--no-verify").stderr
