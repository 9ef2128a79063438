"""VGG, configuration C: Simonyan, Zisserman 2014, "Very deep convolutional networks for large-scale image
recognition", table 1. Sixteen layers, of which three are 1x1 convolutions; torchvision has A, B, D and E."""

import torch
from torch import nn

# channels and kernel of each convolution, block by block; a pool behind each block
BLOCKS = (
    ((64, 3), (64, 3)),
    ((128, 3), (128, 3)),
    ((256, 3), (256, 3), (256, 1)),
    ((512, 3), (512, 3), (512, 1)),
    ((512, 3), (512, 3), (512, 1)),
)


class VGG16C(nn.Module):
    """A 224x224 image -> 1000 classes."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential()
        channels = 3
        for number, block in enumerate(BLOCKS, start=1):
            for index, (outputs, kernel) in enumerate(block, start=1):
                convolution = nn.Conv2d(channels, outputs, kernel, padding=kernel // 2)
                self.features.add_module(f"conv{number}_{index}", convolution)
                self.features.add_module(f"relu{number}_{index}", nn.ReLU(inplace=True))
                channels = outputs
            self.features.add_module(f"pool{number}", nn.MaxPool2d(2))
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout()),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).flatten(1))
