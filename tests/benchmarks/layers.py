"""Cost against size: seconds for each layer, from 10 to 10,000 layers of one network; and counting without values
against verification, on 20 small networks. Status 1 if the costs of a layer differ by more than a factor of 2 (from
100 layers on: below, the fixed costs of a pass are no small part).

    python tests/benchmarks/layers.py
    python tests/benchmarks/layers.py --small     # the small networks only
"""

import statistics
import sys
import time

from torch import nn

import netsize
from netsize.render import render
from netsize.render.style import Style

SIZES = (10, 100, 1_000, 10_000)
RUNS = 5


def convolutions(layers: int) -> nn.Module:
    block = [(nn.Conv1d(4, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU()) for _ in range(layers)]
    return nn.Sequential(*(layer for layers in block for layer in layers))


def perceptron(layers: int) -> nn.Module:
    return nn.Sequential(*(layer for _ in range(layers) for layer in (nn.Linear(32, 32), nn.ReLU())))


def encoder(layers: int) -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), layers)


SMALL: dict[str, tuple[nn.Module, str]] = {
    "1 linear layer": (nn.Linear(8, 4), "8"),
    **{f"perceptron of {n}": (perceptron(n), "32") for n in (2, 5, 10)},
    **{f"{n} convolutions": (convolutions(n), "4x16") for n in (1, 3, 10, 30)},
    "2-D convolutions": (nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3, groups=4)), "3x32x32"),
    "transposed": (nn.ConvTranspose2d(4, 4, 3, stride=2), "4x9x9"),
    "embedding": (nn.Sequential(nn.Embedding(50, 16), nn.Linear(16, 50)), "10:int64"),
    **{f"LSTM, {n} steps": (nn.LSTM(16, 16, batch_first=True), f"{n}x16") for n in (5, 20, 100)},
    "GRU, 2 layers, both ways": (nn.GRU(16, 16, 2, batch_first=True, bidirectional=True), "20x16"),
    "plain recurrent": (nn.RNN(16, 16, batch_first=True), "20x16"),
    **{f"encoder of {n}": (encoder(n).eval(), "10x32") for n in (1, 2, 4)},
    "head": (nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.LayerNorm(8), nn.Linear(8, 2)), "16"),
}


def small() -> None:
    """Seconds without values over seconds verified."""
    print("| network | verified, ms | --no-verify, ms | ratio |\n| --- | ---: | ---: | ---: |")
    ratios = []
    for name, (model, shape) in SMALL.items():
        verified, without = counting(model, shape)
        ratios.append(without / verified)
        print(f"| {name} | {verified * 1e3:.1f} | {without * 1e3:.1f} | {ratios[-1]:.2f} |", flush=True)
    print(f"\n{len(ratios)} networks: median {statistics.median(ratios):.2f}, largest {max(ratios):.2f}")


def counting(model: nn.Module, shape: str, layers: int = 1) -> tuple[float, float]:
    """Seconds for each layer: counted and verified, and counted only."""
    verified = median(lambda: netsize.analyze(model, shape, device="cpu"), layers)
    return verified, median(lambda: netsize.analyze(model, shape, device="cpu", verify=False), layers)


def main() -> int:
    netsize.analyze(nn.Linear(2, 2), "2", device="cpu")  # the first call pays for what is imported late
    netsize.analyze(nn.Linear(2, 2), "2", device="cpu", verify=False)
    small()
    if "--small" in sys.argv:
        return 0
    print("| layers | verified, µs/layer | --no-verify, µs/layer | table, µs/layer |\n| ---: | ---: | ---: | ---: |")
    costs = [measured(size) for size in SIZES]
    kept = all(max(column) <= 2 * min(column) for column in list(zip(*costs[1:])))
    return 0 if kept else 1


def measured(size: int) -> list[float]:
    """Seconds for each layer: counted and verified, counted only, and shown."""
    model = nn.Sequential(*(nn.Sequential(nn.Conv1d(4, 4, 3, padding=1), nn.ReLU()) for _ in range(size)))
    report = netsize.analyze(model, "4x16", device="cpu", verify=False)
    cost = [
        *counting(model, "4x16", size),
        median(lambda: render(report, "table", Style(width=100)), size),
    ]
    print(f"| {size:,} | " + " | ".join(f"{c * 1e6:,.0f}" for c in cost) + " |", flush=True)
    return cost


def median(work, layers: int) -> float:
    seconds = []
    for _ in range(RUNS if layers < 10_000 else 2):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) / layers


if __name__ == "__main__":
    sys.exit(main())
