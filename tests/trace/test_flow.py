"""What feeds what: each network's nodes in order, each with those that it comes from, as its forward says."""

from typing import Any

import pytest
import torch
from torch import nn

from netsize.run.examination import examine


class Forward(nn.Module):
    """Layers by name, and a function of them and the input."""

    def __init__(self, forward: Any, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self._forward = forward

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self._forward(self, *inputs)


def linear() -> nn.Module:
    return nn.Linear(4, 4)


def write(net: Any, x: torch.Tensor) -> torch.Tensor:
    """Two halves are written into a tensor that held nothing."""
    whole = x.new_zeros(1, 8)
    whole[:, :4] = net.a(x)
    whole[:, 4:] = net.b(x)
    return net.c(whole)


CASES = [
    ("a chain: activations and views hand on", lambda net, x: net.b(net.a(x).relu().view(1, 4)), "ab",
     ["input", "a <- input", "b <- a"], ["b"]),
    ("a residual sum, in place", lambda net, x: net.b(net.a(x).add_(x)), "ab",
     ["input", "a <- input", "add_ <- a, input", "b <- add_"], ["b"]),
    ("a tensor added to itself is no place where branches meet", lambda net, x: net.a(x) + net.a.weight[0], "a",
     ["input", "a <- input"], ["a"]),
    ("branches that are put together", lambda net, x: torch.cat([net.a(x), net.b(x), x], 1), "ab",
     ["input", "a <- input", "b <- input", "cat <- a, b, input"], ["cat"]),
    ("a gate", lambda net, x: net.a(x) * net.b(x).sigmoid(), "ab",
     ["input", "a <- input", "b <- input", "mul <- a, b"], ["mul"]),
    ("pieces of one tensor", lambda net, x: sum(net.a(x).chunk(2, 1)), "a", ["input", "a <- input"], ["a"]),
    ("only its shape, or a mask, of another one",
     lambda net, x: net.a(torch.zeros_like(x) + 1).masked_fill(net.b(x) > 0, 0.0), "ab",
     ["input", "a", "b <- input"], ["a"]),
    ("several outputs", lambda net, x: {"one": net.a(x), "two": [net.b(x)]}, "ab",
     ["input", "a <- input", "b <- input"], ["a", "b"]),
]  # fmt: skip


@pytest.mark.parametrize(("forward", "layers", "nodes", "ends"), [case[1:] for case in CASES], ids=lambda _: "")
@pytest.mark.parametrize("verify", [True, False])
def test_nodes_in_order(forward: Any, layers: str, nodes: list[str], ends: list[str], verify: bool) -> None:
    assert followed(Forward(forward, **{name: linear() for name in layers}), "4", verify) == (nodes, ends)


def test_halves_that_are_written() -> None:
    """The second write finds the first half there."""
    net = Forward(write, a=linear(), b=linear(), c=nn.Linear(8, 2))
    nodes = ["input", "a <- input", "b <- input", "copy_ <- a, b", "c <- copy_"]
    assert followed(net, "4") == (nodes, ["c"])


@pytest.mark.parametrize("layers", [1, 2])
def test_a_recurrent_layer_is_one_node_for_each_direction(layers: int) -> None:
    """Its gates and steps are inside; a second layer has both directions of the first."""
    net = nn.Sequential(nn.LSTM(4, 3, layers, bidirectional=True))
    nodes = ["input", "0 <- input", "0 <- input", "0 <- 0, 0", "0 <- 0, 0"][: 1 + 2 * layers]
    assert followed(net, "5x4") == (nodes, ["0", "0"])


def test_normalisation_by_a_pool_hands_on() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LocalResponseNorm(3), nn.Conv2d(4, 2, 3))
    assert followed(net, "3x8x8") == (["input", "0 <- input", "2 <- 0"], ["2"])


def test_complex_convolutions_are_one() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3, dtype=torch.complex64), nn.Conv2d(3, 1, 3, dtype=torch.complex64))
    assert followed(net, "2x8x8:complex64") == (["input", "0 <- input", "1 <- 0"], ["1"])


def followed(net: nn.Module, input: str, verify: bool = True) -> tuple[list[str], list[str]]:
    network = examine(net, [input], verify=verify)
    names = [node.operation.removeprefix("aten.") or node.path for node in network.flow]
    told = [
        f"{name} <- {', '.join(names[source] for source in node.sources)}" if node.sources else name
        for name, node in zip(names, network.flow)
    ]
    for node in network.flow:
        assert node.call is None or network.calls[node.call].path == node.path
    return told, [names[end] for end in network.ends]
