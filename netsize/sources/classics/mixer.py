"""MLP-Mixer: Tolstikhin et al. 2021, "MLP-Mixer: an all-MLP architecture for vision": perceptrons along the patches,
and along the features of each patch, by turns."""

import torch
from torch import nn


def perceptron(size: int, inner: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, inner), nn.GELU(), nn.Linear(inner, size))


class Block(nn.Module):
    def __init__(self, patches: int, width: int, inner_patches: int, inner_width: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.of_patches, self.of_features = perceptron(patches, inner_patches), perceptron(width, inner_width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.of_patches(self.norm_1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.of_features(self.norm_2(x))


class MixerB16(nn.Module):
    """A 224x224 image in patches of 16x16 -> 1000 classes (table 1, B/16)."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 16, stride=16)
        self.blocks = nn.Sequential(*(Block(196, 768, 384, 3072) for _ in range(12)))
        self.norm = nn.LayerNorm(768)
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.patches(x).flatten(2).transpose(1, 2))
        return self.classifier(self.norm(x).mean(1))
