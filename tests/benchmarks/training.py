"""Predicted against measured memory of training steps, on the CPU or, where there is one, on a GPU.

    python tests/benchmarks/training.py                    # the CPU: seven networks, two batches, SGD and Adam
    python tests/benchmarks/training.py --device cuda      # a GPU: batch 32, float32 and bfloat16 autocast
    python tests/benchmarks/training.py resnet18 vgg11     # these networks

Prints the bytes that are kept for backward (equal, or both numbers), and predicted / measured peaks. Status 1 if bytes
differ, or a peak by more than 5 %.
"""

import argparse
import sys
from itertools import product

import netsize

SEVEN = ["alexnet", "vgg16", "resnet50", "densenet121", "mobilenet_v2", "vit_b_16", "swin_t"]
MORE = [
    *SEVEN, "convnext_tiny", "efficientnet_b0", "googlenet", "inception_v3", "mnasnet1_0", "mobilenet_v3_large",
    "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnext50_32x4d", "shufflenet_v2_x1_0", "squeezenet1_1",
    "vgg11_bn", "vit_b_32", "wide_resnet50_2",
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    on_cpu = options.device == "cpu"
    cases = product([2, 4], ["sgd", "adam"], [False]) if on_cpu else product([32], ["sgd", "adam"], [False, True])
    columns = [(batch, optimizer, amp) for batch, optimizer, amp in cases]
    titles = [f"{optimizer}, {batch}{', bfloat16 autocast' if amp else ''}" for batch, optimizer, amp in columns]
    print(f"| network | kept for backward | {' | '.join(titles)} |\n| --- | --- |{' ---: |' * len(columns)}")
    ratios = {}
    good = True
    for name in options.models or (SEVEN if on_cpu else MORE):
        kept, cells = [], []
        for batch, optimizer, amp in columns:
            found = netsize.training(
                name, batch=batch, optimizer=optimizer, amp=amp, device=options.device, measure=True
            )
            measured, predicted = found.measured, found.parts["activations"]
            if measured is None or measured.peak is None:
                cells.append(found.failure)
                good = False
                continue
            if measured.saved != predicted:
                kept.append(f"{predicted:,} / {measured.saved:,}")
            ratios[name, batch, optimizer, amp] = found.peak.size / measured.peak
            cells.append(f"{found.peak.size / measured.peak:.4f}")
        good &= not kept
        print(f"| {name} | {', '.join(kept) or 'equal'} | {' | '.join(cells)} |", flush=True)
    worst = max(ratios, key=lambda case: abs(ratios[case] - 1))
    print(f"\nthe worst: {worst}, {ratios[worst]:.4f}")
    return 0 if good and all(0.95 <= ratio <= 1.05 for ratio in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
