"""Cost against size: seconds for each layer, from 10 to 10,000 layers of one network. Status 1 if they differ by more
than a factor of 2 (from 100 layers on: below, the fixed costs of a pass are no small part).

    python tests/benchmarks/layers.py
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


def main() -> int:
    netsize.analyze(nn.Linear(2, 2), "2", device="cpu")  # the first call pays for what is imported late
    print("| layers | verified, µs/layer | --no-verify, µs/layer | table, µs/layer |\n| ---: | ---: | ---: | ---: |")
    costs = [measured(size) for size in SIZES]
    kept = all(max(column) <= 2 * min(column) for column in list(zip(*costs[1:])))
    return 0 if kept else 1


def measured(size: int) -> list[float]:
    """Seconds for each layer: counted and verified, counted only, and shown."""
    model = nn.Sequential(*(nn.Sequential(nn.Conv1d(4, 4, 3, padding=1), nn.ReLU()) for _ in range(size)))
    report = netsize.analyze(model, "4x16", device="cpu", verify=False)
    cost = [
        median(lambda: netsize.analyze(model, "4x16", device="cpu"), size),
        median(lambda: netsize.analyze(model, "4x16", device="cpu", verify=False), size),
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
