"""What is printed, to the character, at fixed widths and without colour; and each format read back."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
import torch
from torch import nn

import netsize
from netsize.render import render
from netsize.render.style import Style, chosen_rows
from netsize.render.table.columns import drawn, shortened
from netsize.results.rollup import fold, roll_up
from netsize.results.words import percent

ALEXNET_80 = """
  AlexNet · torchvision VERSION · input 3x224x224
  biases and pooling not counted

  layer         operation                  units   connections      weights
  features.0    conv 11x11 /4, 3 -> 64  193,600◀   70,276,800       23,232
  features.3    conv 5x5, 64 -> 192     139,968   223,948,800◀     307,200
  features.6    conv 3x3, 192 -> 384     64,896   112,140,288      663,552
  features.8    conv 3x3, 384 -> 256     43,264   149,520,384      884,736
  features.10   conv 3x3, 256 -> 256     43,264    99,680,256      589,824
  classifier.1  linear 9216 -> 4096       4,096    37,748,736   37,748,736◀
  classifier.4  linear 4096 -> 4096       4,096    16,777,216   16,777,216
  classifier.6  linear 4096 -> 1000       1,000     4,096,000    4,096,000
  total                                 494,184   714,188,480   61,090,496

  Most units  features.0  39.2%
    convolutions hold 98.1%, features holds 98.1%
  Most connections  features.3  31.4%
    convolutions hold 91.8%, features holds 91.8%
  Most weights  classifier.1  61.8%
    fully connected layers hold 96.0%, classifier holds 96.0%

  61,100,840 parameters = 61,090,496 weights + 10,344 biases
  0.714 GMACs = 1.43 GFLOPs · 233.1 MiB of float32 parameters
  not shown at this width: outputs, shares, bars
  not verified: counted by formula, without running the network

"""


@pytest.fixture(scope="module")
def alexnet() -> netsize.Report:
    return netsize.analyze("alexnet", verify=False)


@pytest.fixture(scope="module")
def googlenet() -> netsize.Report:
    return netsize.analyze("googlenet", verify=False)


@pytest.fixture(scope="module")
def transformer() -> netsize.Report:
    return netsize.analyze("vit_b_16", verify=False)


def test_table_at_80_columns(alexnet: netsize.Report) -> None:
    assert render(alexnet, "table", Style(width=80)) == ALEXNET_80.replace("VERSION", str(alexnet.source.version))


def small() -> netsize.Report:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Flatten(), nn.Linear(36, 2))
    return netsize.analyze(model, "3x8x8", verify=False)


def test_characters_of_a_terminal_without_unicode() -> None:
    text = render(small(), "table", Style(unicode=False))
    text.encode("ascii")
    assert "  Sequential | input 3x8x8 | biases and pooling not counted" in text
    assert "94.7% ########<" in text


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("which", ["alexnet", "googlenet", "transformer"])
def test_nothing_is_wider_than_the_terminal(which: str, width: int, request) -> None:
    report = request.getfixturevalue(which)
    for depth in (None, 1, 9):
        lines = render(report, "table", Style(width=width, depth=depth)).splitlines()
        if width >= 40:  # below, three rough numbers and a name of 12 do not fit, and stick out
            assert max(map(len, lines)) <= width
        exact = any(f"{report.totals.connections:,}" in line for line in lines)
        hidden = " ".join(" ".join(lines).split()).partition("not shown at this width: ")[2]
        assert exact == (width >= 60) == ("exact numbers" not in hidden)


def test_more_rows_than_a_reader_looks_through_are_rolled_up(transformer: netsize.Report) -> None:
    """Blocks that are repeated are one row."""
    text = render(transformer, "table", Style())
    assert "encoder.layers.encoder_layer_0 ... encoder_layer_11  12 x 6 layers" in text
    assert "74 layers in 3 rows; --depth 5 shows them all" in text
    assert len(text.splitlines()) < 45
    everything = render(transformer, "table", Style(depth=5))
    assert len(everything.splitlines()) > 80
    assert "layers in" not in everything


def test_rows_always_add_up(googlenet: netsize.Report) -> None:
    deepest = max(row.path.count(".") + 1 for row in googlenet.rows)
    styles = [Style(depth=depth) for depth in range(1, deepest + 2)]
    styles += [Style(top=top, sort=sort) for top in (1, 5, 1000) for sort in (None, "units", "weights")]
    styles += [Style(depth=1, top=3), Style(sort="units")]
    for style in styles:
        rows = chosen_rows(googlenet, style, most=60)
        for quantity in ("units", "connections", "weights"):
            assert sum(getattr(row, quantity) for row in rows) == getattr(googlenet.totals, quantity)
        assert sum(row.layers for row in rows) == len(googlenet.rows)
    assert roll_up(googlenet.rows, deepest) == googlenet.rows


def test_top_keeps_the_largest_and_sums_the_others(alexnet: netsize.Report) -> None:
    rows = chosen_rows(alexnet, Style(top=2, sort="weights"))
    assert [row.path for row in rows] == ["classifier.1", "classifier.4", "[6 others]"]
    assert rows[-1].weights == 61_090_496 - 37_748_736 - 16_777_216
    assert " not counted · sorted by units\n" in render(alexnet, "table", Style(sort="units"))
    rows = chosen_rows(alexnet, Style(sort="units"))
    assert [row.units for row in rows] == sorted((row.units for row in alexnet.rows), reverse=True)


FOLDED = [
    # rows by path and operation, and what is shown of them
    ("blocks", ["a", "h.0.x", "h.0.y", "h.1.x", "h.1.y", "h.2.x", "h.2.y", "z"], ["a", "h.0 ... h.2", "z"]),
    ("by name", ["h.l0.x", "h.l0.y", "h.l1.x", "h.l1.y"], ["h.l0 ... l1"]),
    ("what a block executes itself", ["h.0.x", "h.0", "h.1.x", "h.1"], ["h.0 ... h.1"]),
    ("one is other than the rest", ["h.0.w", "h.0.y", "h.1.x", "h.1.y", "h.2.x", "h.2.y"],
     ["h.0.w", "h.0.y", "h.1 ... h.2"]),
    ("the outermost first", ["s.0.h.0.x", "s.0.h.0.y", "s.0.h.1.x", "s.0.h.1.y", "s.1.h.0.x", "s.1.h.0.y", "s.1.h.1.x",
                             "s.1.h.1.y"], ["s.0 ... s.1"]),
    ("inside of what is not", ["s.h.0.x", "s.h.0.y", "s.h.1.x", "s.h.1.y", "t.x"], ["s.h.0 ... h.1", "t.x"]),
    ("single layers", ["h.0", "h.1", "h.2"], ["h.0", "h.1", "h.2"]),
    ("others between them", ["h.0.x", "h.0.y", "a", "h.1.x", "h.1.y"], ["h.0.x", "h.0.y", "a", "h.1.x", "h.1.y"]),
]  # fmt: skip


@pytest.mark.parametrize("paths, shown", [case[1:] for case in FOLDED], ids=[case[0] for case in FOLDED])
def test_repeated_blocks_are_one_row(paths: list[str], shown: list[str]) -> None:
    """Layers are alike if their last names are."""
    first = small().rows[0]
    rows = tuple(replace(first, path=path, operation=path[-1], units=i) for i, path in enumerate(paths))
    rows = tuple(replace(row, units=ord(row.path[-1])) for row in rows)
    same = tuple(replace(row, units=1) if row.path[-1].isdigit() and "." in row.path else row for row in rows)
    folded = fold(tuple(replace(row, operation="conv") if row.path[-1].isdigit() else row for row in same))
    assert [row.path for row in folded] == shown
    assert sum(row.layers for row in folded) == len(paths)


@pytest.mark.parametrize("number", ["units", "connections", "weights"])
def test_blocks_with_other_numbers_are_not_the_same(number: str) -> None:
    """An operation that is called the same may have other sizes: a product at another length."""
    first = small().rows[0]
    rows = [replace(first, path=f"h.{block}.{layer}") for block in (0, 1) for layer in "xy"]
    assert len(fold(tuple(rows))) == 1
    rows[3] = replace(rows[3], **{number: getattr(first, number) + 1})
    assert len(fold(tuple(rows))) == 4


def test_others_are_never_the_largest() -> None:
    text = render(netsize.analyze("resnet50", verify=False), "table", Style(top=3))
    line = next(line for line in text.splitlines() if "[51 others]" in line)
    assert "◀" not in line and text.count("◀") == 3


def test_calls_of_one_layer_have_rows_of_their_own() -> None:
    layer = nn.Linear(4, 4)
    text = render(netsize.analyze(nn.Sequential(layer, layer), "4", verify=False), "table", Style())
    assert re.search(r"^  0 +linear", text, re.MULTILINE)
    assert re.search(r"^  0 #2 +linear", text, re.MULTILINE)


def test_colour_only_where_it_is_asked_for(alexnet: netsize.Report) -> None:
    assert "\x1b[" not in render(alexnet, "table", Style(width=120))
    coloured = render(alexnet, "table", Style(width=120, color=True))
    assert "\x1b[1m193,600\x1b[0m" in coloured  # the largest, bold
    assert not re.search("\x1b\\[[0-9;]*3[13]m", coloured)  # red is what is wrong, and yellow unreadable on white
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == render(alexnet, "table", Style(width=120)).splitlines()


@pytest.mark.parametrize(
    "environment, columns",
    [
        ({}, None),
        ({}, 80),
        ({}, 120),
        ({"NO_COLOR": "1"}, 80),
        ({"TERM": "dumb"}, 80),
        ({"PYTHONIOENCODING": "ascii"}, 80),
    ],
)
def test_pipes(netsize, environment: dict[str, str], columns: int | None) -> None:
    done = netsize("alexnet", "--no-verify", columns=columns, **environment)
    assert (done.status, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "714,188,480" in done.stdout
    if columns:
        assert max(map(len, done.stdout.splitlines())) <= columns
    else:
        assert "conv 11x11 /4, 3 -> 64" in done.stdout


def test_unused_and_other_parameters_are_named(googlenet: netsize.Report) -> None:
    text = render(googlenet, "table", Style())
    assert "13,004,888 parameters = 6,609,344 weights + 1,000 biases + 14,560 other + 6,379,984 unused" in text
    assert "unused in a forward pass: 6,379,984 parameters of aux1, aux2" in text


def test_conventions_are_named_and_counted() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2))
    count = lambda **options: netsize.analyze(model, "3x4x4", verify=False, **options)  # noqa: E731 - a shorthand
    default = count()
    assert (default.totals.units, default.totals.connections, default.totals.weights) == (64, 64 * 27, 108)
    biased = count(bias=True)
    assert (biased.totals.connections, biased.totals.weights, biased.totals.biases) == (64 * 28, 112, 0)
    assert "112 parameters = 112 weights and biases" in str(biased)
    pooled = count(pooling=True)
    assert (pooled.totals.units, pooled.totals.connections) == (64 + 16, 64 * 27 + 16 * 4)
    bare = count(padding=False)
    assert bare.totals.connections == 4 * 3 * 10 * 10  # 10 of 12 taps along each axis
    assert "biases counted, pooling not" in str(biased)
    assert "pooling counted, biases not" in str(pooled)
    assert "connections to padding not counted" in str(bare)
    assert "biases and pooling counted" in str(count(bias=True, pooling=True))


LAYER_KEYS = [
    "path", "call", "type", "kind", "label", "input", "output", "fan_in", "units", "connections",
    "padding_connections", "weights", "biases", "share", "verified", "problems",
]  # fmt: skip
CONVOLUTION_KEYS = ["kernel", "stride", "padding", "dilation", "groups"]


WORK = [
    # a network, its input, and the line below its parameters
    (nn.Linear(5, 3), "5", "15 MACs = 30 FLOPs · 72 bytes of float32 parameters"),
    (nn.Linear(25, 20), "25", "0.500 KMACs = 1.00 KFLOPs · 2.0 KiB of float32 parameters"),
    (nn.Linear(1000, 700), "1000", "0.700 MMACs = 1.40 MFLOPs · 2.7 MiB of float32 parameters"),
    (nn.Linear(1000, 7000).half(), "1000:float16", "7.00 MMACs = 14.0 MFLOPs · 13.4 MiB of float16 parameters"),
    (nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3).double(), nn.Flatten()), "5",
     "15 MACs = 30 FLOPs · 120 bytes of float32 and float64 parameters"),
    (nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2)), "1x6x6",  # a pool multiplies nothing
     "288 MACs = 576 FLOPs · 80 bytes of float32 parameters"),
    (nn.MaxPool2d(2), "1x6x6", "0 MACs = 0 FLOPs"),
]  # fmt: skip


@pytest.mark.parametrize("model, shape, line", WORK, ids=[line for _, _, line in WORK])
def test_the_line_for_engineers(model: nn.Module, shape: str, line: str) -> None:
    for convention in ({}, {"bias": True, "pooling": True}, {"padding": False}):
        report = netsize.analyze(model, shape, verify=False, **convention)
        assert f"\n  {line}\n" in str(report)
        assert f"\n{line}.\n" in render(report, "markdown", Style())


def test_json_is_schema_1(alexnet: netsize.Report) -> None:
    report = json.loads(render(alexnet, "json", Style()))
    assert list(report) == [
        "schema", "netsize", "model", "source", "input", "convention", "flops_per_connection", "depth", "layers",
        "totals", "parameter_bytes", "bulk", "unused", "uncounted", "besides", "depends_on_values", "guessed",
        "notes", "verification",
    ]  # fmt: skip
    assert report["schema"] == 1 and report["model"] == "alexnet" and report["input"] == [[1, 3, 224, 224]]
    assert report["source"] == {"kind": "torchvision", "version": alexnet.source.version}
    assert report["convention"] == {"bias": False, "pooling": False, "padding": True}
    first, last = report["layers"][0], report["layers"][-1]
    assert list(first) == [*LAYER_KEYS[:7], *CONVOLUTION_KEYS, *LAYER_KEYS[7:]]
    assert list(last) == LAYER_KEYS
    assert first == first | {
        "path": "features.0", "call": 0, "type": "Conv2d", "kind": "conv", "label": "Convolution Layer 1",
        "input": [1, 3, 224, 224], "output": [1, 64, 55, 55], "kernel": [11, 11], "stride": [4, 4],
        "padding": [2, 2], "dilation": [1, 1], "groups": 1, "fan_in": 363, "units": 193600,
        "connections": 70276800, "padding_connections": 695232, "weights": 23232, "biases": 64,
        "verified": "skipped", "problems": [],
    }  # fmt: skip
    assert first["share"]["units"] == pytest.approx(0.3917569, abs=5e-8)  # as many digits as are written here
    assert report["totals"] == {
        "units": 494184, "connections": 714188480, "weights": 61090496, "biases": 10344,
        "other_parameters": 0, "parameters": 61100840, "macs": 714188480,
    }  # fmt: skip
    assert report["parameter_bytes"] == {"float32": 4 * 61100840}
    for quantity in ("units", "connections", "weights"):
        assert sum(layer[quantity] for layer in report["layers"]) == report["totals"][quantity]
        assert sum(layer["share"][quantity] for layer in report["layers"]) == pytest.approx(1, abs=1e-12)
    for layer in report["layers"]:
        assert layer["connections"] == layer["units"] * layer["fan_in"]
    assert [report["bulk"][q]["path"] for q in ("units", "connections", "weights")] == [
        "features.0", "features.3", "classifier.1",
    ]  # fmt: skip
    assert set(report["bulk"]["kinds"]) == {"conv", "linear"}
    assert set(report["bulk"]["parts"]) == {"features", "classifier"}
    assert list(report["verification"]) == [
        "status", "device", "torch", "layers", "verified", "problems", "seconds", "piecewise", "remembered",
    ]  # fmt: skip


def test_json_holds_every_layer_whatever_is_shown(transformer: netsize.Report) -> None:
    assert len(json.loads(render(transformer, "json", Style(depth=1, top=1)))["layers"]) == 74


def test_csv_loads(alexnet: netsize.Report) -> None:
    rows = list(csv.DictReader(io.StringIO(render(alexnet, "csv", Style()))))
    assert len(rows) == 8
    assert sum(int(row["connections"]) for row in rows) == 714_188_480
    assert rows[0]["operation"] == "conv 11x11 /4, 3 -> 64"
    assert rows[0]["output"] == "1x64x55x55"


def test_markdown_columns_line_up(alexnet: netsize.Report) -> None:
    lines = [line for line in render(alexnet, "markdown", Style()).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 8 + 1
    assert len({tuple(i for i, c in enumerate(line) if c == "|") for line in lines}) == 1
    assert lines[1].count("---:") == 3
    assert lines[-1].split("|")[-2].strip() == "61,090,496"


LATEX = r"""% needs \usepackage{booktabs}
\begin{table}
  \centering
  \caption{my\_net $\cdot$ input 4 $\cdot$ biases and pooling not counted}
  \begin{tabular}{lrrr}
    \toprule
    Layer                   & Units & Connections & Weights \\
    \midrule
    Fully Connected Layer 1 &     3 &          12 &      12 \\
    Output Layer            &     2 &           6 &       6 \\
    \midrule
    Total                   &     5 &          18 &      18 \\
    \bottomrule
  \end{tabular}
\end{table}
\begin{sloppypar}
Most units: Fully Connected Layer 1 (0), 60.0\%.\par
Most connections: Fully Connected Layer 1 (0), 66.7\%.\par
Most weights: Fully Connected Layer 1 (0), 66.7\%.\par
\end{sloppypar}
"""


def test_latex() -> None:
    class my_net(nn.Sequential):
        pass

    report = netsize.analyze(my_net(nn.Linear(4, 3), nn.Linear(3, 2)), "4", verify=False)
    assert render(report, "latex", Style()) == LATEX


def test_names_and_shares() -> None:
    assert shortened("encoder.layers.encoder_layer_0.mlp.0", 12) == "…yer_0.mlp.0"
    assert shortened("features.0", 12) == "features.0"
    assert [percent(share) for share in (0, 1, 0.9999, 0.0001, 0.5)] == ["0.0%", "100.0%", "99.9%", "<0.1%", "50.0%"]
    assert [drawn(share, 2) for share in (0, 1e-9, 0.5, 1)] == ["", "▏", "█", "██"]


def test_a_scalar_and_a_batch_in_the_output_column() -> None:
    class Dot(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[0] @ x[0]

    assert "matmul 1x4 @ 4x1" in str(netsize.analyze(Dot(), "4", verify=False))
