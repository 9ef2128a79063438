"""Formulas against execution, to the unit, on layers that nobody chose.

Random hyperparameters; the witnesses are the ones (run by netsize), torch's own output shape and parameters,
and a count by hand that knows nothing of formulas: for every output unit, the inputs whose gradient is not 0.
"""

from math import prod

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import netsize
from netsize.lecture import windows

FEW = settings(max_examples=60, deadline=None)


def agrees(model: nn.Module, shape: tuple[int, ...]) -> netsize.Report:
    report = netsize.analyze(model, shape, device="cpu", pooling=True)
    assert report.verification.problems == ()
    assert report.verification.status == "passed"
    return report


def links(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Pairs of an output and an input that it depends on: the non-zero gradients with positive weights."""
    model = model.eval()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1.0)
    x = torch.rand(1, *shape, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(model.to(torch.float64), x, vectorize=True)
    return int((jacobian != 0).sum())


@st.composite
def convolutions(draw, transposed: bool):
    axes = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(axes))  # noqa: E731 - a shorthand
    kernel, stride, dilation, padding, sizes = each(1, 3), each(1, 3), each(1, 2), each(0, 2), each(1, 5)
    channels = (groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)))
    more = {"groups": groups, "dilation": dilation, "padding": padding, "bias": draw(st.booleans())}
    if transposed:
        # output_padding must be smaller than the stride or the dilation, and something must come out
        extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
        outputs = [windows.transposed_count(*a) for a in zip(sizes, kernel, stride, padding, dilation, extra)]
        assume(min(outputs) > 0)
        kind = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[axes - 1]
        return kind(*channels, kernel, stride, output_padding=extra, **more), (channels[0], *sizes)
    assume(all(n + 2 * p >= d * (k - 1) + 1 for n, p, d, k in zip(sizes, padding, dilation, kernel)))
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    return kind(*channels, kernel, stride, **more), (channels[0], *sizes)


@FEW
@given(convolutions(transposed=False))
def test_convolutions(layer) -> None:
    model, shape = layer
    row = agrees(model, shape).rows[0]
    assert row.connections - row.padding_connections == links(model, shape)
    assert row.weights == model.weight.numel()


class Scaled(nn.Module):
    """In front of the layer a trained number, so that its inputs need gradients, too."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.scale, self.layer = nn.Parameter(torch.ones(())), layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x * self.scale)


@FEW
@given(st.booleans().flatmap(convolutions))
def test_backward_goes_through_each_connection_twice(layer) -> None:
    """The witnesses are the products that torch's backward pass executes and, where it is right, FlopCounterMode."""
    model, shape = layer
    training = netsize.training(Scaled(model), shape, batch=2, device="cpu")
    forward = training.total("forward")
    assert (training.total("backward_inputs"), training.total("backward_weights")) == (forward, forward)
    assert training.problems == () and training.unattributed == 0
    if model.groups == 1:
        with FlopCounterMode(display=False) as counter:
            Scaled(model)(torch.rand(2, *shape)).sum().backward()
        assert counter.get_total_flops() == 2 * 2 * training.operations


@FEW
@given(convolutions(transposed=True))
def test_transposed_convolutions(layer) -> None:
    model, shape = layer
    row = agrees(model, shape).rows[0]
    assert row.connections - row.padding_connections == links(model, shape)
    assert row.weights == model.weight.numel()


@FEW
@given(st.integers(1, 2), st.integers(1, 5), st.integers(1, 3), st.integers(3, 9))
def test_convolutions_with_same_padding(channels: int, kernel: int, dilation: int, size: int) -> None:
    model = nn.Conv1d(channels, 2, kernel, padding="same", dilation=dilation)
    row = agrees(model, (channels, size)).rows[0]
    assert row.connections - row.padding_connections == links(model, (channels, size))
    assert row.units == 2 * size


@st.composite
def pools(draw):
    axes = draw(st.integers(1, 3))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    stride = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    sizes = tuple(draw(st.integers(1, 6)) for _ in range(axes))
    ceil = draw(st.booleans())
    if draw(st.booleans()):
        dilation = tuple(draw(st.integers(1, 2)) for _ in range(axes))
        assume(all(n + 2 * p >= d * (k - 1) + 1 for n, p, d, k in zip(sizes, padding, dilation, kernel)))
        kind = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[axes - 1]
        return kind(kernel, stride, padding, dilation, ceil_mode=ceil), (2, *sizes)
    assume(all(n >= k for n, k in zip(sizes, kernel)))  # torch's own condition in three dimensions
    kind = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)[axes - 1]
    return kind(kernel, stride, padding, ceil_mode=ceil), (2, *sizes)


@FEW
@given(pools())
def test_pools(layer) -> None:
    model, shape = layer
    row = agrees(model, shape).rows[0]
    if isinstance(model, (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)):  # a maximum has one gradient only
        assert row.connections - row.padding_connections == links(model, shape)


@FEW
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3), st.booleans())
def test_adaptive_pools(axes: list[tuple[int, int]], average: bool) -> None:
    sizes, outputs = (tuple(axis[i] for axis in axes) for i in (0, 1))
    kinds = {
        True: (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
        False: (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    }
    model = kinds[average][len(axes) - 1](outputs)
    row = agrees(model, (2, *sizes)).rows[0]
    if average:
        assert row.connections == links(model, (2, *sizes))


@FEW
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)), min_size=2, max_size=3))
def test_fractional_pools(axes: list[tuple[int, int, int]]) -> None:
    kernel, outputs, more = (tuple(axis[i] for axis in axes) for i in (0, 1, 2))
    kind = {2: nn.FractionalMaxPool2d, 3: nn.FractionalMaxPool3d}[len(axes)]
    sizes = [k + o - 1 + m for k, o, m in zip(kernel, outputs, more)]
    row = agrees(kind(kernel, output_size=outputs), (2, *sizes)).rows[0]
    assert row.connections == 2 * prod(outputs) * prod(kernel)


class Multiply(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.other = nn.Parameter(torch.rand(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.other


@FEW
@given(st.lists(st.integers(1, 4), max_size=2), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_products(batch: list[int], rows: int, inner: int, columns: int, for_each: bool) -> None:
    own = (*batch, inner, columns) if for_each else (inner, columns)
    report = agrees(Multiply(own), (*batch, rows, inner))
    assert report.totals.units == prod(batch) * rows * columns
    assert report.totals.connections == report.totals.units * inner == links(Multiply(own), (*batch, rows, inner))
    assert report.totals.weights == prod(own)


@FEW
@given(
    st.sampled_from([(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
)
def test_recurrent(kind, inputs: int, hidden: int, layers: int, steps: int, both: bool, bias: bool) -> None:
    make, gates = kind
    model = make(inputs, hidden, layers, bias=bias, bidirectional=both, batch_first=True)
    report = agrees(model, (steps, inputs))
    matrices = [parameter.numel() for name, parameter in model.named_parameters() if "weight" in name]
    assert report.totals.weights == sum(matrices)
    assert report.totals.connections == steps * sum(matrices)  # each weight is used once in each step
    assert report.totals.units == steps * gates * hidden * layers * (2 if both else 1)


@given(*[st.integers(*bounds) for bounds in ((1, 9), (1, 5), (1, 4), (0, 4), (1, 3), (1, 12))])
def test_taps_inside_counts_pairs(
    positions: int, kernel: int, stride: int, padding: int, dilation: int, size: int
) -> None:
    pairs = [(o, k) for o in range(positions) for k in range(kernel) if 0 <= o * stride - padding + k * dilation < size]
    assert windows.taps_inside(positions, kernel, stride, padding, dilation, size) == len(pairs)
