"""A report as plain data: what its JSON holds, schema 1. Every key is written here by hand: renaming or removing one
raises the schema's number."""

from typing import Any

from netsize.facts.network import Source, Unknown
from netsize.lecture.formulas import Shape
from netsize.lecture.receptive_fields import Field
from netsize.results.report import QUANTITIES, Report, Row
from netsize.version import __version__

SCHEMA = 1


def head(schema: int, source: Source, input: tuple[Shape, ...]) -> dict[str, Any]:
    """What the JSON of everything that is told of one network begins with."""
    return {
        "schema": schema,
        "netsize": __version__,
        "model": source.model,
        "source": {"kind": source.kind, "version": source.version},
        "input": [list(shape) for shape in input],
    }


def uncounted(operations: tuple[Unknown, ...]) -> list[dict[str, Any]]:
    """Operations that netsize does not know, with their calls."""
    return [{"operation": o.operation, "calls": o.calls, "shapes": o.shapes} for o in operations]


def as_dict(report: Report) -> dict[str, Any]:
    totals, verification, convention = report.totals, report.verification, report.convention
    return {
        **head(SCHEMA, report.source, report.input),
        "convention": {"bias": convention.bias, "pooling": convention.pooling, "padding": convention.padding},
        "flops_per_connection": 2,
        "depth": report.depth,
        **_asked(report),
        "layers": [_layer(report, row) for row in report.rows],
        "totals": {
            "units": totals.units,
            "connections": totals.connections,
            "weights": totals.weights,
            "biases": totals.biases,
            "other_parameters": totals.other_parameters,
            "parameters": totals.parameters,
            "macs": totals.macs,
            **({"active_parameters": totals.active_parameters} if report.choices else {}),
            **_trained(report),
        },
        "parameter_bytes": dict(report.storage),
        "bulk": _bulk(report),
        "unused": dict(report.unused),
        "uncounted": uncounted(report.uncounted),
        "besides": [
            {"kind": o.kind, "operation": o.operation, "calls": o.calls, "multiplications": o.multiplications}
            for o in report.besides
        ],
        "depends_on_values": list(report.depends_on_values),
        "guessed": [{"operation": name, "path": path} for name, path in report.guessed],
        "notes": list(report.notes),
        "verification": {
            "status": verification.status,
            "device": verification.device,
            "torch": verification.torch,
            "layers": verification.layers,
            "verified": verification.verified,
            "problems": list(verification.problems),
            "seconds": round(verification.seconds, 3),
            "piecewise": verification.piecewise,
            "remembered": verification.remembered or None,
        },
    }


def _layer(report: Report, row: Row) -> dict[str, Any]:
    return {
        "path": row.path,
        "call": row.call,
        "type": row.type,
        "kind": row.kind,
        "label": row.label,
        "input": list(row.input),
        "output": list(row.output),
        **dict(row.hyperparameters),
        "fan_in": row.fan_in,
        "units": row.units,
        "connections": row.connections,
        "padding_connections": row.padding_connections,
        "weights": row.weights,
        "biases": row.biases,
        "share": {quantity: report.share(getattr(row, quantity), quantity) for quantity in QUANTITIES},
        "verified": row.verified,
        "problems": list(row.problems),
        **_layer_asked(report, row),
    }


def _layer_asked(report: Report, row: Row) -> dict[str, Any]:
    """Keys that are there if they were asked for."""
    asked: dict[str, Any] = {}
    if report.options.freeze:
        asked |= {"trainable_weights": row.trainable, "frozen_weights": row.frozen}
    if report.options.everything:
        asked |= {"operation": row.operation, "other_parameters": row.other_parameters}
    if report.options.fields:
        asked |= {"receptive_field": _field(row.field), "receptive_field_verified": row.field_verified}
    return asked


def _field(field: Field | None) -> Any:
    """Along the axes of the input that hold places: null where it is not one region that is the same for every unit."""
    if field is None or field.whole:
        return "all" if field else None
    return {"size": list(field.size), "step": list(field.step), "offset": list(field.offset)}


def _asked(report: Report) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if report.options.fields:
        asked |= {"receptive_field": _field(report.field), "receptive_field_verified": report.field_verified}
    if report.until:
        asked |= {
            "until": report.until,
            "features": [list(shape) for shape in report.features],
            "parameters_beyond": report.beyond,
        }
    if report.replaced:
        asked |= {"replaced": report.replaced}
    if report.options.examples:
        per = report.totals.trainable / report.options.examples
        asked |= {"examples": report.options.examples, "weights_per_example": per}
    return asked


def _trained(report: Report) -> dict[str, int]:
    totals = report.totals
    if not report.options.freeze:
        return {}
    return {
        "trainable_weights": totals.trainable,
        "frozen_weights": totals.frozen,
        "trainable_parameters": totals.parameters - totals.frozen_parameters,
        "frozen_parameters": totals.frozen_parameters,
    }


def _bulk(report: Report) -> dict[str, Any]:
    bulk: dict[str, Any] = {}
    for quantity in QUANTITIES:
        row = report.largest(quantity)
        share = report.share(getattr(row, quantity), quantity) if row else 0.0
        bulk[quantity] = {"path": row.path, "share": share} if row else {}
    return bulk | {"kinds": _shares(report, report.by_kind), "parts": _shares(report, report.by_part)}


def _shares(report: Report, by: Any) -> dict[str, dict[str, float]]:
    sums = {quantity: by(quantity) for quantity in QUANTITIES}
    return {
        name: {quantity: report.share(sums[quantity][name], quantity) for quantity in QUANTITIES}
        for name in sums["connections"]
    }
