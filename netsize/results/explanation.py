"""`netsize explain`: a layer's numbers derived and measured, or a network's story."""

from dataclasses import dataclass
from math import prod
from typing import Any

from netsize.errors import BadOption, did_you_mean
from netsize.facts.network import Call, Network
from netsize.facts.network import Step as Operation
from netsize.lecture.derivation import derive
from netsize.lecture.formulas import Formula, Shape, by
from netsize.lecture.grid import Grid, grid_of
from netsize.lecture.receptive_fields import Field
from netsize.lecture.steps import Step, remark
from netsize.results import words
from netsize.results.count import count, named, problems_of
from netsize.results.display import Shown
from netsize.results.report import QUANTITIES, Report, Row

SCHEMA = 1
IMAGENET = 1_200_000  # training images, as the lecture has them


@dataclass(frozen=True)
class Section:
    """A layer's derivation, or a chapter of the story, under its title."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Explanation(Shown):
    """`status` is that of the verification: passed, failed or skipped. Print it, or read its sections."""

    title: str
    sections: tuple[Section, ...]
    status: str
    grid: Grid | None = None  # its windows, if they are to be drawn


def explain_layer(network: Network, layer: str, draw: bool = False) -> Explanation:
    """Every operation that the layer executes, derived. `draw`: the windows of the first one. Raises BadOption for a
    layer that there is not, or that has no windows to draw."""
    path, _, number = layer.partition(" #")
    calls = [call for call in network.calls if call.path == path and (not number or str(call.call + 1) == number)]
    sections = [_of_call(network, call) for call in calls]
    if not calls:
        inside = [call for call in network.calls if call.path.startswith(f"{path}.")]
        steps = [step for step in network.steps if step.path == path]
        if inside:
            sections = [_of_module(network, path)]
        elif steps:
            sections = [_of_steps(path, steps)]
        else:
            known = [call.path for call in network.calls] + [step.path for step in network.steps]
            near = did_you_mean(path, sorted(set(filter(None, known))))
            raise BadOption(f"{network.source.model} executes no layer {layer!r}.{near}")
    if draw and not calls:
        raise BadOption(f"--draw: {layer} has no windows that slide")
    grid = grid_of(calls[0].formula) if draw else None
    return Explanation(_title(network, path), tuple(sections), _status(network), grid)


def explain_formula(formula: Formula, network: Network | None = None) -> Explanation:
    """A layer of the calculator; with what running it showed, if it was run."""
    steps = derive(formula)
    if network is not None:
        steps += measured(network.calls[0], network.device)
    shapes = f"{words.without_batch(formula_input(formula))} -> {words.without_batch(formula.output)}"
    status = _status(network) if network is not None else "skipped"
    return Explanation(formula.label, (Section(shapes, tuple(steps)),), status)


def formula_input(formula: Formula) -> Shape:
    """Shape of the input of a formula that has one."""
    shape: Shape = formula.input  # type: ignore[attr-defined]  # those of the calculator all have it
    return shape


def _title(network: Network, layer: str = "") -> str:
    report = count(network)
    named = words.header(report)[:-1]
    return " · ".join([*([layer] if layer else []), *named])


def _status(network: Network) -> str:
    return count(network).verification.status


def _of_call(network: Network, call: Call) -> Section:
    formula = call.formula
    shown = f"{words.without_batch(call.input)} -> {words.without_batch(call.output)}"
    steps = [*steps_of(call), *measured(call, network.device if network.executed else "")]
    return Section(f"{formula.label.replace(formula.kind, call.kind, 1)} · {shown}", tuple(steps))


def steps_of(call: Call) -> list[Step]:
    """The derivation of a layer: what does not depend on whether it was run."""
    return [*_derived(call), *reuse(call), *field_of(call)]


def _derived(call: Call) -> list[Step]:
    """The formula knows how many biases such a layer may have; the call whether it has them."""
    none = Step("biases", "", "", "none: this layer has no bias")
    return [none if step.what == "biases" and not call.bias_elements else step for step in derive(call.formula)]


def reuse(call: Call) -> list[Step]:
    """Weights that a call before has used, or that stand in one parameter for several elements."""
    owned = sum(size for _, size in call.weights)
    if not call.elements or owned == call.elements:
        return []
    return [
        remark(f"{call.elements - owned:,} of the weights were counted before: a parameter is counted at its first use")
    ]


def field_of(call: Call) -> list[Step]:
    if call.field is None:
        return []
    checked = {None: "skipped", "": "passed"}.get(call.field_measured, "failed")
    steps = [Step("receptive field", "", "", _region(call.field, checked))]
    return steps + ([remark(call.field_measured)] if call.field_measured else [])


def _region(field: Field, verified: str) -> str:
    if field.whole:
        return "all of the input"
    how = {"passed": "equal to what the gradient of one unit shows", "failed": "✗ differs", "skipped": "not verified"}
    return f"{by(field.size)} ({how[verified]})"


def measured(call: Call, device: str) -> list[Step]:
    """What running the layer showed. `device`: on which it was run; "" if it was not."""
    if not device or call.executed is None:
        return [Step("verified", "", "", "no: counted by formula, without running the network")]
    found = [f"{words.without_batch(call.output)} came out"]
    if call.elements:
        found.append(f"{call.elements:,} weights in the parameter that was used")
    ones = f"{call.executed.connections:,} connections by running it on ones"
    if call.executed.inside != call.executed.connections:
        ones += f", {call.executed.inside:,} without padding"
    found.append(ones)
    if call.flops is not None:
        found.append(f"{call.flops // 2:,} by torch's FlopCounterMode")
    problems = problems_of(call)
    mark = "✗ differs" if problems else "✓ equal"
    return [Step("verified", "", "", f"{mark} · on {device}: {'; '.join(found)}"), *map(remark, problems)]


def _of_module(network: Network, path: str) -> Section:
    """A module with layers in it: their sums."""
    report = count(network)
    rows = [row for row in report.rows if row.path.startswith(f"{path}.")]
    steps = []
    for quantity in QUANTITIES:
        parts = [getattr(row, quantity) for row in rows]
        shown = " + ".join(f"{part:,}" for part in parts[:6]) + (f" + {len(parts) - 6} more" if len(parts) > 6 else "")
        steps.append(Step(quantity, "", shown, sum(parts)))
        steps.append(remark(f"{words.percent(report.share(sum(parts), quantity))} of the network's"))
    names = list(dict.fromkeys(row.path for row in rows))
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return Section(f"{len(rows)} layers", (*steps, remark(f"each of them can be explained: {shown}")))


def _of_steps(path: str, operations: list[Operation]) -> Section:
    """A layer that owns nothing, or parameters that no connection multiplies by."""
    steps = []
    for operation in operations[:1]:
        for name, size in operation.parameters:
            steps.append(Step(name, "", "", size))
        if operation.parameters and "norm" in operation.operation:
            channels = operation.output[1] if len(operation.output) > 1 else operation.output[0]
            total = sum(size for _, size in operation.parameters)
            if total == 2 * channels:
                steps.append(
                    Step("other parameters", "2 for each channel: a scale and a shift", f"2 * {channels:,}", total)
                )
    text = f"{named(operations[0].operation)}: no units, connections or weights of its own"
    return Section(f"{operations[0].type} · {by(operations[0].output[1:])}", (*steps, remark(text)))


def explain_network(network: Network, examples: int | None = None) -> Explanation:
    """A sentence for each part, and the homework's three questions, answered with their reasons."""
    report = count(network)
    names = dict.fromkeys(_part_of(row) for row in report.layers)
    answers = [step for quantity in QUANTITIES for step in _answer(report, quantity)]
    sections = (
        Section("Its parts", tuple(_part(report, name) for name in names)),
        Section("Where is the bulk?", tuple(answers)),
        Section("In all", tuple(_totals(report, examples))),
    )
    return Explanation(_title(network), sections, report.verification.status)


def _part_of(row: Row) -> str:
    return row.path.partition(".")[0] or f"({row.type})"


def _part(report: Report, name: str) -> Step:
    rows = [row for row in report.layers if _part_of(row) == name]
    first, last = words.without_batch(rows[0].input), words.without_batch(rows[-1].output)
    layers = "1 layer" if len(rows) == 1 else f"{len(rows)} layers"
    shares = [f"{words.percent(report.share(sum(getattr(row, q) for row in rows), q))} of the {q}" for q in QUANTITIES]
    return Step(name, "", "", f"{layers}, {first} -> {last}: {', '.join(shares[:2])} and {shares[2]}")


def _answer(report: Report, quantity: str) -> list[Step]:
    row = report.largest(quantity)
    if row is None:
        return [Step(f"most {quantity}", "", "", "there are none")]
    _, name, share, holds = next(line for line in words.bulk(report) if line[0] == f"Most {quantity}")
    value = f"{name}, {share} ({getattr(row, quantity):,}); {holds}"
    return [Step(f"most {quantity}", "", "", value), remark(_reason(report, row, quantity))]


def _reason(report: Report, row: Row, quantity: str) -> str:
    """Why this kind of layer has much of it."""
    if quantity == "units":
        return _reason_for_units(report, row)
    if quantity == "connections":
        fan_in = f"{row.fan_in:,}" if row.fan_in is not None else "several"
        why = f": {_window(row)}, at every place" if row.kind == "conv" else ""
        return f"each of its {row.units:,} units is connected to {fan_in} inputs{why}"
    if row.kind == "linear":
        return f"fully connected: {row.input[-1]:,} inputs times {row.output[-1]:,} units, and no weight is shared"
    if row.kind == "conv":
        return f"{_window(row)} times {row.output[1]:,} output channels; all places share them"
    return f"{row.operation}: {row.weights:,}"


def _window(row: Row) -> str:
    """a kernel of 5x5 times 64 channels"""
    settings = dict(row.hyperparameters)
    return f"a kernel of {by(tuple(settings['kernel']))} times {row.input[1] // settings['groups']:,} channels"


def _reason_for_units(report: Report, row: Row) -> str:
    if row.kind in ("conv", "conv_transpose"):
        maps = [prod(other.output[2:]) for other in report.layers if other.kind == row.kind]
        if prod(row.output[2:]) == max(maps):
            large = f"its map is large: {by(row.output[2:])} places, each with {row.output[1]:,} channels"
            return f"{large}; maps are large early"
        return f"it has many channels: {row.output[1]:,}, at each of {by(row.output[2:])} places"
    if row.kind in ("matmul", "attention"):
        return f"a product of activations: {words.without_batch(row.output)}, one for each pair of a row and a column"
    if row.kind == "recurrent":
        return f"all gates of its hidden units, at every step: {row.units:,}"
    places = row.units // row.output[-1]
    return f"{row.output[-1]:,} units" + (f" at each of {places:,} places" if places > 1 else "")


def _totals(report: Report, examples: int | None) -> list[Step]:
    totals = report.totals
    steps = [Step(quantity, "", "", int(getattr(totals, quantity))) for quantity in QUANTITIES]
    steps.append(Step("parameters", "", "", words.parameters(report).partition(" = ")[2] + f" = {totals.parameters:,}"))
    steps.append(Step("depth", "", "", f"{report.depth} layers with weights on the longest way"))
    if report.field is not None:
        value = f"{_region(report.field, report.field_verified)}, at the last feature map"
        steps.append(Step("receptive field", "", "", value))
    if not examples and report.source.kind != "torchvision":
        return [*steps, Step("verified", "", "", words.verification(report))]
    per = totals.weights / (examples or IMAGENET)
    among = f"{examples:,} training examples" if examples else "ImageNet's 1.2 million training images"
    steps.append(Step("weights", "", "", f"{words.few_digits(per)} for each of {among}"))
    return [*steps, Step("verified", "", "", words.verification(report))]


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """Schema 1."""
    return {
        "schema": SCHEMA,
        "title": explanation.title,
        "sections": [
            {
                "title": section.title,
                "steps": [
                    {"what": step.what, "formula": step.formula, "numbers": step.numbers, "value": step.value}
                    for step in section.steps
                ],
            }
            for section in explanation.sections
        ],
        "verification": {"status": explanation.status},
    }
