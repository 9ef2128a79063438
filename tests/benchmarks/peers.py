"""netsize against the tools that people use today: time, memory, and whether the count is right.

    python tests/benchmarks/peers.py             # 3 alternating runs of each; installs the peers into a folder
    python tests/benchmarks/peers.py --runs 1 --models alexnet vgg19

Every tool runs as a process of its own that builds the network untrained and prints its multiply-accumulates.
Prints a Markdown table: seconds and peak memory as ratios to netsize, medians, and the count as a ratio to
torchvision's own number. Status 1 if a peer is faster than netsize and right.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEERS = ("torchinfo", "fvcore", "ptflops", "torchscan", "torchlens")
MODELS = ("alexnet", "vgg19", "resnet152", "vit_h_14", "regnet_y_128gf")
BUILD = """
import sys, torch, torchvision
name = sys.argv[1]
weights = torchvision.models.get_model_weights(name).DEFAULT
size = weights.transforms().crop_size[0]
own = {"image_size": size} if name.startswith("vit") else {}
model = torchvision.models.get_model(name, weights=None, **own).eval()
shape = (3, size, size)
"""
NETSIZE = """
import sys
from netsize.__main__ import run
sys.argv = ["netsize", sys.argv[1], "--device", "cpu", {}"--format", "csv"]
run()
"""
TOOLS = {
    "torchinfo": BUILD + "from torchinfo import summary\n"
    "print(summary(model, (1, *shape), verbose=0, device='cpu').total_mult_adds)",
    "fvcore": BUILD + "import logging; logging.disable()\nfrom fvcore.nn import FlopCountAnalysis\n"
    "print(FlopCountAnalysis(model, torch.rand(1, *shape)).total())",
    "ptflops": BUILD + "from ptflops import get_model_complexity_info as count\n"
    "print(count(model, shape, as_strings=False, print_per_layer_stat=False, verbose=False)[0])",
    "torchscan": BUILD + "from torchscan import crawl_module\n"
    "print(crawl_module(model, shape)['totals']['macs']['known_value'])",
    "torchlens": BUILD + "import torchlens\n"
    "with torch.no_grad(): print(int(torchlens.trace(model, torch.rand(1, *shape)).total_macs_forward))",
    "FlopCounterMode": BUILD + "from torch.utils.flop_counter import FlopCounterMode\n"
    "with torch.no_grad(), FlopCounterMode(display=False) as mode: model(torch.rand(1, *shape))\n"
    "print(mode.get_total_flops() // 2)",
    "netsize": NETSIZE.format(""),
    "netsize --no-verify": NETSIZE.format("'--no-verify', "),
}
PUBLISHED = "import sys, torchvision\nprint(torchvision.models.get_model_weights(sys.argv[1]).DEFAULT.meta['_ops'])"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--environment", type=Path, help="A folder to keep the peers' environment in.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = installed(options.environment or Path(folder) / "peers")
        print("| network | tool | seconds | peak memory | count |\n| --- | --- | ---: | ---: | ---: |")
        return max(compare(python, model, options.runs) for model in options.models)


def installed(place: Path) -> Path:
    """Python of an environment that holds netsize and its peers."""
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        root = Path(__file__).parent.parent.parent
        subprocess.run([python, "-m", "pip", "install", "--quiet", root, "setuptools<81", *PEERS], check=True)
    return python


def compare(python: Path, model: str, runs: int) -> int:
    published = float(subprocess.check_output([python, "-c", PUBLISHED, model])) * 1e9
    seconds: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    peaks: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    counts: dict[str, float | None] = {}
    for _ in range(runs):
        for tool, code in TOOLS.items():
            took, peak, counts[tool] = run(python, tool, code, model)
            seconds[tool].append(took)
            peaks[tool].append(peak)
    ours, memory = statistics.median(seconds["netsize"]), statistics.median(peaks["netsize"])
    beaten = 0
    for tool in TOOLS:
        took, peak, count = statistics.median(seconds[tool]), statistics.median(peaks[tool]), counts[tool]
        right = count is not None and abs(count - published) <= 5e5
        told = "fails" if count is None else "right" if right else f"{count / published:.4f} of it"
        print(
            f"| {model} | {tool} | {took:.1f} ({took / ours:.2f}x) | {peak:,.0f} MiB ({peak / memory:.2f}x) | {told} |"
        )
        beaten |= right and not tool.startswith("netsize") and took < ours
    sys.stdout.flush()
    return int(beaten)


def run(python: Path, tool: str, code: str, model: str) -> tuple[float, float, float | None]:
    """Seconds, MiB, and the multiply-accumulates that were printed; None if the tool failed."""
    with tempfile.TemporaryDirectory() as cache:  # nothing is remembered
        environment = os.environ | {"NETSIZE_CACHE": cache}
        begin = time.perf_counter()
        process = subprocess.Popen(
            [python, "-c", code, model], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - begin
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    if status:
        return took, peak, None
    if tool.startswith("netsize"):
        return took, peak, sum(int(line.split(",")[-5]) for line in output.splitlines()[1:])
    return took, peak, float(output.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
