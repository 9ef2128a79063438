"""MobileNet: Howard et al. 2017, "MobileNets: efficient convolutional neural networks for mobile vision applications",
table 1. torchvision has the second and the third version."""

import torch
from torch import nn

# channels and stride of each pair of a depthwise and a 1x1 convolution
PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class MobileNetV1(nn.Module):
    """A 224x224 image -> 1000 classes. `alpha`: the width of all layers, 1, 0.75, 0.5 or 0.25 (table 6)."""

    def __init__(self, alpha: float = 1.0, num_classes: int = 1000) -> None:
        super().__init__()
        channels = int(32 * alpha)
        self.features = nn.Sequential(convolution(3, channels, 3, stride=2))
        for outputs, stride in PAIRS:
            self.features.append(convolution(channels, channels, 3, stride, groups=channels))
            self.features.append(convolution(channels, int(outputs * alpha), 1))
            channels = int(outputs * alpha)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).mean((2, 3)))
