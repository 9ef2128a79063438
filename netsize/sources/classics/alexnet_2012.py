"""AlexNet: Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural
networks", NIPS. On two GPUs: conv2, conv4 and conv5 see only the maps of their own one (section 3.5).

The paper says 224x224; its first layer has 55x55 outputs only for 227x227."""

import torch
import torch.nn.functional as F
from torch import nn


class AlexNet2012(nn.Module):
    """`groups` 2 is the network of the paper, 1 the same on one GPU."""

    def __init__(self, groups: int, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=groups)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=groups)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=groups)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)
        # local response normalisation and overlapping pooling: sections 3.3 and 3.4
        self.normalise = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.normalise(F.relu(self.conv1(x))))
        x = self.pool(self.normalise(F.relu(self.conv2(x))))
        x = F.relu(self.conv4(F.relu(self.conv3(x))))
        x = self.pool(F.relu(self.conv5(x))).flatten(1)
        x = F.dropout(F.relu(self.fc6(x)), training=self.training)
        x = F.dropout(F.relu(self.fc7(x)), training=self.training)
        return self.fc8(x)


def grouped(num_classes: int = 1000) -> AlexNet2012:
    """As in the paper."""
    return AlexNet2012(2, num_classes)


def ungrouped(num_classes: int = 1000) -> AlexNet2012:
    """Every layer sees all maps."""
    return AlexNet2012(1, num_classes)
