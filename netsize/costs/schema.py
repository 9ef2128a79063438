"""A training as JSON, schema 1. Every key is written here by hand: renaming or removing one raises the schema's number.
Sizes are bytes, operations add-multiplies per example."""

from typing import Any

from netsize.costs.training import Fit, Layer, Measured, Training
from netsize.results.schema import head, uncounted

SCHEMA = 1


def as_dict(training: Training) -> dict[str, Any]:
    plan = training.plan
    return {
        **head(SCHEMA, training.source, training.input),
        "training": {
            "device": training.device,
            "batch": training.batch,
            "optimizer": plan.optimizer,
            "dtype": plan.stored,
            "autocast": plan.autocast if plan.amp else None,
            "freeze": list(plan.freeze),
            "checkpoint": list(plan.checkpoint),
        },
        "layers": [_layer(layer) for layer in training.layers],
        "memory": {
            "parts": _parts(training.parts),
            "peak": {
                "bytes": training.peak.size,
                "phase": training.peak.event.phase,
                "path": training.peak.event.path,
                "operation": training.peak.event.operation,
                "parts": _parts(training.peak.parts),
            },
            "activations_without_checkpoints": training.without_checkpoints,
            "peak_without_checkpoints": training.peak_without_checkpoints,
        },
        "largest_batch": _fit(training.fit),
        "fits": training.fits,
        "checkpoints": list(training.checkpoints),
        "without_gradient": list(training.untouched),
        "operations": _operations(training),
        "data": {
            "trainable_weights": training.trainable,
            "examples": plan.examples,
            "weights_per_example": training.trainable / plan.examples if plan.examples else None,
        },
        "problems": list(training.problems),
        "uncounted": uncounted(training.uncounted),
        "values": list(training.values),
        "unattributed": training.unattributed,
        "unpredicted": list(training.unpredicted),
        "measured": _measured(training.measured) if training.measured else None,
        "failure": training.failure or None,
        "out_of_memory": _fit(training.out_of_memory),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "path": layer.path,
        "operation": layer.operation,
        "units": layer.units,
        "activations": layer.activations,
        "parameters": layer.parameters,
        "gradients": layer.gradients,
        "optimizer_state": layer.optimizer_state,
        "forward": layer.forward,
        "backward_inputs": layer.backward_inputs,
        "backward_weights": layer.backward_weights,
        "recomputation": layer.recomputation,
    }


def _parts(parts: dict[str, int]) -> dict[str, int]:
    return {part.replace(" ", "_"): size for part, size in parts.items()}


def _fit(fit: Fit | None) -> dict[str, int] | None:
    return {"limit": fit.limit, "batch": fit.batch, "peak": fit.peak} if fit else None


def _operations(training: Training) -> dict[str, Any]:
    plan, each = training.plan, training.operations
    epoch = each * plan.examples if plan.examples else None
    return {
        "forward": training.total("forward"),
        "backward_inputs": training.total("backward_inputs"),
        "backward_weights": training.total("backward_weights"),
        "recomputation": training.total("recomputation"),
        "per_connection": training.ratio,
        "per_epoch": epoch,
        "epochs": plan.epochs,
        "in_all": epoch * plan.epochs if epoch and plan.epochs else None,
    }


def _measured(measured: Measured) -> dict[str, Any]:
    return {
        "device": measured.device,
        "activations": measured.saved,
        "peak": measured.peak,
        "peak_between_operations": measured.held,
        "activations_without_checkpoints": measured.saved_without,
        "peak_without_checkpoints": measured.peak_without,
        "recomputation": measured.recomputation,
        "steps": measured.steps,
        "seconds": measured.seconds,
        "forward_seconds": measured.forward_seconds,
        "backward_seconds": measured.backward_seconds,
        "layers": [
            {"path": slow.path, "forward": slow.forward, "backward": slow.backward, "connections": slow.connections}
            for slow in measured.layers
        ],
    }
