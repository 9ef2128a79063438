"""Weights that are computed from parameters belong to those that they were made from, each element once; what only
scales them does not count. And which parameters that are added are biases."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netsize


class Computed(nn.Module):
    """A function of its parameters and its input."""

    def __init__(self, function, **parameters: torch.Tensor) -> None:
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            setattr(self, name, nn.Parameter(value, requires_grad=value.is_floating_point()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


def r(*shape: int) -> torch.Tensor:
    return torch.rand(shape)


def triangle(m: Computed, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x, torch.zeros(4, 4).index_put(tuple(torch.tril_indices(4, 4)), m.v))


def by_style(m: Computed, x: torch.Tensor) -> torch.Tensor:
    """As StyleGAN2 has it: scaled by what the network makes of the input, and brought back to a length of 1."""
    style = x.mean((2, 3)) @ m.to_style
    kernel = m.w * style[0, None, :, None, None]
    return F.conv2d(x, kernel / kernel.square().sum((1, 2, 3), keepdim=True).sqrt())


def by_attention(m: Computed, x: torch.Tensor) -> torch.Tensor:
    """Dynamic convolution: a mean of three kernels, weighted by the input."""
    attention = (x.mean((2, 3)) @ m.to_attention).softmax(-1)
    return F.conv2d(x, (attention[0, :, None, None, None, None] * m.w).sum(0))


def standardised(m: Computed, x: torch.Tensor) -> torch.Tensor:
    mean, deviation = m.w.mean((1, 2, 3), keepdim=True), m.w.std((1, 2, 3), keepdim=True)
    return F.conv2d(x, m.gain * (m.w - mean) / deviation)


# name: network, input, connections, weights, other parameters
CASES = {
    "repeated": (Computed(lambda m, x: F.linear(x, m.w.repeat(2, 1)), w=r(3, 5)), "5", 30, 15, 0),
    "mirrored": (Computed(lambda m, x: F.conv1d(x, torch.cat([m.w, m.w.flip(-1)], -1)), w=r(2, 3, 2)),
                 "3x9", 6 * 2 * 12, 12, 0),
    "resized": (Computed(lambda m, x: F.conv2d(x, F.interpolate(m.w, scale_factor=2.0)), w=r(4, 3, 2, 2)),
                "3x6x6", 9 * 4 * 48, 48, 0),
    "rolled and padded": (Computed(lambda m, x: F.conv1d(x, F.pad(m.w.roll(1, -1), (1, 2))), w=r(2, 3, 2)),
                          "3x9", 5 * 2 * 15, 12, 0),
    "outer product": (Computed(lambda m, x: F.linear(x, m.a[:, None] * m.b), a=r(4), b=r(6)), "6", 24, 10, 0),
    "Kronecker product": (Computed(lambda m, x: F.linear(x, torch.kron(m.a, m.b)), a=r(2, 3), b=r(5, 2)),
                          "6", 60, 16, 0),
    "triangle": (Computed(triangle, v=r(10)), "4", 16, 10, 0),
    "sum of two": (Computed(lambda m, x: F.linear(x, m.a + m.b), a=r(4, 5), b=r(4, 5)), "5", 20, 40, 0),
    "partly constant": (Computed(lambda m, x: F.linear(x, torch.cat([m.w, torch.ones(2, 5)])), w=r(3, 5)),
                        "5", 25, 15, 0),
    "scaled row by row": (Computed(lambda m, x: F.linear(x, m.w * m.s), w=r(4, 5), s=r(4, 1)), "5", 20, 20, 4),
    "weight_norm by hand": (Computed(lambda m, x: F.linear(x, m.g * m.v / m.v.norm(dim=1, keepdim=True)),
                                     v=r(4, 5), g=r(4, 1)), "5", 20, 20, 4),
    "standardised": (Computed(standardised, w=r(4, 3, 3, 3), gain=r(4, 1, 1, 1)), "3x5x5", 9 * 4 * 27, 108, 4),
    "four bits": (Computed(lambda m, x: F.linear(x, torch.stack([m.q & 15, m.q >> 4], -1).view(4, 6) * m.s),
                           q=torch.randint(0, 255, (4, 3), dtype=torch.uint8), s=r(4, 1)), "6", 24, 12, 4),
    "scaled by a style": (Computed(by_style, w=r(4, 3, 3, 3), to_style=r(3, 3)), "3x5x5", 9 + 9 * 4 * 27, 117, 0),
    "scaled by an attention": (Computed(by_attention, w=r(3, 4, 3, 3, 3), to_attention=r(3, 3)),
                               "3x5x5", 9 + 9 * 4 * 27, 9 + 324, 0),
    "a linear layer scaled by a style": (
        Computed(lambda m, x: F.linear(x, m.w * (x @ m.to_style)), w=r(4, 5), to_style=r(5, 5)), "5", 45, 45, 0),
    "rows that constants choose": (Computed(lambda m, x: F.linear(x, m.w[[0, 2, 2]]), w=r(6, 5)), "5", 15, 10, 20),
    "rows counted from the end, by a table": (
        Computed(lambda m, x: F.linear(x, m.w[torch.tensor([[-1, 2], [5, -1]])].flatten(0, 1)), w=r(6, 5)),
        "5", 20, 10, 20),
    "rows of a view": (Computed(lambda m, x: F.linear(x, m.w.t()[[0, 2, 2]]), w=r(5, 6)), "5", 15, 10, 20),
    "all rows, in another order": (Computed(lambda m, x: F.linear(x, m.w[[2, 0, 1]]), w=r(3, 5)), "5", 15, 15, 0),
    "rows by truth values": (Computed(lambda m, x: F.linear(x, m.w[torch.tensor([True, False, True])]), w=r(3, 5)),
                             "5", 10, 10, 5),
    "columns that constants choose": (Computed(lambda m, x: F.linear(x, m.w[:, [0, 2, 2]]), w=r(4, 6)), "3", 12, 8, 16),
    "columns by truth values": (
        Computed(lambda m, x: F.linear(x, m.w[:, torch.tensor([True, False, True])]), w=r(4, 3)), "2", 8, 8, 4),
    "places of a table": (
        Computed(lambda m, x: F.linear(x, m.w[:, torch.tensor([[0, -1], [5, 5]])].flatten(1)), w=r(2, 6)),
        "4", 8, 4, 8),
    "places, by row and column": (Computed(lambda m, x: F.linear(x, m.w[[0, 1, 1], [1, 2, 2]][None]), w=r(3, 4)),
                                  "3", 3, 2, 10),
    "a circulant matrix": (Computed(lambda m, x: F.linear(x, m.c[(torch.arange(5)[:, None] - torch.arange(5)) % 5]),
                                    c=r(5)), "5", 25, 5, 0),
    "overlapping slices": (Computed(lambda m, x: (F.linear(x, m.w[:3]), F.linear(x, m.w[2:5])), w=r(8, 4)),
                           "4", 24, 20, 12),
    "nested widths": (Computed(lambda m, x: [F.linear(x[:, :n], m.w[:, :n]) for n in (2, 4, 3)], w=r(3, 6)),
                      "6", 27, 12, 6),
    "a computed weight, used twice": (Computed(lambda m, x: [F.linear(x, m.w.exp()) for _ in range(2)], w=r(3, 5)),
                                      "5", 30, 15, 0),
    "position embeddings are none": (Computed(lambda m, x: F.linear(x + m.p, m.w), w=r(3, 5), p=r(4, 5)),
                                     "4x5", 60, 15, 20),
}  # fmt: skip


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_weights_of_computed_operands(name: str, verify: bool) -> None:
    network, shape, connections, weights, other = CASES[name]
    report = netsize.analyze(network, shape, device="cpu", verify=verify)
    totals = report.totals
    assert (totals.connections, totals.weights, totals.other_parameters) == (connections, weights, other)
    assert report.verification.status == ("passed" if verify else "skipped")


# name: network, input, weights, biases, other parameters
BIASES = {
    "one for each head, by baddbmm": (
        Computed(lambda m, x: torch.baddbmm(m.b, x, m.w), w=r(1, 3, 5), b=r(1, 1, 5)), "6x3", 15, 5, 0),
    "one for each of four heads": (
        Computed(lambda m, x: torch.bmm(x.expand(4, -1, -1), m.w) + m.b, w=r(4, 3, 5), b=r(4, 1, 5)), "6x3", 60, 20, 0),
    "by addmm": (Computed(lambda m, x: torch.addmm(m.b, x, m.w), w=r(3, 5), b=r(5)), "3", 15, 5, 0),
    "by addmm, times 0": (Computed(lambda m, x: torch.addmm(m.b, x, m.w, beta=0), w=r(3, 5), b=r(5)), "3", 15, 0, 5),
    "a matrix, by addmm, is none": (
        Computed(lambda m, x: torch.addmm(m.b, x[0], m.w), w=r(3, 5), b=r(6, 5)), "6x3", 15, 0, 30),
    "one number for all is none": (Computed(lambda m, x: torch.addmm(m.b, x, m.w), w=r(3, 5), b=r(1)), "3", 15, 0, 1),
    "a second one is none": (Computed(lambda m, x: F.linear(x, m.w, m.b) + m.c, w=r(5, 3), b=r(5), c=r(5)),
                             "3", 15, 5, 5),
}  # fmt: skip


@pytest.mark.parametrize("name", BIASES)
def test_which_parameters_are_biases(name: str) -> None:
    network, shape, weights, biases, other = BIASES[name]
    report = netsize.analyze(network, shape, device="cpu")
    totals = report.totals
    assert (totals.weights, totals.biases, totals.other_parameters) == (weights, biases, other)
    assert report.verification.status == "passed"
