"""LeNet-5: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), section II.B: 340,908 connections and 60,000 trainable parameters, biases
counted as both."""

import torch
import torch.nn.functional as F
from torch import nn

# Table I of the paper: which maps of S2 each map of C3 sees.
THREE = [[i, (i + 1) % 6, (i + 2) % 6] for i in range(6)]
FOUR = [[i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6] for i in range(6)] + [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]]
SIX = [[0, 1, 2, 3, 4, 5]]


def squash(x: torch.Tensor) -> torch.Tensor:
    """The paper's sigmoid, A tanh(S a), appendix A."""
    return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(nn.Module):
    """Each unit adds up 2x2 inputs of its map, multiplies by the map's coefficient and adds the map's bias."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient, self.bias = nn.Parameter(torch.ones(maps)), nn.Parameter(torch.zeros(maps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = len(self.coefficient)
        kernel = self.coefficient.view(maps, 1, 1, 1).expand(maps, 1, 2, 2)
        return F.conv2d(x, kernel, self.bias, stride=2, groups=maps)


class SparseConvolution(nn.Module):
    """C3: the maps that see three, four or all six maps of S2 are a convolution in groups each."""

    def __init__(self) -> None:
        super().__init__()
        self.three = nn.Conv2d(3 * 6, 6, 5, groups=6)
        self.four = nn.Conv2d(4 * 9, 9, 5, groups=9)
        self.six = nn.Conv2d(6, 1, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        three, four = (x[:, sum(maps, [])] for maps in (THREE, FOUR))
        return torch.cat([self.three(three), self.four(four), self.six(x)], dim=1)


class RadialBasis(nn.Module):
    """y_i = sum over j of (x_j - c_ij)^2. The centres c are set by hand, as bitmaps of the characters; which
    ones does not matter here."""

    centres: torch.Tensor

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("centres", torch.ones(classes, inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cdist(x, self.centres, compute_mode="donot_use_mm_for_euclid_dist") ** 2


class LeNet5(nn.Module):
    """A 32x32 image of a character -> its distances to 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.C1 = nn.Conv2d(1, 6, 5)
        self.S2 = Subsampling(6)
        self.C3 = SparseConvolution()
        self.S4 = Subsampling(16)
        self.C5 = nn.Conv2d(16, 120, 5)
        self.F6 = nn.Linear(120, 84)
        self.output = RadialBasis(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = squash(self.S2(squash(self.C1(x))))
        x = squash(self.S4(squash(self.C3(x))))
        x = squash(self.C5(x)).flatten(1)
        return self.output(squash(self.F6(x)))
