"""Networks that nobody chose, against an oracle that counts while it builds them and shares nothing with netsize.

python tests/trace/test_random_networks.py 20000      # so many, from seed 0 on; prints those that differ
"""

import random
import sys
from dataclasses import dataclass, field

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netsize

IN_ONE_TEST, TESTS = 50, 20


@dataclass
class Plan:
    """What was built so far: the operations in words, and what they must count."""

    random: random.Random
    shape: tuple[int, ...]  # without the batch axis: (channels, height, width), or (tokens, features)
    said: list[str] = field(default_factory=list)
    connections: int = 0
    units: int = 0
    weights: dict[int, int] = field(default_factory=dict)  # id of a parameter -> elements, each once

    def counts(self, units: int, fan_in: int, *weights: nn.Parameter) -> None:
        self.units += units
        self.connections += units * fan_in
        self.weights |= {id(weight): weight.numel() for weight in weights}


class Step(nn.Module):
    """A function of what came before; its layers are its own, or belong to a step before."""

    def __init__(self, function, *layers: nn.Module, **parameters: nn.Parameter) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)
        for name, parameter in parameters.items():
            self.register_parameter(name, parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


def convolution(plan: Plan) -> Step:
    r, (channels, height, width) = plan.random, plan.shape
    groups = r.choice([g for g in (1, 1, 2, channels) if channels % g == 0])
    out = groups * r.randint(1, 3)
    kernel, stride, dilation = r.randint(1, 3), r.randint(1, 2), r.randint(1, 2)
    padding = r.randint((dilation * (kernel - 1) + 1) // 2, dilation * (kernel - 1))
    layer = nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias=r.random() < 0.5)
    size = [(n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for n in (height, width)]
    plan.shape = (out, *size)
    plan.said.append(f"{layer}")
    plan.counts(out * size[0] * size[1], kernel * kernel * channels // groups, layer.weight)
    return Step(lambda s, x: s.layers[0](x), layer)


def transposed(plan: Plan) -> Step:
    """Each input element is connected to K^2 N outputs: counted from the inputs."""
    channels, height, width = plan.shape
    out, kernel = plan.random.randint(1, 3), plan.random.randint(1, 3)
    layer = nn.ConvTranspose2d(channels, out, kernel, stride=2 if height * width < 100 else 1)
    plan.connections += channels * height * width * kernel * kernel * out
    plan.shape = tuple(layer(torch.zeros(1, *plan.shape)).shape[1:])
    plan.units += plan.shape[0] * plan.shape[1] * plan.shape[2]
    plan.weights[id(layer.weight)] = layer.weight.numel()
    plan.said.append(f"{layer}")
    return Step(lambda s, x: s.layers[0](x), layer)


def residual(plan: Plan) -> Step:
    """The same convolution three times, added up: its weights are counted once."""
    channels, height, width = plan.shape
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    for _ in range(3):
        plan.counts(channels * height * width, 9 * channels, layer.weight)
    plan.said.append(f"3 times, added: {layer}")
    return Step(lambda s, x: x + s.layers[0](F.relu(s.layers[0](x))) + s.layers[0](-x), layer)


def computed_kernel(plan: Plan) -> Step:
    """Made of a parameter that is padded, mirrored or scaled channel by channel."""
    channels, height, width = plan.shape
    how = plan.random.choice(["pad", "flip", "scale"])
    weight, scale = nn.Parameter(torch.rand(2, channels, 3, 3)), nn.Parameter(torch.rand(2, 1, 1, 1))
    size = 5 if how == "pad" else 3

    def kernel(s: Step) -> torch.Tensor:
        return {"pad": lambda: F.pad(s.w, (1, 1, 1, 1)), "flip": lambda: s.w.flip(2, 3), "scale": lambda: s.w * s.g}[
            how
        ]()

    plan.shape = (2, height, width)
    plan.counts(2 * height * width, size * size * channels, weight)
    plan.said.append(f"a kernel of 2x{channels}x3x3: {how}")
    parameters = {"w": weight, "g": scale} if how == "scale" else {"w": weight}
    return Step(lambda s, x: F.conv2d(x, kernel(s), padding=size // 2), **parameters)


def pool(plan: Plan) -> Step:
    channels, height, width = plan.shape
    if min(height, width) < 2:
        return pointwise(plan)
    plan.shape = (channels, height // 2, width // 2)
    plan.said.append("pool")
    return Step(plan.random.choice([lambda s, x: F.max_pool2d(x, 2), lambda s, x: F.avg_pool2d(x, 2)]))


def pointwise(plan: Plan) -> Step:
    what = plan.random.choice(["relu", "norm", "gelu", "dropout", "mask"])
    plan.said.append(what)
    if what == "norm":
        return Step(lambda s, x: s.layers[0](x), nn.BatchNorm2d(plan.shape[0]) if len(plan.shape) == 3 else
                    nn.LayerNorm(plan.shape[-1]))  # fmt: skip
    functions = {"relu": F.relu, "gelu": F.gelu, "dropout": lambda x: F.dropout(x, 0.5, False),
                 "mask": lambda x: x.masked_fill(x > 2, 0.0)}  # fmt: skip
    return Step(lambda s, x: functions[what](x))


def tokens(plan: Plan) -> Step:
    channels, height, width = plan.shape
    plan.shape = (height * width, channels)
    plan.said.append("places become tokens")
    return Step(lambda s, x: x.flatten(2).transpose(1, 2))


def linear(plan: Plan) -> Step:
    """Spelled in several ways, on a whole parameter or a part of one."""
    (length, features), out = plan.shape, plan.random.randint(1, 8)
    how = plan.random.choice(["Linear", "F.linear", "@", "einsum", "part", "unbatched"])
    said = f"{how}: {features} -> {out}"
    plan.said.append(said)
    plan.shape = (length, out)
    if how == "Linear":
        layer = nn.Linear(features, out)
        plan.counts(length * out, features, layer.weight)
        return Step(lambda s, x: s.layers[0](x), layer)
    weight = nn.Parameter(torch.rand(out + (how == "part"), features))
    plan.counts(length * out, features, weight)
    if how == "part":
        plan.weights[id(weight)] = out * features
    functions = {
        "F.linear": lambda s, x: F.linear(x, s.w), "@": lambda s, x: x @ s.w.t(),
        "einsum": lambda s, x: torch.einsum("btf,of->bto", x, s.w), "part": lambda s, x: F.linear(x, s.w[1:]),
        "unbatched": lambda s, x: (x[0] @ s.w.t())[None],
    }  # fmt: skip
    return Step(functions[how], w=weight)


def attention(plan: Plan) -> Step:
    length, features = plan.shape
    heads = plan.random.choice([h for h in (1, 2, 3) if features % h == 0])
    if plan.random.random() < 0.5:
        layer = nn.MultiheadAttention(features, heads, batch_first=True)
        plan.said.append(f"attention of {heads} heads")
        plan.counts(3 * length * features, features, layer.in_proj_weight)
        plan.counts(length * features, features, layer.out_proj.weight)
        plan.counts(heads * length * length, features // heads)
        plan.counts(length * features, length)
        return Step(lambda s, x: s.layers[0](x, x, x, need_weights=False)[0], layer)
    plan.said.append("attention of its own to itself")
    plan.counts(length * length, features)
    plan.counts(length * features, length)
    return Step(lambda s, x: F.scaled_dot_product_attention(x, x, x))


def recurrent(plan: Plan) -> Step:
    length, features = plan.shape
    hidden, both = plan.random.randint(1, 4), plan.random.random() < 0.3
    name, gates = plan.random.choice([("LSTM", 4), ("GRU", 3), ("RNN", 1)])
    layer = getattr(nn, name)(features, hidden, batch_first=True, bidirectional=both)
    for _ in range(1 + both):
        plan.counts(length * gates * hidden, features + hidden)
    weights = [weight for key, weight in layer.named_parameters() if key.startswith("weight")]
    plan.weights |= {id(weight): weight.numel() for weight in weights}
    plan.shape = (length, hidden * (1 + both))
    plan.said.append(f"{layer}")
    return Step(lambda s, x: s.layers[0](x)[0], layer)


def gate(plan: Plan) -> Step:
    """A product, and behind it something else: what the module puts out is not the product's."""
    length, features = plan.shape
    weight = nn.Parameter(torch.rand(features, 1))
    plan.counts(length, features, weight)
    plan.said.append("gate")
    return Step(lambda s, x: x * torch.sigmoid(x @ s.w), w=weight)


OF_MAPS = [convolution, convolution, transposed, residual, computed_kernel, pool, pointwise]
OF_TOKENS = [linear, linear, attention, recurrent, gate, pointwise]


def build(seed: int) -> tuple[nn.Module, Plan, tuple[int, ...]]:
    r = random.Random(seed)
    torch.manual_seed(seed)
    shape = (
        (r.randint(1, 4), r.randint(4, 9), r.randint(4, 9)) if r.random() < 0.6 else (r.randint(1, 6), r.randint(1, 8))
    )
    plan = Plan(r, shape)
    steps = []
    for _ in range(r.randint(1, 6)):
        if len(plan.shape) == 3 and r.random() < 0.2:
            steps.append(tokens(plan))
        steps.append(r.choice(OF_MAPS if len(plan.shape) == 3 else OF_TOKENS)(plan))
    if r.random() < 0.2:  # one that ran before runs again: its weights are no new ones
        steps.append(pointwise(plan))
    return nn.Sequential(*steps).eval(), plan, shape


def differences(seed: int) -> list[str]:
    """What netsize says otherwise, verified and not; with the network in a few lines."""
    network, plan, shape = build(seed)
    expected = (plan.units, plan.connections, sum(plan.weights.values()), sum(p.numel() for p in network.parameters()))
    found = []
    for verify in (True, False):
        report = netsize.analyze(network, shape, device="cpu", verify=verify)
        totals = report.totals
        counted = (totals.units, totals.connections, totals.weights, totals.parameters)
        status = report.verification.status
        if counted != expected or status == "failed" or report.uncounted or report.unused:
            found.append(f"verify={verify}: {counted} for {expected}, {status} {report.verification.problems[:2]}")
    return [f"seed {seed}, input {shape}", *plan.said, *found] if found else []


@pytest.mark.parametrize("first", range(0, TESTS * IN_ONE_TEST, IN_ONE_TEST))
def test_networks_that_nobody_chose(first: int) -> None:
    differing = [text for seed in range(first, first + IN_ONE_TEST) if (text := differences(seed))]
    assert not differing, "\n\n".join("\n".join(text) for text in differing)


if __name__ == "__main__":
    wrong = [text for seed in range(int(sys.argv[1])) if (text := differences(seed))]
    print("\n\n".join("\n".join(text) for text in wrong), f"\n{len(wrong)} of {sys.argv[1]} differ")
    sys.exit(bool(wrong))
