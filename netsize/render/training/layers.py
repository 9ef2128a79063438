"""A training, layer by layer."""

from collections.abc import Sequence

from netsize.costs.training import NUMBERS, Layer, Training, roll_up
from netsize.machine import binary
from netsize.render.page import Column, Record, Sheet
from netsize.render.style import MOST_ROWS, Style
from netsize.results.words import percent, without_batch


def sheet(training: Training, style: Style) -> Sheet:
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
        _title(training), tuple(columns), (*records, total), notes, frozenset(marks)
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


def records(training: Training) -> Sheet:
    """For programs: every layer, in bytes."""
    columns = [Column("path", "layer"), Column("operation", "operation"), *(Column(name, name) for name in NUMBERS)]
    records: list[Record] = [
        {"path": layer.path, "operation": layer.operation, **{name: getattr(layer, name) for name in NUMBERS}}
        for layer in training.layers
    ]
    return Sheet(_title(training), tuple(columns), tuple(records))


def _title(training: Training) -> str:
    source, plan = training.source, training.plan
    origin = f"{source.kind} {source.version}" if source.version else source.model
    named = [source.title] if origin == source.title else [source.title, origin]
    inputs = " and ".join(without_batch(shape) for shape in training.input)
    count = f"{training.batch:,} example{'s' * (training.batch != 1)}"
    largest = f", the most for {binary(plan.memory)}" if plan.memory and plan.batch is None else ""
    told = [*named, f"{count} of {inputs}{largest}", f"{plan.optimizer} in {plan.precision}", training.device]
    return " · ".join(told)
