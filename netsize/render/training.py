"""What `netsize train` shows: the layers, the memory of a step, operations and data, and what was measured."""

from collections.abc import Sequence
from typing import Any

from netsize.cost import NUMBERS, SPARE, Layer, Measured, Training, roll_up, usable
from netsize.limits import binary
from netsize.render import sheet
from netsize.render.sheet import Column, Record, Sheet
from netsize.render.style import MOST_ROWS, Style, to_ascii
from netsize.render.words import few_digits, percent, without_batch

SLOWEST = 10


def render(training: Training, format: str, style: Style) -> str:
    """Text in one of the formats of reports, ending in a newline."""
    if format == "json":
        return training.to_json()
    if format == "csv":
        return sheet.csv(_numbers(training))
    shown = [_layers(training, style), _memory(training), *_measured(training)]
    if format == "table":
        text = "".join(sheet.table(each, style.width).removesuffix("\n") for each in shown) + "\n"
        return text if style.unicode else to_ascii(text)
    return "\n".join({"markdown": sheet.markdown, "latex": sheet.latex}[format](each) for each in shown)


def _title(training: Training) -> str:
    source, plan = training.source, training.plan
    origin = f"{source.kind} {source.version}" if source.version else source.model
    named = [source.title] if origin == source.title else [source.title, origin]
    inputs = " and ".join(without_batch(shape) for shape in training.input)
    count = f"{training.batch:,} example{'s' * (training.batch != 1)}"
    largest = f", the most for {binary(plan.memory)}" if plan.memory and plan.batch is None else ""
    told = [*named, f"{count} of {inputs}{largest}", f"{plan.optimizer} in {plan.precision}", training.device]
    return " · ".join(told)


def _numbers(training: Training) -> Sheet:
    """For programs: every layer, in bytes."""
    columns = [Column("path", "layer"), Column("operation", "operation"), *(Column(name, name) for name in NUMBERS)]
    records: list[Record] = [
        {"path": layer.path, "operation": layer.operation, **{name: getattr(layer, name) for name in NUMBERS}}
        for layer in training.layers
    ]
    return Sheet(_title(training), tuple(columns), tuple(records), {})


def _layers(training: Training, style: Style) -> Sheet:
    columns = [
        Column("layer", "layer"),
        Column("operation", "operation", 1, left=True),
        Column("units", "units", 5),
        Column("activations", "activations", text=binary),
        Column("activations_share", "", 6, percent, near=True),
        Column("trained", "weights etc.", 7, binary),
        Column("trained_share", "", 2, percent, near=True),
        Column("forward", "forward", 8),
        Column("backward", "backward", 8),
    ]
    if training.total("recomputation"):
        columns.append(Column("recomputation", "again", 4))
    layers = _shown(training, style)
    marks = set()
    for key in ("units", "activations", "trained", "forward", "backward"):
        values = [getattr(layer, key) for layer in layers]
        if max(values, default=0):
            marks.add((values.index(max(values)), key))
    records = [_record(layer, training) for layer in layers]
    total: Record = {key: training.total(key) for key in ("units", "activations", "trained", "forward", "backward")}
    total |= {"layer": "total", "recomputation": training.total("recomputation")}
    notes = (
        "activations: bytes that are kept for backward, in the layer that keeps them first; weights etc.: parameters, "
        "their gradients and the optimizer's state; forward, backward: add-multiplies per example",
        *training.problems,
    )
    return Sheet(
        _title(training), tuple(columns), (*records, total), {}, notes, frozenset(marks)
    )  # fmt: skip


def _shown(training: Training, style: Style) -> Sequence[Layer]:
    """All layers, or as many levels of modules as are asked for, or fit."""
    depth, layers = style.depth, training.layers
    if depth is not None:
        return roll_up(layers, depth)
    deepest = max((layer.path.count(".") + 1 for layer in layers), default=1)
    for depth in range(deepest, 0, -1):
        if len(layers) <= MOST_ROWS:
            break
        layers = roll_up(training.layers, depth)
    return layers


def _record(layer: Layer, training: Training) -> Record:
    record: Record = {key: getattr(layer, key) for key in ("units", "activations", "trained", "forward", "backward")}
    for key in ("activations", "trained"):
        whole = training.total(key)
        record[f"{key}_share"] = record[key] / whole if whole else None
    for key in ("units", "forward", "backward"):
        record[key] = record[key] or None
    return record | {
        "layer": layer.path or f"({training.source.title})",
        "operation": layer.operation,
        "recomputation": layer.recomputation,
    }


def _memory(training: Training) -> Sheet:
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
    return Sheet("", columns, tuple(records), {}, tuple(_notes(training)))


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
    if training.untouched:
        found.append(f"without a gradient, and so without optimizer state: {_some(training.untouched)}")
    return found


def _about_trust(training: Training) -> list[str]:
    found = []
    if training.uncounted:
        names = ", ".join(name for name, _ in training.uncounted)
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


def _measured(training: Training) -> list[Sheet]:
    measured = training.measured
    return [_compared(training, measured), _slow(training, measured)] if measured else []


def _compared(training: Training, measured: Measured) -> Sheet:
    columns = (
        Column("what", f"measured on {measured.device}"),
        Column("predicted", "predicted"),
        Column("measured", "measured"),
        Column("ratio", "predicted/measured"),
    )
    kept = training.parts.get("activations", 0)
    records = [_against("bytes kept for backward", kept, measured.saved)]
    if measured.peak is not None:
        records.append(_against("bytes at the peak", training.peak.size, measured.peak))
    again = training.total("recomputation")
    if again or measured.recomputation:
        records.append(_against("add-multiplies again, per example", again, measured.recomputation))
    if measured.saved_without is not None:
        records.append(_against("kept without checkpoints", training.without_checkpoints or 0, measured.saved_without))
    if measured.peak_without is not None:
        plain = training.peak_without_checkpoints or 0
        records.append(_against("peak without checkpoints", plain, measured.peak_without))
    return Sheet("", columns, tuple(records), {}, (*_beyond(training, measured), *_speed(training, measured)))


def _beyond(training: Training, measured: Measured) -> list[str]:
    """Where the prediction ends: what kernels take for themselves, and what that means for a limit."""
    found, peak, limit = [], measured.peak, training.plan.memory
    if peak is not None and training.peak.size < 0.95 * peak:
        more = binary(peak - training.peak.size)
        found.append(f"{more} more than predicted: what kernels take for themselves, whatever the batch")
    if peak is not None and limit is not None and peak > limit:
        found.append(f"✗ the measured peak is {binary(peak - limit)} more than {binary(limit)}")
    return found


def _against(what: str, predicted: int, measured: int) -> Record:
    ratio = "equal" if predicted == measured else f"{predicted / measured:.4f}" if measured else "-"
    return {"what": what, "predicted": predicted, "measured": measured, "ratio": ratio}


def _speed(training: Training, measured: Measured) -> list[str]:
    ahead = training.total("forward") * training.batch / measured.forward_seconds
    back = (training.total("backward") + training.total("recomputation")) * training.batch / measured.backward_seconds
    steps = f"the median of {measured.steps} steps" if measured.steps > 1 else "one step"
    examples = training.batch / measured.seconds
    return [
        f"time: {seconds(measured.seconds)} per step ({steps}), {few_digits(examples)} examples/s: forward "
        f"{seconds(measured.forward_seconds)}, backward {seconds(measured.backward_seconds)}",
        f"speed: {ahead / 1e9:,.3g} G connections/s forward, {back / 1e9:,.3g} G backward",
    ]


def _slow(training: Training, measured: Measured) -> Sheet:
    """Where the time goes, and how much of it the connections explain."""
    columns = (
        Column("layer", "slowest layers"),
        Column("operation", "operation", 1, left=True),
        Column("time", "time", text=seconds),
        Column("time_share", "", text=percent, near=True),
        Column("forward", "forward", 3, seconds),
        Column("backward", "backward", 3, seconds),
        Column("connections_share", "connections", text=percent),
        Column("speed", "connections/s", 4),
    )
    whole = sum(slow.forward + slow.backward for slow in measured.layers) or 1.0
    connections = sum(slow.connections for slow in measured.layers) or 1
    labels = {layer.path: layer.operation for layer in training.layers}
    records: list[Record] = []
    rest = measured.layers[SLOWEST:]
    for slow in measured.layers[:SLOWEST]:
        name = slow.path or f"({training.source.title})"
        records.append({"layer": name, "operation": labels.get(slow.path, "")} | _times([slow], whole, connections))
    if rest:
        records.append({"layer": f"[{len(rest)} others]"} | _times(rest, whole, connections))
    idle = sum(slow.forward + slow.backward for slow in measured.layers if not slow.connections) / whole
    return Sheet("", columns, tuple(records), {}, (f"layers without connections take {percent(idle)} of the time",))


def _times(layers: Sequence[Any], whole: float, connections: int) -> Record:
    ahead, back = sum(slow.forward for slow in layers), sum(slow.backward for slow in layers)
    gone = sum(slow.connections for slow in layers)
    speed = f"{gone / (ahead + back) / 1e9:,.3g} G" if gone and ahead + back else None
    return {
        "time": ahead + back,
        "time_share": (ahead + back) / whole,
        "forward": ahead,
        "backward": back,
        "connections_share": gone / connections,
        "speed": speed,
    }


def seconds(time: float) -> str:
    return f"{time:.3g} s" if time >= 1 else f"{time * 1e3:.3g} ms" if time >= 1e-3 else f"{time * 1e6:.3g} us"
