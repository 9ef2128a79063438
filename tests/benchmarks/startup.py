"""Whole processes against `python -c "import torch, torchvision"`, in alternating runs of the same minute.

    python tests/benchmarks/startup.py            # the promises below, 5 runs of each
    python tests/benchmarks/startup.py --all      # every torchvision model with --no-verify, 1 run of each

Prints medians, their ratio to the yardstick, and the peak memory beyond it. Status 1 if a promise is not kept.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

YARDSTICK = [sys.executable, "-c", "import torch, torchvision"]
NETSIZE = [sys.executable, "-m", "netsize"]
MEBIBYTES = 100  # that what runs nothing may take beyond the yardstick: --no-verify, train

# arguments, and the largest ratio that is promised
PROMISES: dict[str, float] = {
    "alexnet": 0.70,
    "vgg19": 0.78,
    "resnet152": 1.35,
    "vit_b_16": 1.35,
    "alexnet --no-verify": 0.70,
    "vgg19 --no-verify": 0.70,
    "resnet18 --no-verify": 0.70,
    "train vgg16": 1.3,  # at any batch
    "train vgg16 --batch 4096 --optimizer adam": 1.3,
    "sweep vgg16 --input 64:512:32": 1.5,  # counts at 15 sizes, and really runs at the two ends
}
REMEMBERED = "alexnet (remembered)"
LIBRARIES = [sys.executable, "-c", "import typer, rich.console"]  # its own yardstick
OF_LIBRARIES = 1.5
# what needs no torch is promised in seconds
AT_ONCE = {
    REMEMBERED: 0.12,
    "explain conv --in 3 --out 64 --kernel 11 --stride 4 --padding 2 --size 224": 0.3,
    "--help": 0.3,
}


@dataclass
class Case:
    command: list[str]
    ratio: float | None
    cache: str | None = None  # a folder with remembered results; a fresh one for each run, if there is none
    seconds: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    def run(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            environment = os.environ | {"NETSIZE_CACHE": self.cache or empty}
            begin = time.perf_counter()
            process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - begin)
        self.peaks.append(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
        if status:
            sys.exit(f"{' '.join(self.command)}: {process.stderr.read().decode() if process.stderr else status}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    yardstick = Case(YARDSTICK, None)
    promises = everything() if options.all else PROMISES
    cases = {name: Case([*NETSIZE, *name.split()], ratio) for name, ratio in promises.items()}
    cases |= {name: Case([*NETSIZE, *name.split()], None) for name in AT_ONCE if name != REMEMBERED}
    folder = tempfile.mkdtemp()
    cases[REMEMBERED] = Case([*NETSIZE, "alexnet"], None, folder)
    cases[REMEMBERED].run()  # counted
    cases[REMEMBERED].seconds.clear()
    libraries = Case(LIBRARIES, None)
    for _ in range(options.runs or (1 if options.all else 5)):
        for case in (yardstick, libraries, *cases.values()):
            case.run()
    kept = report(yardstick, cases)
    ratio = statistics.median(cases[REMEMBERED].seconds) / statistics.median(libraries.seconds)
    print(f"\n{REMEMBERED}: {ratio:.2f} of importing typer and rich.console (promised: {OF_LIBRARIES})")
    return 0 if kept and ratio <= OF_LIBRARIES else 1


def everything() -> dict[str, float]:
    """Every model; the time is promised for small networks only, the memory for all."""
    from netsize.sources import known_models

    return {f"{name} --no-verify": float("inf") for name in known_models() if not name.startswith("maskrcnn")}


def report(yardstick: Case, cases: dict[str, Case]) -> bool:
    unit, base = statistics.median(yardstick.seconds), statistics.median(yardstick.peaks)
    print(f"yardstick: {unit:.2f} s, {base:.0f} MiB\n")
    print("| command | seconds | ratio | promised | MiB beyond |\n| --- | ---: | ---: | ---: | ---: |")
    kept = True
    for name, case in cases.items():
        seconds, beyond = statistics.median(case.seconds), statistics.median(case.peaks) - base
        ratio = seconds / unit
        kept &= case.ratio is None or ratio <= case.ratio
        kept &= not ("--no-verify" in name or name.startswith("train")) or beyond <= MEBIBYTES
        kept &= seconds <= AT_ONCE.get(name, seconds)
        promised = f"{case.ratio:.2f}" if case.ratio and case.ratio != float("inf") else ""
        promised = f"{AT_ONCE[name]} s" if name in AT_ONCE else promised
        print(f"| netsize {name} | {seconds:.2f} | {ratio:.2f} | {promised} | {max(beyond, 0):.0f} |")
    return kept


if __name__ == "__main__":
    sys.exit(main())
