"""DiT: Peebles, Xie 2022, "Scalable diffusion models with transformers": a transformer that takes the noise out of a
picture's latents, told by the time and the class through shifts, scales and gates of every block (adaLN-Zero)."""

import torch
import torch.nn.functional as F
from torch import nn


def shifted(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return x * (1 + scale[:, None]) + shift[:, None]


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = self.modulation(F.silu(condition)).chunk(6, 1)
        y = self.qkv(shifted(self.norm_1(x), shift_1, scale_1))
        q, k, v = (z.unflatten(2, (self.heads, -1)).transpose(1, 2) for z in y.chunk(3, 2))
        x = x + gate_1[:, None] * self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        y = self.up(shifted(self.norm_2(x), shift_2, scale_2))
        return x + gate_2[:, None] * self.down(F.gelu(y, approximate="tanh"))


class DiT(nn.Module):
    """Latents of 4 channels (32x32 for a picture of 256x256), in patches of 2x2, the time, and the class -> the noise
    and its variance. The defaults are XL/2's (table 1)."""

    def __init__(
        self, width: int = 1152, layers: int = 28, heads: int = 16, classes: int = 1000, frequencies: int = 256
    ) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.patches = nn.Conv2d(4, width, 2, stride=2)
        self.time = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width)  # one more: of no class
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, 2 * 2 * 8)

    def forward(self, x: torch.Tensor, time: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        speeds = 10_000.0 ** (-torch.arange(self.frequencies // 2, device=x.device) / (self.frequencies // 2))
        angles = time.flatten()[:, None] * speeds
        condition = self.time(torch.cat((angles.cos(), angles.sin()), 1)) + self.label(label.flatten())
        height, width = x.shape[2] // 2, x.shape[3] // 2
        x = self.patches(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x, condition)
        x = self.last(shifted(self.norm(x), *self.modulation(F.silu(condition)).chunk(2, 1)))
        return (
            x.unflatten(1, (height, width)).unflatten(3, (2, 2, 8)).permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)
        )
