"""Every architecture of timm, counted without values: connections against torch's FlopCounterMode, parameters against
their elements, and, if its table is given, against what timm itself publishes. Prints what differs, with the reason
where it is known by kind, and a summary. Status 1 if one fails, is incomplete, or differs without a reason.

    pip install timm
    python tests/benchmarks/all_of_timm.py                       # all, in as many processes as there are CPUs
    python tests/benchmarks/all_of_timm.py '*resnet*' --table benchmark-infer-....csv   # of timm's repository, results/
    python tests/benchmarks/all_of_timm.py --verify 100          # small ones of 100 families, really run
"""

import argparse
import csv
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

import netsize


@dataclass
class Counted:
    name: str
    said: str = ""  # what is wrong
    connections: int = 0
    norms: int = 0  # multiplications of normalisations, which timm's table counts
    of_weights: int = 0  # the same, where batch normalisation is what standardises weights
    merged: tuple[int, int, int] = (0, 0, 0)  # connections, norms, parameters once its parallel branches are merged
    parameters: int = 0
    size: int = 0
    seconds: float = 0.0
    reason: str = ""  # why another number is right, too
    incomplete: tuple[str, ...] = ()


def count(name: str) -> Counted:
    """One network, on shapes."""
    import timm

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = Counted(name)
    try:
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False).eval()
        shape = model.default_cfg.get("test_input_size") or model.default_cfg["input_size"]
        found.size, started = shape[-1], time.perf_counter()
        report = netsize.analyze(model, tuple(shape), device="cpu", verify=False, everything=True)
        found.norms, found.of_weights = norms(report, NORMS), norms(report, NORMS | {"batch norm": 5})
        found.seconds = time.perf_counter() - started
        found.connections, found.parameters = report.totals.connections, report.totals.parameters
        found.incomplete = tuple(unknown.operation for unknown in report.uncounted)
        elements = sum(parameter.numel() for parameter in model.parameters())
        if elements != found.parameters:
            found.said = f"parameters: {found.parameters:,}, torch has {elements:,}"
        model.requires_grad_(False)  # torch's counter asks for the gradient's function of a learned query
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, *shape, device="meta"))
        flops = counter.get_total_flops() // 2
        if flops != found.connections:
            found.reason = reason(report, found.connections - flops)
            found.said = found.said or ("" if found.reason else f"connections: {found.connections:,}, torch {flops:,}")
        found.merged = merged(name, model, shape)
    except Exception as error:  # of any of 1,370 networks: the next one is counted all the same
        found.said = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    return found


def reason(report: netsize.Report, beyond: int) -> str:
    """What FlopCounterMode is known not to see, if that makes the difference to the unit."""
    unseen: Counter[str] = Counter()
    for row in report.layers:
        if row.kind == "recurrent":
            unseen["recurrent layers"] += row.connections
        elif row.kind == "distance":
            unseen["distances"] += row.connections
        elif row.kind == "conv_transpose":
            unseen["transposed convolutions"] += row.connections
    for n in range(1, 1 << len(unseen)):
        kinds = [kind for i, kind in enumerate(unseen) if n >> i & 1]
        if sum(unseen[kind] for kind in kinds) == beyond:
            return " and ".join(kinds)
    return ""


def merged(name: str, model: torch.nn.Module, shape: Sequence[int]) -> tuple[int, int, int]:
    """Some networks are trained with branches that are merged afterwards, and published so."""
    import timm
    from timm.utils.model import reparameterize_model

    if not any(hasattr(module, "reparameterize") or hasattr(module, "fuse") for module in model.modules()):
        return 0, 0, 0
    try:
        single = reparameterize_model(timm.create_model(name, pretrained=False).eval())
    except Exception:  # LeViT merges in a way of its own
        return 0, 0, 0
    report = netsize.analyze(single, tuple(shape), device="cpu", verify=False, everything=True)
    return report.totals.connections, norms(report, NORMS), report.totals.parameters


# fvcore, with which timm counts: twice for each element in batch normalisation by statistics that are kept, five times
# in other normalisations
NORMS = {"batch norm": 2, "layer norm": 5, "group norm": 5}


def norms(report: netsize.Report, times: dict[str, int]) -> int:
    return sum(times.get(row.operation, 0) * prod(row.output) for row in report.rows if not row.layers)


def verify(name: str) -> Counted:
    """One network, run: with receptive fields, which must agree, too; and a training step of it, whose operations must
    belong to layers."""
    import timm

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = Counted(name)
    try:
        model = timm.create_model(name, pretrained=False).eval()
        started = time.perf_counter()
        report = netsize.analyze(model, tuple(model.default_cfg["input_size"]), device="cpu", receptive_field=True)
        found.seconds = time.perf_counter() - started
        found.connections, found.parameters = report.totals.connections, report.totals.parameters
        found.incomplete = tuple(unknown.operation for unknown in report.uncounted)
        training = netsize.training(model, tuple(model.default_cfg["input_size"]), batch=2, device="cpu")
        beyond = [f"backward: {training.unattributed:,} beyond all layers"] * bool(training.unattributed)
        found.said = "; ".join([*report.verification.problems[:1], *training.problems[:1], *beyond])
    except Exception as error:
        found.said = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    return found


def small_ones(names: list[str], families: int) -> list[str]:
    """The first of so many families, a family being the file that it is in."""
    import timm

    first: dict[str, str] = {}
    for name in sorted(
        names, key=lambda name: (not any(s in name for s in ("nano", "tiny", "atto", "xxs")), len(name))
    ):
        first.setdefault(timm.model_entrypoint(name).__module__, name)
    return list(first.values())[:families]


def published(table: Path | None) -> dict[tuple[str, int], tuple[float, float]]:
    """Name (without its weights' tag) and size -> billions of multiply-accumulates, millions of parameters."""
    if table is None:
        return {}
    with table.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["infer_gmacs"]]
    return {
        (row["model"].partition(".")[0], int(row["infer_img_size"])): (
            float(row["infer_gmacs"]), float(row["param_count"])
        )
        for row in rows
    }  # fmt: skip


def compared(found: Counted, gmacs: float, millions: float) -> str:
    """With a published number of two decimals. Pools, which fvcore counts too, are no thousandth of any network."""

    def near(number: float, parameters: int) -> bool:
        return abs(number / 1e9 - gmacs) <= 0.005 + 0.001 * gmacs and abs(parameters / 1e6 - millions) < 0.0051

    if near(found.connections, found.parameters):
        return "agrees"
    if near(found.connections + found.norms, found.parameters):
        return "agrees once normalisations are counted"
    if near(found.connections + found.of_weights, found.parameters):
        return "agrees once standardised weights are counted"
    connections, beside, parameters = found.merged
    if near(connections, parameters) or near(connections + beside, parameters):
        return "agrees once its branches are merged"
    return "differs"


def main() -> int:
    import timm

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--verify", type=int, default=0, metavar="FAMILIES")
    arguments = parser.parse_args()
    names = timm.list_models(arguments.pattern)
    names = small_ones(names, arguments.verify) if arguments.verify else names
    table, started = published(arguments.table), time.perf_counter()
    tally: Counter[str] = Counter()
    bad = 0
    with ProcessPoolExecutor() as pool:
        for found in pool.map(verify if arguments.verify else count, names, chunksize=4):
            said = [found.said, f"incomplete: {', '.join(found.incomplete)}" if found.incomplete else ""]
            bad += any(said)
            tally[found.reason or "as FlopCounterMode has it"] += not arguments.verify and not found.said
            if (found.name, found.size) in table and not found.said:
                gmacs, millions = table[found.name, found.size]
                verdict = compared(found, gmacs, millions)
                tally[f"published: {verdict}"] += 1
                if verdict == "differs":
                    said.append(f"published {gmacs} G, {millions} M; here {found.connections / 1e9:.3f} G "
                                f"(with norms {(found.connections + found.norms) / 1e9:.3f}), "
                                f"{found.parameters / 1e6:.3f} M")  # fmt: skip
            if any(said):
                print(f"{found.name}: {'; '.join(filter(None, said))}", flush=True)
    print(f"\n{len(names)} networks of timm {timm.__version__}, {bad} bad, {time.perf_counter() - started:.0f} s")
    for what, times in tally.most_common():
        print(f"  {what}: {times}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
