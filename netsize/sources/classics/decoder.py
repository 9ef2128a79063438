"""Language models as they are built since LLaMA (Touvron et al. 2023): RMSNorm, rotary positions (Su et al. 2021),
gated perceptrons (Shazeer 2020), fewer keys than queries, and experts (Jiang et al. 2024, "Mixtral of experts")."""

import torch
import torch.nn.functional as F
from torch import nn

grouped_mm = getattr(F, "grouped_mm", torch._grouped_mm)  # its name until torch 2.10


def rotated(x: torch.Tensor) -> torch.Tensor:
    """Each pair of features of (batch, heads, places, size), turned by an angle that grows with the place."""
    places, size = x.shape[-2:]
    speeds = 10_000.0 ** (-torch.arange(0, size, 2, device=x.device) / size)
    angles = torch.arange(places, device=x.device)[:, None] * speeds
    first, second = x.chunk(2, -1)
    sin, cos = angles.sin(), angles.cos()
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, keys: int) -> None:
        super().__init__()
        self.size = width // heads
        self.q, self.out = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.k, self.v = (nn.Linear(width, keys * self.size, bias=False) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (layer(x).unflatten(2, (-1, self.size)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        made = F.scaled_dot_product_attention(rotated(q), rotated(k), v, is_causal=True, enable_gqa=True)
        return self.out(made.transpose(1, 2).flatten(2))


class Gated(nn.Module):
    """A perceptron with a gate."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Experts(nn.Module):
    """Gated perceptrons, `chosen` of which each token goes through. The tokens are sorted by expert, so that all of an
    expert are one group of rows."""

    def __init__(self, width: int, inner: int, experts: int, chosen: int) -> None:
        super().__init__()
        self.chosen = chosen
        self.router = nn.Linear(width, experts, bias=False)
        self.gate, self.up = (nn.Parameter(torch.empty(experts, width, inner)) for _ in range(2))
        self.down = nn.Parameter(torch.empty(experts, inner, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(0, 1)
        shares, experts = self.router(tokens).softmax(-1).topk(self.chosen, -1)
        experts, order = experts.flatten().sort()
        ends = torch.searchsorted(experts, torch.arange(len(self.up), device=x.device), right=True).int()
        rows = tokens[order // self.chosen]
        made = F.silu(grouped_mm(rows, self.gate, offs=ends)) * grouped_mm(rows, self.up, offs=ends)
        made = grouped_mm(made, self.down, offs=ends) * shares.flatten()[order, None]
        return torch.zeros_like(tokens).index_add(0, order // self.chosen, made).view_as(x)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, keys: int, inner: int, experts: int, chosen: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attention = Attention(width, heads, keys)
        self.perceptron = Experts(width, inner, experts, chosen) if experts else Gated(width, inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.perceptron(self.norm_2(x))


class Decoder(nn.Module):
    """Numbers of tokens -> for each place, scores of the token that follows."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        layers: int,
        heads: int,
        keys: int,
        inner: int,
        experts: int = 0,
        chosen: int = 0,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.blocks = nn.Sequential(*(Block(width, heads, keys, inner, experts, chosen) for _ in range(layers)))
        self.norm = nn.RMSNorm(width)
        self.scores = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.scores(self.norm(self.blocks(self.tokens(tokens))))


def gpt2_xl_gated(layers: int = 48) -> nn.Module:
    """GPT-2 XL's shape with these parts: Stanford's CS336 (2025), assignment 1, has its resources accounted for."""
    return Decoder(50257, 1600, layers, 25, 25, 6400)


def mixtral_8x7b(layers: int = 32) -> nn.Module:
    """8 experts, 2 for each token. It takes 187 GB: it is built without memory."""
    with torch.device("meta"):
        return Decoder(32000, 4096, layers, 32, 8, 14336, experts=8, chosen=2)
