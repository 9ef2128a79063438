"""What a training step takes and does in all: memory by part, operations, data, and how far to trust it."""

from collections.abc import Sequence

from netsize.costs.training import SPARE, Training, usable
from netsize.machine import binary
from netsize.render.page import Column, Record, Sheet
from netsize.results.words import few_digits, percent


def sheet(training: Training) -> Sheet:
    """What it consists of, over a step and at its highest moment."""
    peak = training.peak
    columns = (
        Column("part", "memory"),
        Column("size", "of a step", text=binary),
        Column("peak", "at its peak", text=binary),
        Column("share", "", 5, percent, near=True),
    )
    parts = {part: size for part, size in training.parts.items() if size}
    records: list[Record] = [
        {
            "part": part,
            "size": parts.get(part),
            "peak": peak.parts.get(part),
            "share": peak.parts[part] / peak.size if part in peak.parts else None,
        }
        for part in dict.fromkeys([*parts, *peak.parts])
    ]
    records.append({"part": "in all", "peak": peak.size})
    return Sheet("", columns, tuple(records), tuple(_notes(training)))


def _notes(training: Training) -> list[str]:
    return [*_about_memory(training), *_about_operations(training), *_about_data(training), *_about_trust(training)]


def _about_memory(training: Training) -> list[str]:
    event, fit = training.peak.event, training.fit
    where = {"optimizer": "in the optimizer's step", "recomputation": f"when {event.path} is computed again"}
    moment = where.get(event.phase, f"in the {event.phase} of {event.path or training.source.title}")
    found = [f"peak: {binary(training.peak.size)} ({training.peak.size:,} bytes), {moment} ({event.operation})"]
    kept = training.parts.get("activations", 0)
    found.append(f"activations: {binary(kept // training.batch)} per example")
    if training.checkpoints:
        found.append(f"checkpointed: {_some(training.checkpoints)}")
    before, before_peak = training.without_checkpoints, training.peak_without_checkpoints
    if before is not None and before_peak is not None:
        found.append(
            f"checkpoints: {binary(kept)} of activations are kept instead of {binary(before)}, the peak is "
            f"{binary(training.peak.size)} instead of {binary(before_peak)}, and "
            f"{training.total('recomputation'):,} add-multiplies per example are executed again"
        )
    if fit is not None:
        most = "at most " if training.unpredicted else ""
        left = f": its peak leaves {binary(fit.limit - fit.peak)}, {SPARE} % for kernels" if fit.batch else ""
        found.append(f"the largest batch for {binary(fit.limit)} is {most}{fit.batch:,}{left}")
        if not training.fits:
            over = binary(training.peak.size - usable(fit.limit))
            found.append(
                f"✗ a batch of {training.batch:,} does not fit: it takes {over} more than leaves kernels {SPARE} %"
            )
    return found


def _about_operations(training: Training) -> list[str]:
    plan, ratio = training.plan, training.ratio
    names = {"forward": "forward", "backward_inputs": "to inputs", "backward_weights": "to weights",
             "recomputation": "again"}  # fmt: skip
    sums = " + ".join(f"{training.total(key):,} {name}" for key, name in names.items() if training.total(key))
    per = f": {ratio:.4g} for each connection" if ratio is not None else ""
    found = [f"add-multiplies per example: {training.operations:,} = {sums or 0}{per}"]
    if plan.examples:
        epoch = training.operations * plan.examples
        text = f"an epoch of {plan.examples:,} examples: {epoch:.4g} add-multiplies"
        found.append(text + (f", {plan.epochs:,} epochs: {epoch * plan.epochs:.4g}" if plan.epochs else ""))
    return found


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _about_data(training: Training) -> list[str]:
    text = f"data: {training.trainable:,} trainable weights"
    if training.plan.examples:
        text += f", {few_digits(training.trainable / training.plan.examples)} per training example"
    found = [text]
    if training.frozen:
        size = sum(size for _, size in training.frozen)
        found.append(f"not trained: {size:,} parameters ({_some([name for name, _ in training.frozen])})")
    found += training.tied
    if training.untouched:
        found.append(f"without a gradient, and so without optimizer state: {_some(training.untouched)}")
    return found


def _about_trust(training: Training) -> list[str]:
    found = list(training.values)
    if training.uncounted:
        names = ", ".join(unknown.operation for unknown in training.uncounted)
        found.append(f"incomplete: netsize does not know the connections of {names}")
    if training.unattributed:
        found.append(
            f"incomplete: {training.unattributed:,} more add-multiplies are executed backward, in functions that bring "
            "a backward pass of their own"
        )
    if training.unpredicted:
        names = ", ".join(training.unpredicted)
        found.append(
            f"incomplete: how many bytes {names} keeps for backward only its kernel knows; --measure finds them"
        )
    if not training.problems:
        found.append("✓ backward executes as many add-multiplies as the formulas say, by torch's own backward pass")
    if training.failure:
        found.append(f"✗ not measured: {training.failure}")
    elif training.measured is None:
        found.append(
            f"memory is predicted for {training.device}, operation by operation and without taking any; "
            "--measure trains a few steps and compares"
        )
    return found
