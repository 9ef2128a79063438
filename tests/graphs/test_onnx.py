"""ONNX: counted from attributes and shapes, run, each product once more on ones; against the torch networks that the
files came from, and against what people write by hand."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchvision
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import netsize
from netsize.errors import NetsizeError
from netsize.graphs import operators
from netsize.graphs.running import on_ones
from netsize.graphs.silent import SILENT


class Recurrent(nn.Module):
    def __init__(self, kind: Any = nn.LSTM) -> None:
        super().__init__()
        self.recurrent, self.head = kind(12, 8, 2, batch_first=True, bidirectional=True), nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrent(x)[0])


class Mixed(nn.Module):
    """Grouped, dilated and transposed convolutions, an embedding, a product of two activations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, padding=(1, 2), dilation=2, groups=2)
        self.up = nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.table, self.head = nn.Embedding(20, 6), nn.Linear(6, 5)
        self.last = nn.Parameter(torch.rand(5, 6))

    def forward(self, image: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        found = self.up(self.conv(image)).flatten(2).mean(2)
        return self.head(found[:, None] + self.table(ids)) @ self.last


TORCH = [
    # a network, its input, its connections (None: what netsize counts of the torch network)
    (torchvision.models.resnet18, [(3, 224, 224)], 1_814_073_344),
    (torchvision.models.mobilenet_v3_small, [(3, 224, 224)], 56_510_400),
    (lambda: torchvision.models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [7, 7]), [(3, 112, 112)], None),
    (
        lambda: torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64),
        [(3, 64, 64)],
        None,
    ),  # exporting vit_b_16: 10 s
    (Recurrent, [(7, 12)], None),
    (lambda: Recurrent(nn.GRU), [(7, 12)], None),
    (Mixed, [(4, 9, 9), (5,)], None),
]


@pytest.mark.parametrize("dynamo", [False, True], ids=["old exporter", "new exporter"])
@pytest.mark.parametrize("make, shapes, connections", TORCH)
def test_a_network_and_its_export_have_equal_connections(
    tmp_path: Path, make, shapes, connections: int | None, dynamo: bool
) -> None:
    network = make().eval()
    inputs = tuple(torch.zeros(1, *s, dtype=torch.int64) if len(s) == 1 else torch.rand(1, *s) for s in shapes)
    file = str(tmp_path / "net.onnx")
    torch.onnx.export(network, inputs, file, dynamo=dynamo, verbose=False)
    expected = netsize.analyze(network, inputs, device="cpu", verify=False)
    assert connections in (None, expected.totals.connections)
    ran, counted = netsize.analyze(file, device="cpu"), netsize.analyze(file, device="cpu", verify=False)
    assert (ran.verification.status, counted.verification.status) == ("passed", "skipped")
    for report in (ran, counted):
        assert report.complete
        assert report.totals.connections == expected.totals.connections
        assert report.totals.weights == expected.totals.weights
        assert report.totals.units == expected.totals.units
        assert report.depth == expected.depth


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "googlenet"])
def test_what_feeds_what_is_what_the_network_says(tmp_path: Path, name: str) -> None:
    """Blocks with shortcuts, and branches that are put together, as the boxes of a figure; up to the global pool, which
    torch's exporter writes as a mean."""
    settings = {"init_weights": False} if name == "googlenet" else {}
    network = torchvision.models.get_model(name, weights=None, **settings).eval()
    file = tmp_path / "network.onnx"
    torch.onnx.export(network, (torch.rand(1, 3, 64, 64),), file, dynamo=True, verbose=False)
    ours, theirs = (netsize.draw(model, "3x64x64", verify=False) for model in (network, str(file)))
    pool = next(index for index, box in enumerate(ours.boxes) if box.shape[1:] == (1, 1) and box.kind == "pooling")
    assert pool > 10
    for one, other in zip(ours.boxes[:pool], theirs.boxes):
        assert (one.kind, one.shape, one.sources) == (other.kind, other.shape, other.sources)
    assert [repeat.times for repeat in theirs.repeats] == [repeat.times for repeat in ours.repeats]


def test_rows_are_called_as_the_layers_were(tmp_path: Path) -> None:
    network = torchvision.models.resnet18().eval()
    paths = {row.path for row in netsize.analyze(network, "3x64x64", device="cpu", verify=False).rows}
    for dynamo in (False, True):
        torch.onnx.export(
            network, (torch.rand(1, 3, 64, 64),), str(tmp_path / "net.onnx"), dynamo=dynamo, verbose=False
        )
        report = netsize.analyze(str(tmp_path / "net.onnx"), device="cpu", verify=False)
        assert {row.path for row in report.rows} == paths


def made(
    folder: Path,
    nodes: Sequence[Any],
    inputs: dict[str, tuple[Any, ...]],
    constants: dict[str, Any],
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    domains: Sequence[Any] = (),
) -> str:
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), *domains]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(folder / "made.onnx"))
    return str(folder / "made.onnx")


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return np.ones(shape, dtype)


NODES = [
    # nodes, inputs, constants, connections, weights, and why
    ("matmul of a matrix", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 7, 5)}, {"w": ones(5, 3)},
     7 * 15, 15),
    ("a bias behind it", [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["b", "p"], ["y"])],
     {"x": (1, 7, 5)}, {"w": ones(5, 3), "b": ones(3)}, 7 * 15, 15),
    ("two activations", [helper.make_node("MatMul", ["x", "z"], ["y"])], {"x": (1, 2, 7, 5), "z": (1, 2, 5, 3)}, {},
     2 * 7 * 15, 0),
    ("a vector", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 5)}, {"w": ones(5)}, 5, 5),
    ("gemm turned", [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1, alpha=0.5)], {"x": (1, 5)},
     {"w": ones(3, 5), "b": ones(3)}, 15, 15),
    ("a weight behind Transpose and Cast",
     [helper.make_node("Transpose", ["w"], ["t"]), helper.make_node("Cast", ["t"], ["c"], to=TensorProto.FLOAT),
      helper.make_node("MatMul", ["x", "c"], ["y"])], {"x": (1, 5)}, {"w": ones(3, 5)}, 15, 15),
    ("a weight behind DequantizeLinear",
     [helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"]), helper.make_node("MatMul", ["x", "d"], ["y"])],
     {"x": (1, 5)}, {"w": ones(5, 3, dtype=np.int8), "s": np.float32(0.1), "z": np.int8(0)}, 15, 15),
    ("same padding, uneven", [helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER")], {"x": (1, 3, 8, 8)},
     {"w": ones(4, 3, 2, 2)}, 64 * 4 * 12, 48),
    ("same padding, lower", [helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=[2, 2])],
     {"x": (1, 3, 7, 7)}, {"w": ones(4, 3, 2, 2)}, 16 * 4 * 12, 48),
    ("pads that differ", [helper.make_node("Conv", ["x", "w"], ["y"], pads=[0, 1, 2, 0])], {"x": (1, 3, 8, 8)},
     {"w": ones(4, 3, 3, 3)}, 8 * 7 * 4 * 27, 108),
    ("depthwise, one axis", [helper.make_node("Conv", ["x", "w"], ["y"], group=6, pads=[1, 1])], {"x": (1, 6, 9)},
     {"w": ones(6, 1, 3)}, 9 * 6 * 3, 18),
    ("transposed, cropped unevenly",
     [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], pads=[1, 0, 0, 1])], {"x": (1, 3, 5, 5)},
     {"w": ones(3, 4, 3, 3)}, 75 * 4 * 9, 108),
    ("einsum", [helper.make_node("Einsum", ["x", "w"], ["y"], equation="bsi,ino->bsno")], {"x": (1, 7, 5)},
     {"w": ones(5, 2, 3)}, 7 * 5 * 6, 30),
    ("einsum of two activations", [helper.make_node("Einsum", ["x", "z"], ["y"], equation="bhqd,bhkd->bhqk")],
     {"x": (1, 2, 7, 5), "z": (1, 2, 4, 5)}, {}, 2 * 7 * 4 * 5, 0),
    ("a weight used twice",
     [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "w"], ["y"])],
     {"x": (1, 5)}, {"w": ones(5, 5)}, 50, 25),
    ("a product of two parameters",
     [helper.make_node("MatMul", ["c", "w"], ["p"]), helper.make_node("Add", ["x", "p"], ["y"])], {"x": (1, 3)},
     {"c": ones(1, 5), "w": ones(5, 3)}, 15, 20),
    ("a mask on scores",
     [helper.make_node("MatMul", ["x", "z"], ["p"]), helper.make_node("Add", ["p", "m"], ["y"])],
     {"x": (1, 2, 7, 5), "z": (1, 2, 5, 3)}, {"m": ones(1, 2, 7, 3)}, 2 * 7 * 15, 0),
    ("a recurrent layer", [helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=8)], {"x": (7, 1, 12)},
     {"w": ones(1, 8, 12), "r": ones(1, 8, 8)}, 7 * 8 * 20, 8 * 20),
]  # fmt: skip


@pytest.mark.parametrize(
    "nodes, inputs, constants, connections, weights", [n[1:] for n in NODES], ids=[n[0] for n in NODES]
)
def test_operators(tmp_path: Path, nodes, inputs, constants, connections: int, weights: int) -> None:
    file = made(tmp_path, nodes, inputs, constants)
    for verify in (True, False):
        report = netsize.analyze(file, device="cpu", verify=verify)
        assert report.verification.problems == ()
        assert (report.totals.connections, report.totals.weights) == (connections, weights)
        assert report.complete
        biases = sum(value.size for name, value in constants.items() if name == "b")
        assert report.totals.biases == biases


def test_quantized_operators(tmp_path: Path) -> None:
    scale, zero = np.float32(0.1), np.uint8(0)
    constants = {"w": ones(4, 3, 3, 3, dtype=np.uint8), "s": scale, "z": zero, "v": ones(6, 5, dtype=np.uint8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["c"]),
        helper.make_node("DequantizeLinear", ["c", "s", "z"], ["d"]),
        helper.make_node("GlobalAveragePool", ["d"], ["g"]),
        helper.make_node("Reshape", ["g", "r"], ["f"]),
        helper.make_node("Concat", ["f", "f"], ["h"], axis=1),
        helper.make_node("Slice", ["h", "from", "to", "axis"], ["i"]),
        helper.make_node("QuantizeLinear", ["i", "s", "z"], ["k"]),
        helper.make_node("MatMulInteger", ["k", "v"], ["m"]),
        helper.make_node("Cast", ["m"], ["y"], to=TensorProto.FLOAT),
    ]
    sizes = {"r": np.array([0, -1]), "from": np.array([0]), "to": np.array([6]), "axis": np.array([1])}
    file = made(tmp_path, nodes, {"x": (1, 3, 8, 8)}, constants | sizes)
    report = netsize.analyze(file, device="cpu", pooling=False)
    assert (report.verification.status, report.complete) == ("passed", True)
    assert (report.totals.connections, report.totals.parameters) == (36 * 4 * 27 + 30, 108 + 30)


def test_weights_of_four_bits_by_their_logical_number(tmp_path: Path) -> None:
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=64, N=6, bits=4, block_size=32
    )
    constants = {"w": np.zeros((6, 2, 16), np.uint8), "s": ones(12)}
    file = made(tmp_path, [node], {"x": (1, 3, 64)}, constants, domains=[helper.make_opsetid("com.microsoft", 1)])
    report = netsize.analyze(file, device="cpu")
    assert (report.verification.problems, report.complete) == ((), True)
    assert (report.totals.connections, report.totals.weights, report.totals.parameters) == (3 * 64 * 6, 384, 384)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 18, 21])
def test_opsets(tmp_path: Path, opset: int) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "v", "b"], ["y"]),
    ]
    constants = {"w": ones(4, 3, 3, 3), "v": ones(64, 5), "b": ones(5)}
    report = netsize.analyze(made(tmp_path, nodes, {"x": (1, 3, 8, 8)}, constants, opset=opset), device="cpu")
    assert (report.verification.status, report.totals.connections) == ("passed", 64 * 4 * 27 + 320)
    pooled = netsize.analyze(str(tmp_path / "made.onnx"), device="cpu", pooling=True)
    assert (pooled.verification.status, pooled.totals.connections) == ("passed", 64 * 4 * 27 + 320 + 64 * 4)


def test_attention_of_opset_23(tmp_path: Path) -> None:
    nodes = [helper.make_node("Attention", ["q", "k", "v"], ["y"], q_num_heads=4, kv_num_heads=2)]
    file = made(tmp_path, nodes, {"q": (1, 7, 32), "k": (1, 9, 16), "v": (1, 9, 16)}, {}, opset=23)
    for verify in (True, False):
        report = netsize.analyze(file, device="cpu", verify=verify)
        assert [row.kind for row in report.rows] == ["attention", "attention"]
        assert (report.verification.problems, report.totals.connections) == ((), 2 * 4 * 7 * 9 * 8)


def test_open_axes_take_what_is_said(netsize, tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    made(tmp_path, nodes, {"x": ("batch", "tokens", 5)}, {"w": ones(5, 3)})
    done = netsize("made.onnx")
    assert (done.status, "say how large its input x is, as --input x=?x5" in done.stderr) == (2, True)
    for input in ("7x5", "x=7x5"):
        found = netsize("made.onnx", "--input", input, "--json").json
        assert (found["input"], found["totals"]["connections"]) == ([[1, 7, 5]], 105)
    assert "its input x has 3 axes" in netsize("made.onnx", "--input", "1x7x5").stderr
    assert "has no input 'z': it takes x" in netsize("made.onnx", "--input", "z=7x5").stderr
    assert netsize("made.onnx", "--no-batch", "--input", "2x7x5", "--json").json["totals"]["connections"] == 210


def test_sizes_that_are_worked_out_are_known_without_running(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "one"], ["n"]),
        helper.make_node("Mul", ["n", "two"], ["m"]),
        helper.make_node("Concat", ["minus", "m"], ["r"], axis=0),
        helper.make_node("Reshape", ["x", "r"], ["z"]),
        helper.make_node("MatMul", ["z", "w"], ["y"]),
    ]
    sizes = {"one": np.array([1]), "two": np.array([2]), "minus": np.array([-1])}
    file = made(tmp_path, nodes, {"x": (4, 6)}, sizes | {"w": ones(12, 3)})
    report = netsize.analyze(file, device="cpu", verify=False)
    assert report.totals.connections == 2 * 36


def test_what_nobody_knows_is_named(netsize, tmp_path: Path) -> None:
    nodes = [helper.make_node("Swirl", ["x", "w"], ["z"], domain="mine"), helper.make_node("Relu", ["z"], ["y"])]
    made(tmp_path, nodes, {"x": (1, 5)}, {"w": ones(5, 3)}, domains=[helper.make_opsetid("mine", 1)])
    done = netsize("made.onnx", "--no-verify", "--strict")
    assert (done.status, done.stderr) == (1, "")
    assert "incomplete: netsize does not know the connections of mine.Swirl (1x, 1x5 and 5x3 -> ?)" in done.stdout
    done = netsize("made.onnx")
    assert (done.status, "cannot be run by onnxruntime" in done.stderr) == (2, True)


def body(nodes: Sequence[Any], inputs: dict[str, tuple[int, Any]], outputs: dict[str, int], constants=()) -> Any:
    return helper.make_graph(
        nodes,
        "body",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )


REAL, WHOLE, TRUTH = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
SMALL = body([helper.make_node("MatMul", ["x", "w"], ["t"])], {}, {"t": REAL}, [("w", ones(5, 3))])
LARGE = body([helper.make_node("MatMul", ["x", "v"], ["t"])], {}, {"t": REAL}, [("v", ones(5, 9))])
STEP = body(
    [
        helper.make_node("MatMul", ["h", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["next"]),
        helper.make_node("Identity", ["on"], ["still"]),
    ],
    {"turn": (WHOLE, ()), "on": (TRUTH, ()), "h": (REAL, (1, 5))},
    {"still": TRUTH, "next": REAL, "p": REAL},
    [("w", ones(5, 5)), ("b", ones(5))],
)  # fmt: skip
OVER = body(
    [helper.make_node("MatMul", ["one", "w"], ["p"]), helper.make_node("Add", ["p", "h"], ["next"])],
    {"h": (REAL, (1, 4)), "one": (REAL, (1, 5))}, {"next": REAL, "p": REAL}, [("w", ones(5, 4))],
)  # fmt: skip
IN_BRANCH = body([helper.make_node("If", ["c"], ["t"], then_branch=LARGE, else_branch=SMALL)], {}, {"t": REAL})


def branch(**branches: Any) -> Any:
    return helper.make_node("If", ["c"], ["y"], **branches)


LOOP = helper.make_node("Loop", ["m", "", "x"], ["y", "all"], body=STEP)
SCAN = helper.make_node("Scan", ["x", "z"], ["y", "all"], body=OVER, num_scan_inputs=1)
ABOVE = [helper.make_node("ReduceSum", ["x"], ["s"]), helper.make_node("Greater", ["s", "none"], ["c"])]
BODIES = [
    # nodes, inputs, constants, connections when it is run, without running it, and weights when it is run
    ("a settled branch", [branch(then_branch=SMALL, else_branch=LARGE)], {"x": (1, 5)}, {"c": np.array(True)},
     15, 15, 15),
    ("the other one", [branch(then_branch=SMALL, else_branch=LARGE)], {"x": (1, 5)}, {"c": np.array(False)},
     45, 45, 45),
    ("a branch in a branch", [branch(then_branch=IN_BRANCH, else_branch=SMALL)], {"x": (1, 5)}, {"c": np.array(True)},
     45, 45, 45),
    ("values decide: true", [*ABOVE, branch(then_branch=SMALL, else_branch=LARGE)], {"x": (1, 5)},
     {"none": np.float32(-1)}, 15, 15, 15),
    ("values decide: false", [*ABOVE, branch(then_branch=SMALL, else_branch=LARGE)], {"x": (1, 5)},
     {"none": np.float32(99)}, 45, 15, 45),
    ("a loop of three", [LOOP], {"x": (1, 5)}, {"m": np.array(3)}, 75, 75, 25),
    ("a scan of seven", [SCAN], {"x": (1, 4), "z": (7, 1, 5)}, {}, 140, 140, 20),
]  # fmt: skip


@pytest.mark.parametrize(
    "nodes, inputs, constants, run, unrun, weights", [case[1:] for case in BODIES], ids=[case[0] for case in BODIES]
)
def test_bodies_are_executed_as_often_as_they_are(
    tmp_path: Path, nodes, inputs, constants, run: int, unrun: int, weights: int
) -> None:
    file = made(tmp_path, nodes, inputs, constants)
    report = netsize.analyze(file, device="cpu")
    assert (report.verification.status, report.complete) == ("passed", True)
    assert (report.totals.connections, report.totals.weights) == (run, weights)
    assert bool(report.depends_on_values) == ("none" in constants)
    report = netsize.analyze(file, device="cpu", verify=False)
    assert report.totals.connections == unrun
    assert bool(report.guessed) == ("none" in constants)


def test_a_loop_that_values_end_is_named(tmp_path: Path) -> None:
    ends = [helper.make_node("ReduceSum", ["x"], ["s"]), helper.make_node("Cast", ["s"], ["m"], to=WHOLE)]
    flat = [helper.make_node("Reshape", ["m", "none"], ["n"])]
    loop = helper.make_node("Loop", ["n", "", "x"], ["y", "all"], body=STEP)
    file = made(tmp_path, [*ends, *flat, loop], {"x": (1, 5)}, {"none": np.array([], dtype=np.int64)})
    report = netsize.analyze(file, device="cpu", verify=False)
    assert [unknown.operation for unknown in report.uncounted] == ["onnx.Loop"]


def test_a_scripted_loop(tmp_path: Path) -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(x.shape[1]):
                x = self.layer(x)
            return x

    file = str(tmp_path / "net.onnx")
    torch.onnx.export(torch.jit.script(Loop()), (torch.rand(1, 4, 6),), file, dynamo=False)
    for verify in (True, False):
        report = netsize.analyze(file, device="cpu", verify=verify)
        assert (report.totals.connections, report.totals.weights, report.complete) == (4 * 4 * 36, 36, True)


def test_external_data(netsize, tmp_path: Path) -> None:
    file = made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 500)}, {"w": ones(500, 600)})
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert netsize("made.onnx", "--json").json["totals"]["connections"] == 300_000
    (tmp_path / "weights.bin").write_bytes(b"short")
    done = netsize("made.onnx")  # what is remembered is of other weights
    assert (done.status, "weights.bin, is missing or too short" in done.stderr) == (2, True)
    (tmp_path / "weights.bin").unlink()
    done = netsize("made.onnx", "--no-verify")
    assert (done.status, "weights.bin, is missing or too short" in done.stderr) == (2, True)
    outside = onnx.load(file, load_external_data=False)
    outside.graph.initializer[0].external_data[0].value = "../../etc/passwd"
    onnx.save(outside, file)
    assert "lies outside of its folder" in netsize("made.onnx").stderr


def test_a_result_is_remembered_by_the_content_of_the_file(netsize, tmp_path: Path) -> None:
    made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 5)}, {"w": ones(5, 3)})
    assert netsize("made.onnx", "--json").json["verification"]["remembered"] is None
    assert netsize("made.onnx", "--json").json["verification"]["remembered"] is not None
    made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 5)}, {"w": ones(5, 4)})
    again = netsize("made.onnx", "--json").json
    assert (again["verification"]["remembered"], again["totals"]["weights"]) == (None, 20)


ELSEWHERE = [
    (["train", "made.onnx"], "is a graph: this needs a network of torch"),
    (["sweep", "made.onnx", "--input", "3:5"], "is a graph: this needs a network of torch"),
    (["made.onnx", "--set", "a=3"], "belong to networks that are built"),
    (["made.onnx", "--receptive-field"], "need a network of torch"),
    (["made.onnx", "--classes", "3"], "need a network of torch"),
    (["made.onnx", "--device", "cuda"], "graphs are run on the CPU"),
]


@pytest.mark.parametrize("arguments, message", ELSEWHERE)
def test_what_a_graph_cannot_do_is_said(netsize, tmp_path: Path, arguments: list[str], message: str) -> None:
    made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 5)}, {"w": ones(5, 3)})
    done = netsize(*arguments)
    assert (done.status, done.stdout, message in done.stderr) == (2, "", True)


def test_other_commands_take_graphs(netsize, tmp_path: Path) -> None:
    made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"], name="/fc/MatMul")], {"x": (1, 5)}, {"w": ones(5, 3)})
    assert "fan_in" in netsize("explain", "made.onnx", "fc").stdout
    assert netsize("compare", "made.onnx", "alexnet", "--json").json["networks"][0]["weights"] == 15
    assert netsize("freeze", "made.onnx", "-o", "sizes.json").status == 0
    assert netsize("diff", "sizes.json", "made.onnx").status == 0


def test_a_graph_needs_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    file = made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 5)}, {"w": ones(5, 3)})
    code = f"import sys\nfrom netsize.commands.cli import main\nassert main([{file!r}]) == 0\n"
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("False", "")


def test_a_planted_mistake_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = made(tmp_path, [helper.make_node("Conv", ["x", "w"], ["y"])], {"x": (1, 3, 8, 8)}, {"w": ones(4, 3, 3, 3)})
    monkeypatch.setattr(operators.Convolution, "fan_in", property(lambda self: 28))
    report = netsize.analyze(file, device="cpu")
    assert report.verification.status == "failed"
    assert "by running it on ones" in " ".join(report.verification.problems)


SHAPED = [
    ("an einsum", helper.make_node("Einsum", ["x", "w"], ["y"], equation="bsi,ino->bsno"), (1, 7, 5), (5, 2, 3)),
    ("both directions", helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=8, direction="bidirectional"),
     (7, 1, 12), (2, 8, 12)),
    ("the last state", helper.make_node("GRU", ["x", "w", "r"], ["", "y"], hidden_size=8), (7, 1, 12), (1, 24, 12)),
]  # fmt: skip


@pytest.mark.parametrize("node, input, weight", [case[1:] for case in SHAPED], ids=[case[0] for case in SHAPED])
def test_an_output_of_another_shape_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node, input: tuple[int, ...], weight: tuple[int, ...]
) -> None:
    """The formula's output is held against what onnxruntime put out, and not against itself."""
    constants = {"w": ones(*weight)} | ({"r": ones(*weight[:2], 8)} if node.op_type != "Einsum" else {})
    file = made(tmp_path, [node], {"x": input}, constants)
    assert netsize.analyze(file, device="cpu").verification.problems == ()
    kind = operators.Linear if node.op_type == "Einsum" else operators.Recurrent
    monkeypatch.setattr(kind, "output", property(lambda self: (3, 1, 4)))
    assert "output: 3x1x4 by formula" in " ".join(netsize.analyze(file, device="cpu").verification.problems)


def test_a_fixed_batch_is_said(netsize, tmp_path: Path) -> None:
    made(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (4, 5)}, {"w": ones(5, 3)})
    found = netsize("made.onnx", "--json").json
    assert found["totals"]["connections"] == 4 * 15
    assert found["notes"][:1] == ["its input x is fixed to 4 on its first axis: counts are for all of it"]


@pytest.mark.parametrize("input, connections", [("5=2", 15), ("x=5=-2", 45)])
def test_values_of_inputs_are_taken(netsize, tmp_path: Path, input: str, connections: int) -> None:
    """The branch that is taken depends on the sum of the input."""
    nodes = [*ABOVE, branch(then_branch=SMALL, else_branch=LARGE)]
    made(tmp_path, nodes, {"x": ("batch", 5)}, {"none": np.float32(0)})
    assert netsize("made.onnx", "--input", input, "--json").json["totals"]["connections"] == connections


def test_inputs_by_name_and_by_place(netsize, tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "z"], ["y"])]
    made(tmp_path, nodes, {"x": ("batch", "a", "b"), "z": ("batch", "b", "c")}, {})
    found = netsize("made.onnx", "--input", "z=5x3", "--input", "7x5", "--json").json
    assert (found["input"], found["totals"]["connections"]) == ([[1, 7, 5], [1, 5, 3]], 105)


def test_operators_stand_in_one_list_and_onnx_has_them() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    assert set(SILENT[""]) & set(operators.READERS) == {"Gather"}  # a lookup, or a choice of places
    newer = {
        "BitCast",
        "CumProd",
        "Swish",
        "RotaryEmbedding",
        "RMSNormalization",
        "TensorScatter",
    }  # than an older onnx
    assert set(SILENT[""]) - known <= newer
    assert len(SILENT[""]) == len(set(SILENT[""]))


def test_ones_stay_exact_beyond_what_float32_holds() -> None:
    run = operators.Run("MatMul", ((1, 2**24 + 1), (2**24 + 1, 1)))
    counted = operators.Counted(operators.Linear((1, 2**24 + 1), 1), (1, 2**24 + 1), (run,))
    assert on_ones(counted).connections == 2**24 + 1


def test_damaged_files_end_in_a_message(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Relu", ["c"], ["y"])]
    content = Path(made(tmp_path, nodes, {"x": (1, 3, 8, 8)}, {"w": ones(2, 3, 3, 3)})).read_bytes()
    chance, file, refused = random.Random(14), tmp_path / "damaged.onnx", 0
    for _ in range(200):
        other = bytearray(content)
        if chance.randrange(3):
            for _ in range(chance.choice([1, 3, 10])):
                other[chance.randrange(len(other))] = chance.randrange(256)
        else:
            del other[chance.randrange(len(other)) :]
        file.write_bytes(other)
        try:
            netsize.analyze(str(file), device="cpu", verify=bool(chance.randrange(2)))
        except NetsizeError as error:
            assert len(str(error).splitlines()) <= 2
            refused += 1
    assert refused > 40
