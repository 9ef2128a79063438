"""Facts -> report: each layer's formula, held against what running it measured."""

from collections import Counter
from dataclasses import replace
from typing import Any

from netsize.facts.network import Call, Elements, Network, Step
from netsize.lecture.formulas import by
from netsize.results.kinds import KINDS
from netsize.results.patterns import frozen, frozen_elsewhere
from netsize.results.report import Convention, Options, Report, Row, Totals, Verification

# what torch calls otherwise than people do; the rest is its own name, without underscores
NAMES = {
    "native_batch_norm_legit_no_training": "batch norm",
    "native_batch_norm": "batch norm",
    "native_batch_norm_legit": "batch norm",
    "cudnn_batch_norm": "batch norm",
    "native_layer_norm": "layer norm",
    "native_group_norm": "group norm",
    "unsafe_view": "view",
    "to_copy": "copy",
    "constant_pad_nd": "pad",
}


def count(network: Network, convention: Convention | None = None, options: Options | None = None) -> Report:
    """Count what one forward pass executed, under a convention (the homework's, if none is given). Raises
    BadOption for a pattern of `options.freeze` that matches nothing."""
    convention, options = convention or Convention(), options or Options()
    beyond = _elements(network.unused) if network.until else 0
    if network.until:  # the network ends there
        unused = {name for name, _ in network.unused}
        reached = tuple((name, size) for name, size in network.parameters if name not in unused)
        network = replace(network, parameters=reached, unused=())
    still = frozen(dict(network.parameters), options.freeze, network.replaced, dict(network.aliases))
    still |= set(network.untrained if options.freeze else ())
    rows = _rows(network, convention, options, still)
    layers = [row for row in rows if row.layers]
    totals = _totals(network, rows, still)
    problems = [f"{row.name}: {problem}" for row in rows for problem in row.problems]
    problems += _parameter_problems(network, totals)
    if network.parameters and not layers and len(network.unused) == len(network.parameters):
        problems.append(f"nothing that was executed used any of its {totals.parameters:,} parameters")
    if network.field_measured:
        problems.append(f"last feature map: {network.field_measured}")
    return Report(
        source=network.source,
        input=network.input,
        convention=convention,
        rows=rows,
        totals=totals,
        unused=network.unused,
        uncounted=network.uncounted,
        depends_on_values=network.depends_on_values,
        verification=Verification(
            status=("failed" if problems else "passed") if network.executed else "skipped",
            device=network.device,
            torch=network.torch,
            layers=len(layers),
            verified=sum(row.verified == "passed" for row in layers),
            problems=tuple(problems),
            seconds=network.seconds,
            piecewise=network.piecewise,
            remembered=network.remembered,
        ),
        options=options,
        depth=network.depth,
        field=network.field,
        field_verified=_measured(network.field_measured),
        replaced=network.replaced,
        until=network.until,
        features=network.features,
        beyond=beyond,
        guessed=network.guessed,
        notes=(*network.notes, *frozen_elsewhere(options.freeze, dict(network.aliases))),
        storage=network.storage,
        others=_others(network),
        besides=network.besides,
        choices=network.choices,
    )


def _rows(network: Network, convention: Convention, options: Options, still: frozenset[str]) -> tuple[Row, ...]:
    """The layers; with `options.everything` all operations between them, in order of execution."""
    counted = [convention.pooling or call.kind != "pooling" for call in network.calls]
    labels = iter(_labels([call for call, is_layer in zip(network.calls, counted) if is_layer]))
    rows: list[Row] = []
    steps = list(network.steps) if options.everything else []
    for index, (call, is_layer) in enumerate(zip(network.calls, counted)):
        while steps and steps[0].calls <= index:
            rows.append(_step_row(steps.pop(0), network.executed))
        if is_layer:
            rows.append(_row(call, next(labels), convention, options, network.executed, still))
        elif options.everything:
            rows.append(_pool_row(call, network.executed))
    return (*rows, *(_step_row(step, network.executed) for step in steps))


def _row(call: Call, label: str, convention: Convention, options: Options, ran: bool, still: frozenset[str]) -> Row:
    formula = call.formula
    weights = own_weights(call)
    biases = _elements(call.biases)
    connections = formula.connections - (0 if convention.padding else formula.padding_connections)
    if convention.bias:
        # as many for each unit as it has biases: one, or one beside each of a recurrent layer's two products
        connections += formula.units * formula.biases_per_unit if call.bias_elements else 0
        weights, biases = weights + biases, 0
    problems = tuple(problems_of(call)) if ran else ()
    if call.field_measured:
        problems += (call.field_measured,)
    held = [*call.weights, *(call.biases if convention.bias else ())]
    mean, rest = divmod(connections, formula.units) if formula.units else (0, 0)
    return Row(
        path=call.path,
        call=call.call,
        type=call.type,
        kind=call.kind,
        label=label,
        operation=_operation(call),
        input=call.input,
        output=call.output,
        hyperparameters=tuple(formula.hyperparameters.items()),
        fan_in=None if rest else mean,
        units=formula.units,
        connections=connections,
        padding_connections=formula.padding_connections,
        weights=weights,
        biases=biases,
        verified="skipped" if not ran else "failed" if problems else "passed",
        problems=problems,
        frozen=sum(size for name, size in held if name in still),
        field=call.field,
        field_verified=_measured(call.field_measured),
        backward=call.backward,
        fact=call,
    )


def own_weights(call: Call) -> int:
    """Those that no call before it has used."""
    return call.formula.weights - (call.elements - _elements(call.weights))


def _others(network: Network) -> Elements:
    """Scales and shifts of normalisations, position embeddings: by the path of the operation that used them first."""
    found: Counter[str] = Counter()
    for step in network.steps:
        found[step.path] += _elements(step.parameters)
    return tuple((path, size) for path, size in found.items() if size)


def _operation(call: Call) -> str:
    """linear 768 -> 50257; of tied weights, whose they are; of chosen ones that all are counted that may be."""
    label = call.formula.label
    label = label if call.kind == call.formula.kind else label.replace(call.formula.kind, call.kind, 1)
    label = f"{label}, weights of {call.weights_of}" if call.weights_of else label
    return f"{label}, weights chosen by values" if call.weights_chosen else label


def _measured(problem: str | None) -> str:
    return "skipped" if problem is None else "failed" if problem else "passed"


def _pool_row(call: Call, ran: bool) -> Row:
    """A pool that the convention does not count: an operation that owns nothing."""
    step = Step(0, call.path, call.type, call.operation, call.input, call.output)
    return replace(_step_row(step, ran), operation=call.formula.label, field=call.field)


def _step_row(step: Step, ran: bool) -> Row:
    return Row(
        path=step.path,
        call=0,
        type=step.type,
        kind="operation",
        label=step.type,
        operation=named(step.operation),
        input=step.input,
        output=step.output,
        hyperparameters=(),
        fan_in=0,
        units=0,
        connections=0,
        padding_connections=0,
        weights=0,
        biases=0,
        verified="passed" if ran else "skipped",
        layers=0,
        other_parameters=_elements(step.parameters),
    )


def named(operation: str) -> str:
    """batch norm, relu: torch's name of an operation as a person says it."""
    plain = operation.partition(".")[2].strip("_")
    return NAMES.get(plain, plain.replace("_", " "))


def problems_of(call: Call) -> list[str]:
    """Where formula and execution of a network that was run differ, with both numbers."""
    formula, executed = call.formula, call.executed
    if executed is None:  # a number that nobody verified is no better than a wrong one
        return [f"connections: {formula.connections:,} by formula, never run on ones"]
    inside = formula.connections - formula.padding_connections
    compared: list[tuple[str, Any, Any, str]] = [
        ("output", by(formula.output), by(call.output), "came out"),
        ("weights", formula.weights, call.elements, "in the parameter that was used"),
        ("connections", formula.connections, executed.connections, "by running it on ones"),
        ("connections without padding", inside, executed.inside, "by running it on ones"),
    ]
    if call.bias_elements:
        compared.append(("biases", formula.biases, call.bias_elements, "in the parameter that was added"))
    if call.flops is not None:
        compared.append(("connections", formula.connections, call.flops // 2, "by torch's FlopCounterMode"))
    return [
        f"{what}: {_grouped(expected)} by formula, {_grouped(found)} {how}"
        for what, expected, found, how in compared
        if expected != found
    ]


def _parameter_problems(network: Network, totals: Totals) -> list[str]:
    parameters = _elements(network.parameters)
    if totals.other_parameters < _elements(network.unused):
        counted = totals.weights + totals.biases
        return [f"parameters: {counted:,} counted as weights and biases, {parameters:,} in the network"]
    return []


def _totals(network: Network, rows: tuple[Row, ...], still: frozenset[str]) -> Totals:
    weights, biases = sum(row.weights for row in rows), sum(row.biases for row in rows)
    parameters = _elements(network.parameters)
    return Totals(
        units=sum(row.units for row in rows),
        connections=sum(row.connections for row in rows),
        weights=weights,
        biases=biases,
        other_parameters=parameters - weights - biases,
        parameters=parameters,
        active_parameters=_active(network, parameters),
        macs=sum(call.formula.connections for call in network.calls if call.kind != "pooling"),
        frozen=sum(row.frozen for row in rows),
        frozen_parameters=sum(size for name, size in network.parameters if name in still),
    )


def _active(network: Network, parameters: int) -> int:
    """Parameters that one row goes through: of those that a router chooses parts of, as many as it chooses."""
    sizes = dict(network.parameters)
    left_out = [sizes[choice.parameter] // choice.parts * (choice.parts - choice.chosen) for choice in network.choices]
    return parameters - sum(left_out)


def _labels(calls: list[Call]) -> list[str]:
    """The homework's names: layers numbered by kind, the last fully connected one is the output layer.
    A layer that is called again keeps its name."""
    numbers: Counter[str] = Counter()
    names: dict[tuple[str, str], str] = {}
    labels = []
    for call in calls:
        again = (call.path, call.kind)
        if again not in names or call.weights:
            numbers[call.kind] += 1
            names[again] = f"{KINDS[call.kind].label} {numbers[call.kind]}"
        labels.append(names[again])
    last = max((i for i, call in enumerate(calls) if call.kind in ("linear", "distance")), default=None)
    if last is not None:
        output = labels[last]
        labels = ["Output Layer" if label == output else label for label in labels]
    return labels


def _elements(elements: tuple[tuple[str, int], ...]) -> int:
    return sum(n for _, n in elements)


def _grouped(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
