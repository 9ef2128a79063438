"""A verified analysis against a plain forward pass, in one process on one thread, alternating, medians: of small
networks of timm's families (those of `all_of_timm.py --verify`). Beside it counting without values, for each operation.

    pip install timm
    python tests/benchmarks/passes.py                 # 100 networks
    python tests/benchmarks/passes.py resnet50 vit_*  # these
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from all_of_timm import small_ones
from torch.utils._python_dispatch import TorchDispatchMode

import netsize

RUNS = 3


def main() -> None:
    import timm

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--networks", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    names = timm.list_models(options.patterns or "*")
    names = names if options.patterns else small_ones(names, options.networks)
    print("| network | operations | forward, ms | verified, of it | --no-verify, of that | ms for each operation |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    ratios, long, each, of_verified = [], [], [], []
    for name in names:
        model = timm.create_model(name, pretrained=False).eval()
        size = model.default_cfg.get("test_input_size") or model.default_cfg["input_size"]
        operations, forward, verified, without = times(model, tuple(size))
        ratios.append(verified / forward)
        long += [verified / forward] if forward >= 1 else []
        each.append(without / operations * 1e3)
        of_verified.append(without / verified)
        shown = (f"{forward * 1e3:.0f}", *(f"{value[-1]:.2f}" for value in (ratios, of_verified, each)))
        print("|", " | ".join((name, str(operations), *shown)), "|", flush=True)
    print(f"\n{len(names)} networks: verified {statistics.median(ratios):.2f} times a forward pass (median)")
    print(f"--no-verify: {statistics.median(each):.2f} ms for each operation (median), {max(each):.2f} (most)")
    slower = sum(value > 1 for value in of_verified)
    of_it = f"{statistics.median(of_verified):.2f} (median), {max(of_verified):.2f} (most)"
    print(f"--no-verify takes {of_it} times as long as verification, {slower} of them longer")
    if long:
        print(f"{len(long)} that take a second: {statistics.median(long):.2f} (median), {max(long):.2f} (most)")


def times(model: torch.nn.Module, size: tuple[int, ...]) -> tuple[int, float, float, float]:
    """Executed operations of a forward pass; seconds of one, verified, and without values."""
    images = torch.rand(1, *size)

    def forward() -> None:
        with torch.inference_mode():
            model(images)

    def verified() -> None:
        netsize.analyze(model, size, device="cpu")

    def without() -> None:
        netsize.analyze(model, size, device="cpu", verify=False)

    with torch.no_grad(), Counter() as counter:
        model(images)
    seconds: list[list[float]] = [[], [], []]
    for run in range(RUNS + 1):
        for index, what in enumerate((forward, verified, without)):
            took = clocked(what)
            if run:  # the first is to warm up
                seconds[index].append(took)
    return counter.operations, *map(statistics.median, seconds)


def clocked(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


class Counter(TorchDispatchMode):
    """Of executed operations."""

    operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        return func(*args, **(kwargs or {}))


if __name__ == "__main__":
    main()
