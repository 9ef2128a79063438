"""Every spelling of every counted operation, on networks small enough to count by hand.

A case is a network, the shape of its input (batch axis of 1 in front), and its rows:
(path, call, kind, units, fan_in, connections, weights, biases).
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netsize


class Calls(nn.Module):
    """A network that executes one function, with parameters of the given shapes."""

    def __init__(self, function, *shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(nn.Parameter(torch.rand(shape)) for shape in shapes)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs, *self.weights)


CASES = {
    # fully connected: N units, fan-in M
    "linear": (nn.Linear(3, 4), "3", [("", 0, "linear", 4, 3, 12, 12, 4)]),
    "linear without bias": (nn.Linear(3, 4, bias=False), "3", [("", 0, "linear", 4, 3, 12, 12, 0)]),
    "linear at each of 5 places": (nn.Linear(3, 4), "5x3", [("", 0, "linear", 20, 3, 60, 12, 4)]),
    "F.linear": (Calls(F.linear, (4, 3), (4,)), "3", [("weights.0", 0, "linear", 4, 3, 12, 12, 4)]),
    "x @ W": (Calls(lambda x, w: x @ w, (3, 4)), "3", [("weights.0", 0, "linear", 4, 3, 12, 12, 0)]),
    "x @ W + b: the bias is found": (
        Calls(lambda x, w, b: x @ w + b, (3, 4), (4,)),
        "5x3",
        [("weights.0", 0, "linear", 20, 3, 60, 12, 4)],
    ),
    "W @ x, weights on the left": (
        Calls(lambda x, w: w @ x[0], (4, 3)),
        "3x5",
        [("weights.0", 0, "linear", 20, 3, 60, 12, 0)],
    ),
    "W @ batch: one W, expanded": (
        Calls(lambda x, w: w @ x, (4, 3)),
        "3x5",
        [("weights.0", 0, "linear", 20, 3, 60, 12, 0)],
    ),
    "mv": (Calls(lambda x, w: torch.mv(w, x[0]), (4, 3)), "3", [("weights.0", 0, "linear", 4, 3, 12, 12, 0)]),
    "addmv": (
        Calls(lambda x, w, b: torch.addmv(b, w, x[0]), (4, 3), (4,)),
        "3",
        [("weights.0", 0, "linear", 4, 3, 12, 12, 4)],
    ),
    "dot": (Calls(lambda x, w: torch.dot(x[0], w), (3,)), "3", [("weights.0", 0, "linear", 1, 3, 3, 3, 0)]),
    "addmm": (
        Calls(lambda x, b, w: torch.addmm(b, x, w), (4,), (3, 4)),
        "3",
        [("weights.1", 0, "linear", 4, 3, 12, 12, 4)],
    ),
    "bmm with weights for each of 2 experts": (
        Calls(lambda x, w: torch.bmm(x[0], w), (2, 3, 4)),
        "2x5x3",
        [("weights.0", 0, "linear", 2 * 5 * 4, 3, 120, 24, 0)],
    ),
    "baddbmm of activations": (
        Calls(lambda x: torch.baddbmm(x.new_zeros(1), x[0], x[0].transpose(1, 2))),
        "2x5x3",
        [("", 0, "matmul", 2 * 5 * 5, 3, 150, 0, 0)],
    ),
    "addbmm sums over the batch, too": (
        Calls(lambda x, w: torch.addbmm(x.new_zeros(1, 1), x[0], w), (2, 3, 4)),
        "2x5x3",
        [("weights.0", 0, "linear", 5 * 4, 2 * 3, 120, 24, 0)],
    ),
    "matmul of activations": (
        Calls(lambda x: x @ x.transpose(-1, -2)),
        "2x5x3",
        [("", 0, "matmul", 2 * 5 * 5, 3, 150, 0, 0)],
    ),
    "einsum of activations": (
        Calls(lambda x: torch.einsum("bhqd,bhkd->bhqk", x, x)),
        "2x5x3",
        [("", 0, "matmul", 2 * 5 * 5, 3, 150, 0, 0)],
    ),
    "einsum with weights": (
        Calls(lambda x, w: torch.einsum("bld,dhe->blhe", x, w), (3, 2, 4)),
        "5x3",
        [("weights.0", 0, "linear", 5 * 2 * 4, 3, 120, 24, 0)],
    ),
    "bilinear: fan-in I J": (
        Calls(lambda x, w, b: F.bilinear(x, x[..., :2], w, b), (4, 3, 2), (4,)),
        "3",
        [("weights.0", 0, "bilinear", 4, 6, 24, 24, 4)],
    ),
    "cdist: a unit is compared with every element": (
        Calls(lambda x, w: torch.cdist(x, w), (4, 3)),
        "3",
        [("weights.0", 0, "distance", 4, 3, 12, 12, 0)],
    ),
    "cdist of many vectors, which torch computes by another operation": (
        Calls(lambda x, w: torch.cdist(x, w), (30, 3)),
        "40x3",
        [("weights.0", 0, "distance", 40 * 30, 3, 3600, 90, 0)],
    ),
    # convolutions: W H N units, fan-in K^2 M / groups
    "conv1d": (nn.Conv1d(2, 3, 3), "2x8", [("", 0, "conv", 18, 6, 108, 18, 3)]),
    "conv2d": (nn.Conv2d(2, 3, 3), "2x5x6", [("", 0, "conv", 3 * 4 * 3, 18, 648, 54, 3)]),
    "conv3d": (nn.Conv3d(2, 3, 2), "2x3x3x3", [("", 0, "conv", 24, 16, 384, 48, 3)]),
    "stride 2": (nn.Conv2d(1, 1, 3, stride=2), "1x7x7", [("", 0, "conv", 9, 9, 81, 9, 1)]),
    "dilation 2": (nn.Conv2d(1, 1, 3, dilation=2), "1x7x7", [("", 0, "conv", 9, 9, 81, 9, 1)]),
    "groups": (nn.Conv2d(4, 6, 3, groups=2, bias=False), "4x3x3", [("", 0, "conv", 6, 18, 108, 108, 0)]),
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4, bias=False), "4x3x3", [("", 0, "conv", 4, 9, 36, 36, 0)]),
    "F.conv2d": (Calls(F.conv2d, (3, 2, 3, 3)), "2x3x3", [("weights.0", 0, "conv", 3, 18, 54, 54, 0)]),
    "padding='valid'": (nn.Conv1d(1, 1, 3, padding="valid"), "1x8", [("", 0, "conv", 6, 3, 18, 3, 1)]),
    "padding='same', odd kernel": (nn.Conv1d(1, 1, 3, padding="same"), "1x8", [("", 0, "conv", 8, 3, 24, 3, 1)]),
    "padding='same', even kernel": (nn.Conv1d(1, 1, 4, padding="same"), "1x8", [("", 0, "conv", 8, 4, 32, 4, 1)]),
    "transposed conv1d": (
        nn.ConvTranspose1d(2, 3, 2, stride=2),
        "2x4",
        [("", 0, "conv_transpose", 24, 2, 48, 12, 3)],
    ),
    "transposed conv2d": (
        nn.ConvTranspose2d(2, 3, 2, stride=2),
        "2x4x4",
        [("", 0, "conv_transpose", 192, 2, 4 * 4 * 4 * 2 * 3, 24, 3)],
    ),
    "transposed conv3d, groups": (
        nn.ConvTranspose3d(2, 4, 2, stride=2, groups=2),
        "2x2x2x2",
        [("", 0, "conv_transpose", 4 * 64, 1, 8 * 8 * 2 * 4 // 2, 32, 4)],
    ),
    "transposed, fan-in differs from unit to unit": (
        nn.ConvTranspose1d(1, 1, 3, stride=2, padding=1, output_padding=1),
        "1x4",
        [("", 0, "conv_transpose", 8, None, 12, 3, 1)],
    ),
    # lookups multiply nothing
    "embedding": (nn.Embedding(10, 4), "5:int64", [("", 0, "embedding", 0, 0, 0, 40, 0)]),
    "embedding bag": (nn.EmbeddingBag(10, 4), "5:int64", [("", 0, "embedding", 0, 0, 0, 40, 0)]),
    # attention: scores have the head size as fan-in, attended values the number of keys
    "scaled dot product attention": (
        Calls(lambda x: F.scaled_dot_product_attention(x, x[..., :2, :], x[..., :2, :])),
        "3x5x4",
        [("", 0, "attention", 3 * 5 * 2, 4, 120, 0, 0), ("", 1, "attention", 3 * 5 * 4, 2, 120, 0, 0)],
    ),
    # recurrent: gates * H units a step, fan-in I + H
    "RNN": (nn.RNN(3, 4, batch_first=True), "5x3", [("", 0, "recurrent", 5 * 4, 7, 140, 28, 8)]),
    "GRU": (nn.GRU(3, 4, batch_first=True), "5x3", [("", 0, "recurrent", 5 * 12, 7, 420, 84, 24)]),
    "LSTM": (nn.LSTM(3, 4, batch_first=True), "5x3", [("", 0, "recurrent", 5 * 16, 7, 560, 112, 32)]),
    "LSTM without bias": (
        nn.LSTM(3, 4, batch_first=True, bias=False),
        "5x3",
        [("", 0, "recurrent", 5 * 16, 7, 560, 112, 0)],
    ),
    "LSTM, 2 layers, 2 directions: the second sees 2 H": (
        nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        "5x3",
        [("", call, "recurrent", 80, 7, 560, 112, 32) for call in (0, 1)]
        + [("", call, "recurrent", 80, 12, 960, 192, 32) for call in (2, 3)],
    ),
    "LSTM with projection: state of 2": (
        nn.LSTM(3, 4, proj_size=2, batch_first=True),
        "5x3",
        [("", 0, "recurrent", 80, 5, 400, 80, 32), ("", 1, "recurrent", 10, 4, 40, 8, 0)],
    ),
    "LSTMCell": (nn.LSTMCell(3, 4), "3", [("", 0, "recurrent", 16, 7, 112, 112, 32)]),
    "GRUCell": (nn.GRUCell(3, 4), "3", [("", 0, "recurrent", 12, 7, 84, 84, 24)]),
    "RNNCell": (nn.RNNCell(3, 4), "3", [("", 0, "recurrent", 4, 7, 28, 28, 8)]),
}


def rows(report: netsize.Report) -> list[tuple]:
    return [(r.path, r.call, r.kind, r.units, r.fan_in, r.connections, r.weights, r.biases) for r in report.rows]


@pytest.mark.parametrize("name", CASES)
def test_counted_by_hand(name: str) -> None:
    model, shape, expected = CASES[name]
    report = netsize.analyze(model, shape, device="cpu")
    assert rows(report) == expected
    assert report.verification.problems == ()
    assert report.verification.status == "passed"
    assert report.uncounted == ()


@pytest.mark.parametrize("name", CASES)
def test_counted_without_running(name: str) -> None:
    model, shape, expected = CASES[name]
    report = netsize.analyze(model, shape, device="cpu", verify=False)
    assert rows(report) == expected
    assert report.verification.status == "skipped"


POOLS = {
    # units are the outputs, each connected to its window
    "max 2x2": (nn.MaxPool2d(2), "3x4x4", (12, 4, 48)),
    "max 3x3 stride 2, overlapping": (nn.MaxPool2d(3, 2), "1x7x7", (9, 9, 81)),
    "average 1d": (nn.AvgPool1d(2), "3x4", (6, 2, 12)),
    "max 1d": (nn.MaxPool1d(2), "3x4", (6, 2, 12)),
    "average 3d": (nn.AvgPool3d(2), "1x4x4x4", (8, 8, 64)),
    "max 3d": (nn.MaxPool3d(2), "1x4x4x4", (8, 8, 64)),
    "ceil_mode: the last window hangs over": (nn.MaxPool2d(2, ceil_mode=True), "1x5x5", (9, 4, 36)),
    "padding": (nn.MaxPool2d(3, 2, padding=1), "1x4x4", (4, 9, 36)),
    "dilation": (nn.MaxPool2d(2, 1, dilation=2), "1x4x4", (4, 4, 16)),
    "adaptive, windows of 2": (nn.AdaptiveAvgPool2d(2), "1x4x4", (4, 4, 16)),
    "adaptive, 5 shared among 2: 3 and 3": (nn.AdaptiveMaxPool2d(2), "1x5x5", (4, 9, 36)),
    "adaptive, 7 among 3: 3, 3 and 3": (nn.AdaptiveAvgPool1d(3), "1x7", (3, 3, 9)),
    "adaptive, 5 among 3: 2, 3 and 2": (nn.AdaptiveMaxPool1d(3), "1x5", (3, None, 7)),
    "adaptive 3d": (nn.AdaptiveAvgPool3d(2), "1x4x4x4", (8, 8, 64)),
    # its windows fall at random, each of as many elements
    "fractional": (nn.FractionalMaxPool2d((3, 2), output_size=(3, 4)), "2x7x9", (24, 6, 144)),
    "fractional, by a ratio": (nn.FractionalMaxPool2d(2, output_ratio=0.5), "2x7x9", (24, 4, 96)),
    "fractional 3d": (nn.FractionalMaxPool3d(2, output_size=(2, 3, 2)), "2x5x6x5", (24, 8, 192)),
    "global": (nn.AdaptiveAvgPool2d(1), "3x4x4", (3, 16, 48)),
    "global by a mean": (Calls(lambda x: x.mean((2, 3))), "3x4x4", (3, 16, 48)),
    "a mean over features is no pool": (Calls(lambda x: x.mean(-1)), "3x4x4", None),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools(name: str) -> None:
    model, shape, expected = POOLS[name]
    report = netsize.analyze(model, shape, device="cpu", pooling=True)
    found = [(row.units, row.fan_in, row.connections) for row in report.rows]
    assert found == ([expected] if expected else [])
    assert report.verification.problems == ()
    assert netsize.analyze(model, shape, device="cpu").rows == ()


PADDING = {
    # taps that fall into the padding, counted on paper
    "3 taps over 8, one falls off each end": (nn.Conv1d(1, 1, 3, padding=1), "1x8", 2),
    "2d: 4x4 outputs of 9, 36 of 144 outside; (4*3-2)^2 = 100 inside": (nn.Conv2d(1, 1, 3, padding=1), "1x4x4", 44),
    "same, even kernel: 1 before, 2 after": (nn.Conv1d(1, 1, 4, padding="same"), "1x8", 1 + 1 + 2),
    "stride 2": (nn.Conv1d(1, 1, 3, stride=2, padding=1), "1x8", 1),
    "channels and groups multiply": (nn.Conv1d(4, 6, 3, padding=1, groups=2), "4x8", 2 * 2 * 6),
    "reflected values are no zeros": (nn.Conv1d(1, 1, 3, padding=1, padding_mode="reflect"), "1x8", 0),
    "transposed: what is cropped": (nn.ConvTranspose1d(1, 1, 3, padding=1), "1x8", 2),
    "transposed, output_padding gives one back": (
        nn.ConvTranspose1d(1, 1, 3, stride=2, padding=1, output_padding=1),
        "1x4",
        1,
    ),
    "pool": (nn.MaxPool1d(3, 2, padding=1), "1x8", 1),
    "pool with ceil_mode": (nn.MaxPool1d(2, ceil_mode=True), "1x5", 1),
}


@pytest.mark.parametrize("name", PADDING)
def test_connections_to_padding(name: str) -> None:
    model, shape, expected = PADDING[name]
    report = netsize.analyze(model, shape, device="cpu", pooling=True)
    assert report.rows[0].padding_connections == expected
    assert report.verification.problems == ()
    without = netsize.analyze(model, shape, device="cpu", pooling=True, padding=False)
    assert without.totals.connections == report.totals.connections - expected


class Two(nn.Module):
    """Two recurrent layers, or directions, with the same matrices."""

    def __init__(self, **settings) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 4, batch_first=True, **settings)
        for name in ("weight_ih", "weight_hh"):
            other = f"{name}_l0_reverse" if settings.get("bidirectional") else f"{name}_l1"
            setattr(self.lstm, other, getattr(self.lstm, f"{name}_l0"))

    def forward(self, x):
        return self.lstm(x)[0]


class Fixed(nn.Module):
    """A reservoir: the matrices of a recurrent layer are buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("inputs", torch.rand(6, 4))
        self.register_buffer("states", torch.rand(6, 6))

    def forward(self, x):
        state = x.new_zeros(1, x.shape[0], 6)
        return torch._VF.rnn_tanh(x, state, [self.inputs, self.states], False, 1, 0.0, False, False, True)[0]


class Rows(nn.Module):
    """The rows of a map as sequences: torch takes the matrix of the inputs once for each step, as a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(48, 12, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.lstm(x.flatten(0, 1))[0]


class Gated(nn.Module):
    def forward(self, x):
        return x * torch.softmax(x @ self.w, 1)

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.rand(4, 1))


class Behind(nn.Module):
    """Calls a module that does something behind its only product."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


class Spelled(nn.Module):
    def __init__(self, function, *shape: int) -> None:
        super().__init__()
        self.function, self.w = function, nn.Parameter(torch.rand(shape), requires_grad=False)

    def forward(self, x):
        return self.function(x, self.w)


# network, input, units, connections, weights
MENDED = {
    "layers with the same matrices": (Two(num_layers=2), "5x4", 2 * 5 * 16, 2 * 5 * 16 * 8, 128),
    "directions with the same matrices": (Two(bidirectional=True), "5x4", 2 * 5 * 16, 2 * 5 * 16 * 8, 128),
    "matrices that are buffers": (Fixed(), "5x4", 30, 5 * 6 * 10, 0),
    "rows of a map": (Rows(), "32x32x48", 2 * 1024 * 48, 2 * 1024 * 48 * 60, 2 * 48 * 60),
    "a gate behind a product": (Behind(Gated()), "5x4", 5, 20, 4),
    "an inner axis of 1": (Spelled(lambda x, w: torch.einsum("bti,oi->bto", x, w), 5, 1), "3x1", 15, 15, 5),
    "a complex convolution": (nn.Conv2d(2, 3, 3, dtype=torch.complex64), "2x6x6:complex64", 48, 16 * 3 * 18, 54),
    "a complex layer": (nn.Linear(5, 4, dtype=torch.complex64), "5:complex64", 4, 20, 20),
    "out=": (Spelled(lambda x, w: torch.mm(x, w, out=x.new_empty(1, 3)), 5, 3), "5", 3, 15, 15),
    "in place": (Spelled(lambda x, w: x.new_zeros(1, 3).addmm_(x, w), 5, 3), "5", 3, 15, 15),
    "whole numbers": (Spelled(lambda x, w: torch._int_mm(x[0].to(torch.int8), w.to(torch.int8)), 16, 8),
                      "32x16", 256, 4096, 128),
}  # fmt: skip


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", MENDED)
def test_counted_by_hand_whatever_the_spelling(name: str, verify: bool) -> None:
    network, shape, units, connections, weights = MENDED[name]
    report = netsize.analyze(network, shape, device="cpu", verify=verify)
    totals = report.totals
    assert (totals.units, totals.connections, totals.weights) == (units, connections, weights)
    assert (report.verification.status, report.uncounted) == ("passed" if verify else "skipped", ())


def test_marks_for_the_profiler_are_no_operations() -> None:
    class Recorded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(5, 6)

        def forward(self, x):
            with torch.profiler.record_function("block"):
                assert bool(torch.ops.aten._is_all_true(x < 2))
                return self.layer(x)

    for network in (Recorded(), nn.DataParallel(nn.Linear(5, 6))):
        assert netsize.analyze(network, "5", device="cpu").uncounted == ()
