"""Shared: as many threads on every machine, and a network of several kinds of layers."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn


@pytest.fixture
def two_threads() -> Iterator[None]:
    """What oneDNN's kernels take for themselves grows with the threads: the same on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Attention16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.attention(x, x, x)[0]


@pytest.fixture
def mixed() -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8)),
            nn.GroupNorm(2, 8), nn.GELU(), nn.Flatten(2),
            nn.Sequential(nn.Linear(36, 16), nn.LayerNorm(16), nn.Dropout(0.1)),
            Attention16(), nn.Linear(16, 3), nn.LogSoftmax(-1),
        )  # fmt: skip

    return build
