"""Attention over many positions: the kernel that makes no scores, and the same counts as of its two products."""

from dataclasses import asdict
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netsize
from netsize.costs.measurement import highest
from netsize.facts.network import Network
from netsize.run.examination import examine
from netsize.trace import attention

LENGTH = 1024  # 2^20 scores of each head
SCORES = 2 * LENGTH * LENGTH * 4  # bytes


class Attends(nn.Module):
    """Two heads of 4 features over 1,024 positions. `queries`, `keys`: learned ones, so many; `bias`: something is
    added to what comes out."""

    def __init__(
        self, heads: int = 2, queries: int = 0, keys: int = 0, mask: Any = None, bias: bool = False, **how: Any
    ) -> None:
        super().__init__()
        self.into = nn.Linear(8, 8 + 8 * heads)
        self.out = nn.Linear(8, 8)
        self.queries = nn.Parameter(torch.randn(1, 2, queries, 4)) if queries else None
        self.behind = nn.Parameter(torch.ones(4)) if bias else None
        self.keys = nn.Parameter(torch.randn(1, 2, keys + 3, 4)) if keys else None
        self.heads, self.mask, self.how = heads, mask, how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.into(x).split([8, 4 * self.heads, 4 * self.heads], -1)
        query, key, value = (part.unflatten(-1, (-1, 4)).transpose(1, 2) for part in parts)
        if self.queries is not None:
            query = self.queries
        if self.keys is not None:
            key = self.keys[:, :, 3:]  # all but the first places of its memory
        if self.how.get("scale"):
            query = query.contiguous()
        made = F.scaled_dot_product_attention(query, key, value, attn_mask=self.mask, **self.how)
        if self.behind is not None:
            made = made + self.behind
        return self.out(made.transpose(1, 2).flatten(2))


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"is_causal": True},
    "a mask": {"mask": torch.rand(LENGTH, LENGTH) > 0.5},
    "added to the scores": {"mask": torch.rand(1, 1, LENGTH, LENGTH)},
    "keys that several heads share": {"heads": 1, "enable_gqa": True},
    "another scale": {"scale": 0.3},
    "learned queries": {"queries": LENGTH},
    "as few learned ones as still are many scores": {"queries": 512},
    "learned keys, part of a table": {"keys": LENGTH},
    "a bias behind it": {"bias": True},
}


def facts(model: nn.Module) -> Network:
    return examine(model, [f"{LENGTH}x8"], device="cpu")


@pytest.mark.parametrize("case", CASES)
def test_it_is_counted_as_where_the_scores_are_made(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Attends(**CASES[case]).eval()
    found = asdict(facts(model))
    monkeypatch.setattr(attention, "MANY", 10**18)
    made = asdict(facts(model))
    for network in (found, made):
        del network["seconds"], network["steps"]  # what the kernel puts out lies in memory in another order
    assert found == made
    learned = "attention" if model.queries is model.keys is None else "linear"  # a product with weights
    assert [call["kind"] for call in found["calls"]] == ["linear", learned, "attention", "linear"]


def test_no_scores_are_made() -> None:
    """Neither for the network nor for the ones, which stand for one head of it."""
    model = Attends().eval()
    assert highest(lambda: facts(model)) < SCORES


fused_ones: list[bool] = []


class Watched(nn.Module):
    """Whose kernel is told by the order in memory of what it puts out: positions, then heads."""

    def __init__(self, heads: int, length: int, **how: Any) -> None:
        super().__init__()
        self.into, self.how = nn.Linear(4, 4 * heads), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = self.into(x).unflatten(-1, (-1, 4)).transpose(1, 2)
        made = F.scaled_dot_product_attention(heads, heads, heads, **self.how)
        fused_ones.append(made.transpose(1, 2).is_contiguous())
        return made


KERNELS = [
    (2, LENGTH, {}, True, "many scores"),
    (1, LENGTH, {}, True, "2^20 scores, as few as are many"),
    (2, LENGTH // 2, {}, False, "few"),
    (2, LENGTH, {"dropout_p": 0.1}, False, "what is dropped at random"),
]


@pytest.mark.parametrize("heads, length, how, fused, why", KERNELS)
def test_which_kernel_is_executed(heads: int, length: int, how: dict[str, Any], fused: bool, why: str) -> None:
    fused_ones.clear()
    netsize.analyze(Watched(heads, length, **how), f"{length}x4", device="cpu")
    assert fused_ones == [fused]


class Mapped(nn.Module):
    """Over heads that torch.vmap takes one by one: what it wraps has no memory of its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = x.unflatten(-1, (2, -1)).movedim(2, 0)
        return torch.vmap(lambda head: F.scaled_dot_product_attention(head, head, head))(heads)


def test_wrapped_tensors_are_left_to_torch() -> None:
    report = netsize.analyze(Mapped(), f"{LENGTH}x4", device="cpu")
    assert report.verification.status == "passed"
    assert [row.connections for row in report.rows] == [2 * LENGTH * LENGTH * 2] * 2


class Forces(nn.Module):
    """Puts out the gradient of what attention makes, as networks of energies do."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Watched(2, LENGTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.detach().requires_grad_()
        (force,) = torch.autograd.grad(self.attention(x).square().sum(), x)
        return force


def test_gradients_need_the_products() -> None:
    fused_ones.clear()
    report = netsize.analyze(Forces(), f"{LENGTH}x4", device="cpu")
    assert fused_ones == [False] and report.verification.status == "passed"
