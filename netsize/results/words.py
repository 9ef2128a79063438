"""What a report says in words: the header, where the bulk is, and what stands below the table."""

from datetime import datetime
from math import prod

from netsize.facts.network import BY_HAND
from netsize.lecture.formulas import by
from netsize.machine import binary
from netsize.results.kinds import KINDS
from netsize.results.report import QUANTITIES, Report, Row

PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def header(report: Report) -> list[str]:
    """Name, source, input and convention."""
    source = report.source
    origin = f"{source.kind} {source.version}" if source.version else source.model
    inputs = " and ".join(without_batch(shape) for shape in report.input) or "none"
    named = [source.title] if origin == source.title else [source.title, origin]
    return [*named, f"input {inputs}", str(report.convention)]


def without_batch(shape: tuple[int, ...]) -> str:
    """3x224x224 for (1, 3, 224, 224); a number for a vector or a scalar."""
    return by(shape[1:] if len(shape) > 1 and shape[0] == 1 else shape) or "1"


def bulk(report: Report) -> list[tuple[str, str, str, str]]:
    """For each quantity: 'Most units', the layer, its share, and what else holds most of it."""
    lines = []
    for quantity in QUANTITIES:
        row = report.largest(quantity)
        if row is None:
            continue
        kind, part = _first(report.by_kind(quantity)), _first(report.by_part(quantity))
        holds = f"{KINDS[kind[0]].plural} hold {percent(report.share(kind[1], quantity))}"
        if part[0] and part[0] != row.path and len(report.by_part(quantity)) > 1:
            holds += f", {part[0]} holds {percent(report.share(part[1], quantity))}"
        share = percent(report.share(getattr(row, quantity), quantity))
        alike = sum(getattr(other, quantity) == getattr(row, quantity) for other in report.rows)
        name = f"{row.name} (1 of {alike})" if alike > 1 else row.name
        lines.append((f"Most {quantity}", name, share, holds))
    return lines


def _first(sums: dict[str, int]) -> tuple[str, int]:
    return next(iter(sums.items()))


def parameters(report: Report) -> str:
    """61,100,840 parameters = 61,090,496 weights + 10,344 biases"""
    totals = report.totals
    unused = sum(size for _, size in report.unused)
    parts = {
        "weights": totals.weights,
        "biases": totals.biases,
        "other": totals.other_parameters - unused,
        "unused": unused,
    }
    if report.convention.bias:
        parts["weights and biases"] = parts.pop("weights")
        parts = {"weights and biases": parts["weights and biases"], **parts}
    sums = " + ".join(f"{size:,} {name}" for name, size in parts.items() if size)
    return f"{totals.parameters:,} parameters = {sums or 0}"


def work(report: Report) -> str:
    """0.714 GMACs = 1.43 GFLOPs · 233.1 MiB of float32 parameters"""
    flops = 2 * report.totals.macs
    power = max(p for p in range(len(PREFIXES)) if p == 0 or flops >= 1000**p)
    macs, both = (_three_digits(number, 1000**power) for number in (report.totals.macs, flops))
    text = f"{macs} {PREFIXES[power]}MACs = {both} {PREFIXES[power]}FLOPs"
    if not report.storage:
        return text
    types = " and ".join(name for name, _ in sorted(report.storage, key=lambda held: -held[1]))
    return f"{text} · {binary(sum(size for _, size in report.storage))} of {types} parameters"


def rough(number: int) -> str:
    """224M: where there is no room for all digits."""
    power = max(p for p in range(len(PREFIXES)) if p == 0 or number >= 1000**p)
    return f"{_three_digits(number, 1000**power)}{PREFIXES[power]}"


def _three_digits(number: int, unit: int) -> str:
    before = len(str(number // unit)) if number >= unit else 0
    return f"{number / unit:,.{max(0, 3 - before)}f}" if unit > 1 else f"{number:,}"


def notes(report: Report) -> list[str]:
    """What the source says; experts, unused parameters, uncounted operations, and what depends on values."""
    found = [*report.notes, *_active(report)]
    if report.unused:
        names = _some(dict.fromkeys(_module(name) for name, _ in report.unused))
        found.append(f"unused in a forward pass: {sum(size for _, size in report.unused):,} parameters of {names}")
    if report.uncounted:
        names = _some({f"{o.operation} ({o.calls}x, {o.shapes})": None for o in report.uncounted})
        found.append(f"incomplete: netsize does not know the connections of {names}")
    return [*found, *_besides(report), *of_values(report)]


def _besides(report: Report) -> list[str]:
    """Fourier transforms (2x): about 5,120 multiplications, which are no connections"""
    told = []
    for kind in dict.fromkeys(beside.kind for beside in report.besides):
        alike = [beside for beside in report.besides if beside.kind == kind]
        known = sum(beside.multiplications or 0 for beside in alike)
        unsaid = [beside.operation for beside in alike if beside.multiplications is None]
        parts = [f"{'' if kind == BY_HAND else 'about '}{known:,} multiplications"] if known or not unsaid else []
        parts += [f"as many as the values decide in {_some(dict.fromkeys(unsaid))}"] if unsaid else []
        told.append(f"{kind} ({sum(b.calls for b in alike)}x): {' and '.join(parts)}, which are no connections")
    return told


def _active(report: Report) -> list[str]:
    """12,879,925,248 active parameters: one token goes through 2 of 8 experts"""
    if not report.choices:
        return []
    ways = " and ".join(dict.fromkeys(f"{choice.chosen} of {choice.parts}" for choice in report.choices))
    return [f"{report.totals.active_parameters:,} active parameters: each token goes through {ways} experts"]


# Operations that keep what a mask or a comparison lets through: without values all of it.
SURVIVES = ("aten.nonzero", "aten.index", "aten.masked_select", "aten._unique2", "torchvision.nms")


def of_values(report: Report) -> list[str]:
    """What the values of the input decide, or, where there are none, what was guessed in their place."""
    if report.verification.status != "skipped":
        names = _some(dict.fromkeys(report.depends_on_values))
        return [f"counts depend on the values of the input (here random ones): {names}"] if names else []
    found = []
    survive = dict.fromkeys(name for name in (*report.depends_on_values, *dict(report.guessed)) if name in SURVIVES)
    if survive:
        found.append(
            "counts depend on the values of the input (there are none, and every candidate survives): " + _some(survive)
        )
    numbers: dict[str, dict[str, None]] = {}
    for name, path in report.guessed:
        if name not in SURVIVES:
            numbers.setdefault(name, {})[path or f"({report.source.title})"] = None
    found += [f"guessed, since there are no values: {name} in {_some(paths)}" for name, paths in numbers.items()]
    return found


def asked(report: Report) -> list[str]:
    """What was asked for besides the counts: a cut, a new classifier, what is trained, receptive fields."""
    found, totals = [], report.totals
    if report.until:
        features = " and ".join(f"{without_batch(shape)} = {prod(shape):,} numbers" for shape in report.features)
        found.append(f"features behind {report.until}: {features}")
        found.append(f"counted is all that is executed before it; {report.beyond:,} parameters are not used by then")
    if report.replaced:
        classes = next((row.output[1] for row in report.rows if row.path == report.replaced), 0)
        found.append(f"{report.replaced}, the last classifier layer, was replaced by one with {classes:,} outputs")
    if report.options.freeze:
        found.append(f"{totals.weights:,} weights = {totals.trainable:,} trainable + {totals.frozen:,} frozen")
        if totals.frozen_parameters:
            left = totals.parameters - totals.frozen_parameters
            found.append(f"{totals.parameters:,} parameters = {left:,} trainable + {totals.frozen_parameters:,} frozen")
    if report.options.examples:
        kind = "trainable weights" if report.options.freeze else "weights"
        per = totals.trainable / report.options.examples
        found.append(f"{few_digits(per)} {kind} per training example ({report.options.examples:,} examples)")
    if report.options.fields:
        found += fields(report)
    return found


def fields(report: Report) -> list[str]:
    """The receptive field at the last feature map, and how many fields were measured."""
    field = report.field
    known = [row.field for row in report.layers]
    if field is None or field.whole:
        whole = field is not None or all(seen is not None and seen.whole for seen in known)
        text = "all of the input" if whole else "not known: not one region, or not the same for every unit"
    else:
        steps, offsets = each(field.step), each(field.offset)
        text = f"{field}, in steps of {steps}, the first one from {offsets} on"
    numbers = [row for row in report.layers if row.field and not row.field.whole]
    measured = sum(row.field_verified == "passed" for row in numbers)
    how = f"{measured} of {len(numbers)} layers with a limited field verified by the gradient of one unit"
    skipped = report.verification.status == "skipped"
    return [f"receptive field at the last feature map: {text}", "receptive fields: not verified" if skipped else how]


def each(values: tuple[int | None, ...]) -> str:
    """One number for all axes that are alike, else all of them."""
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _module(parameter: str) -> str:
    """The outermost modules tell enough: AuxLogits of AuxLogits.conv0.conv.weight."""
    return parameter.partition(".")[0]


def _some(names: dict[str, None], most: int = 4) -> str:
    first = list(names)[:most]
    return ", ".join(first) + (f" and {len(names) - most} more" if len(names) > most else "")


def verification(report: Report) -> str:
    """One line; the numbers of layers and seconds are those of this run, or of the one that is remembered."""
    found = report.verification
    when = f"remembered from {_when(found.remembered)}; --fresh runs it again" if found.remembered else ""
    if found.status == "skipped":
        text = "not verified: counted by formula, without running the network"
        return f"{text} ({when})" if when else text
    if not found.layers and report.totals.parameters:
        return f"no layer has connections: there is nothing to verify ({when or f'{found.seconds:.1f} s'})"
    text = f"{found.verified} of {found.layers} layers verified by a forward pass on {found.device}"
    if found.piecewise:
        text += f", with the {found.piecewise / 2**30:,.1f} GiB of its parameters in memory layer by layer"
    text += f" ({when or f'{found.seconds:.1f} s'})"
    return text if found.status == "passed" else f"{text}, {len(found.problems)} differences"


def _when(time: str) -> str:
    """2026-11-24 10:20 of 2026-11-24T10:20:05+00:00, in the local time."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")


def problems(row: Row) -> list[str]:
    return [f"{row.name}: {problem}" for problem in row.problems] if row.layers <= 1 else list(row.problems)


def few_digits(number: float) -> str:
    """Three digits of a small number, all before the point of a large one."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def percent(share: float) -> str:
    """39.2%, and never 100.0% or 0.0% for what is a little less or more."""
    text = f"{share * 100:.1f}%"
    if text == "100.0%" and share < 1:
        return "99.9%"
    return "<0.1%" if text == "0.0%" and share > 0 else text
