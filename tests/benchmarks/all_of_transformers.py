"""Types of transformers, each with its default configuration cut to few layers and experts: counted, complete, and
(--verify) really run; (--flops) held against torch's FlopCounterMode with plain attention, which sees no groups of
experts. A line for each, and a summary. Status 1 if one of those that were named fails or differs.

    pip install 'netsize[transformers]'
    python tests/benchmarks/all_of_transformers.py                       # all types, counted without values
    python tests/benchmarks/all_of_transformers.py --verify llama bert   # these, run
"""

import argparse
import re
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

import netsize

LAYERS = re.compile(r"(num|n)_(hidden_|encoder_|decoder_)?layers?$|(encoder|decoder)_(num_)?(hidden_)?layers$|^depth$")
EXPERTS = re.compile(r"(num|n)_(local_|routed_)?experts$")

PATIENCE = 600  # seconds for one of them


def cut(config: Any, way: str = "") -> dict[str, int]:
    """Settings that leave 2 layers and 16 experts."""
    found = {}
    for name, value in vars(config).items():
        if isinstance(value, int) and not isinstance(value, bool):
            most = 2 if LAYERS.search(name) else 16 if EXPERTS.search(name) else None
            if most and value > most:
                found[way + name] = most
        elif hasattr(value, "model_type"):
            found |= cut(value, f"{way}{name}.")
    return found


def flops(kind: str, settings: dict[str, int], name: str) -> int:
    """Multiply-accumulates that FlopCounterMode counts in the same network."""
    import transformers

    from netsize.sources.initialisers import SkipInitialisers
    from netsize.sources.settings import Settings
    from netsize.sources.transformers import _configured
    from netsize.sources.transformers.inputs import given

    config = _configured(kind, kind, {}, Settings(tuple(settings.items())))
    with SkipInitialisers():
        network = getattr(transformers, name)._from_config(config, attn_implementation="eager").eval()
    inputs = {}
    for spec in given(kind, network, Settings()):
        dtype = getattr(torch, spec.type) if spec.type else network.dtype
        inputs[spec.name] = torch.zeros(1, *spec.shape, dtype=dtype)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(**inputs)
    return int(counter.get_total_flops()) // 2


def count(kind: str, verify: bool, whole: bool, held: bool) -> dict[str, Any]:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    found: dict[str, Any] = {"kind": kind}
    try:
        settings = {} if whole else cut(CONFIG_MAPPING[kind]())
        report = netsize.analyze(f"transformers:{kind}", device="cpu", verify=verify, settings=settings)
        inputs = ", ".join("x".join(map(str, shape[1:])) for shape in report.input)
        found |= {"class": report.source.title, "input": inputs, "connections": report.totals.connections}
        found |= {"parameters": report.totals.parameters, "status": report.verification.status}
        found["uncounted"] = [unknown.operation for unknown in report.uncounted]
        found["problems"] = list(report.verification.problems[:1])
        if held and (other := flops(kind, settings, report.source.title)) != report.totals.connections:
            found["problems"].append(f"FlopCounterMode: {other:,}")
        found["values"] = report.depends_on_values
        found["unused"] = sum(size for _, size in report.unused)
    except Exception as error:  # of any of 800 networks: the next one is counted all the same
        found["error"] = f"{type(error).__name__}: {str(error)[:300]}".replace("\n", " ")
    found["seconds"] = time.perf_counter() - started
    return found


def apart(kind: str, verify: bool, whole: bool, held: bool) -> dict[str, Any]:
    """In a process of its own: one that is killed, or never ends, leaves the others alone."""
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=lambda: there.send(count(kind, verify, whole, held)))
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(PATIENCE) else {"kind": kind, "error": f"not done in {PATIENCE} s"}
    except EOFError:
        return {"kind": kind, "error": "its process was killed"}
    finally:
        process.kill()


def line(found: dict[str, Any]) -> str:
    if "error" in found:
        return f"{found['kind']:32} FAILED {found['error']}"
    said = [found["status"], *found["problems"], *(f"unknown {name}" for name in found["uncounted"])]
    said += [f"{found['unused']:,} unused"] * bool(found["unused"])
    return (
        f"{found['kind']:32} {found['class']:40} {found['input']:28} {found['connections']:>20,} "
        f"{found['parameters']:>16,} {found['seconds']:5.1f} s  {'; '.join(said)}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--flops", action="store_true", help="held against FlopCounterMode")
    parser.add_argument("--whole", action="store_true", help="all layers and experts")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    if not asked.kinds:
        from netsize.sources.names import transformers_types

        asked.kinds = list(transformers_types())
    totals: Counter[str] = Counter()
    import transformers  # noqa: F401 - once, before the processes

    with ThreadPoolExecutor(asked.jobs) as pool:
        for found in pool.map(lambda kind: apart(kind, asked.verify, asked.whole, asked.flops), asked.kinds):
            print(line(found), flush=True)
            bad = "error" in found or found["problems"] or found["uncounted"]
            totals["failed" if bad else found["status"]] += 1
    print(dict(totals))
    return int(totals["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
