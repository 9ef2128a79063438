"""What real training steps showed: against the prediction, and where the time goes."""

from collections.abc import Sequence
from typing import Any

from netsize.costs.training import Measured, Training
from netsize.machine import binary
from netsize.render.page import Column, Record, Sheet
from netsize.results.words import few_digits, percent

SLOWEST = 10


def compared(training: Training, measured: Measured) -> Sheet:
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
    if measured.held is not None:
        records.append(_against("  without kernels' own", training.peak.size, measured.held))
    again = training.total("recomputation")
    if again or measured.recomputation:
        records.append(_against("add-multiplies again, per example", again, measured.recomputation))
    if measured.saved_without is not None:
        records.append(_against("kept without checkpoints", training.without_checkpoints or 0, measured.saved_without))
    if measured.peak_without is not None:
        plain = training.peak_without_checkpoints or 0
        records.append(_against("peak without checkpoints", plain, measured.peak_without))
    return Sheet("", columns, tuple(records), (*_beyond(training, measured), *_speed(training, measured)))


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


def slowest(training: Training, measured: Measured) -> Sheet:
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
    return Sheet("", columns, tuple(records), (f"layers without connections take {percent(idle)} of the time",))


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
