"""Facts -> report: each layer's formula, held against what running it measured."""

from collections import Counter
from typing import Any

from netsize.formulas import by
from netsize.network import Call, Network
from netsize.report import Convention, Report, Row, Totals, Verification

LABELS = {
    "conv": "Convolution Layer",
    "conv_transpose": "Transposed Convolution Layer",
    "linear": "Fully Connected Layer",
    "bilinear": "Bilinear Layer",
    "matmul": "Matrix Product",
    "attention": "Attention Product",
    "recurrent": "Recurrent Layer",
    "embedding": "Embedding Layer",
    "distance": "Radial Basis Layer",
    "pooling": "Pooling Layer",
}


def count(network: Network, convention: Convention | None = None) -> Report:
    """Count what one forward pass executed, under a convention (the homework's, if none is given)."""
    convention = convention or Convention()
    calls = [call for call in network.calls if convention.pooling or call.kind != "pooling"]
    labels = _labels(calls)
    rows = tuple(_row(call, label, convention, network.executed) for call, label in zip(calls, labels))
    totals = _totals(network, rows)
    problems = [f"{row.name}: {problem}" for row in rows for problem in row.problems]
    problems += _parameter_problems(network, totals)
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
            layers=len(rows),
            verified=sum(row.verified == "passed" for row in rows),
            problems=tuple(problems),
            seconds=network.seconds,
        ),
    )


def _row(call: Call, label: str, convention: Convention, ran: bool) -> Row:
    formula = call.formula
    weights = formula.weights - (call.elements - _elements(call.weights))
    biases = _elements(call.biases)
    connections = formula.connections - (0 if convention.padding else formula.padding_connections)
    if convention.bias:
        # as many for each unit as it has biases: one, or one beside each of a recurrent layer's two products
        connections += formula.units * formula.biases_per_unit if call.bias_elements else 0
        weights, biases = weights + biases, 0
    problems = tuple(problems_of(call)) if ran else ()
    mean, rest = divmod(connections, formula.units) if formula.units else (0, 0)
    return Row(
        path=call.path,
        call=call.call,
        type=call.type,
        kind=call.kind,
        label=label,
        operation=formula.label if call.kind == formula.kind else formula.label.replace(formula.kind, call.kind, 1),
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
    )


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


def _totals(network: Network, rows: tuple[Row, ...]) -> Totals:
    weights, biases = sum(row.weights for row in rows), sum(row.biases for row in rows)
    parameters = _elements(network.parameters)
    return Totals(
        units=sum(row.units for row in rows),
        connections=sum(row.connections for row in rows),
        weights=weights,
        biases=biases,
        other_parameters=parameters - weights - biases,
        parameters=parameters,
    )


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
            names[again] = f"{LABELS[call.kind]} {numbers[call.kind]}"
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
