"""What it costs to train a network: memory, operations and data, by layer and in all. No torch in here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from netsize.costs.plan import Plan
from netsize.costs.timeline import Moment, Timeline
from netsize.facts.network import Source, Unknown
from netsize.lecture.formulas import Shape
from netsize.results.display import Shown
from netsize.results.report import Report

TRAINED = ("parameters", "gradients of weights", "optimizer state")  # a layer's memory, whatever the batch


@dataclass(frozen=True)
class Layer:
    """A layer, or several rolled up (`layers` > 1). Memory in bytes, for the whole batch; connections per example,
    as many add-multiplies are executed."""

    path: str
    operation: str
    units: int = 0
    activations: int = 0  # that it keeps for backward, and no layer before it
    parameters: int = 0
    gradients: int = 0  # of its parameters
    optimizer_state: int = 0
    forward: int = 0
    backward_inputs: int = 0
    backward_weights: int = 0
    recomputation: int = 0  # of checkpointed activations
    problems: tuple[str, ...] = ()
    layers: int = 1

    @property
    def trained(self) -> int:
        """Bytes that it takes whatever the batch."""
        return self.parameters + self.gradients + self.optimizer_state

    @property
    def backward(self) -> int:
        return self.backward_inputs + self.backward_weights


NUMBERS = (
    "units", "activations", "parameters", "gradients", "optimizer_state", "forward", "backward_inputs",
    "backward_weights", "recomputation",
)  # fmt: skip


SPARE = 5  # percent of a predicted peak that kernels may take for themselves: no less was measured (README)


def usable(limit: int) -> int:
    """Bytes that a predicted peak may have, so that the step fits a limit with what kernels take."""
    return limit * 100 // (100 + SPARE)


@dataclass(frozen=True)
class Fit:
    """The largest batch whose step fits into `limit` bytes, kernels included, and its predicted peak. A batch of 0: not
    even one example fits."""

    limit: int
    batch: int
    peak: int


@dataclass(frozen=True)
class Slow:
    """A layer's part of the time of a measured step."""

    path: str
    forward: float  # seconds
    backward: float
    connections: int  # of all examples that it goes through in that time


class Alive(NamedTuple):
    """Bytes that were allocated when an operation of a real step had been executed."""

    phase: str
    path: str
    operation: str
    size: int


@dataclass(frozen=True)
class Measured:
    """Real training steps. Sizes in bytes. `peak` is None where the device does not tell, and counts what kernels take
    for themselves, which is not predicted; `recomputation`: connections per example."""

    saved: int
    peak: int | None
    steps: int
    seconds: float  # of one step, the median
    forward_seconds: float
    backward_seconds: float
    recomputation: int
    layers: tuple[Slow, ...]
    device: str  # its name
    held: int | None = None  # at the highest moment between two operations; None where the device does not tell
    saved_without: int | None = None  # checkpoints, if there are some
    peak_without: int | None = None
    alive: tuple[Alive, ...] = ()  # behind each operation of forward and backward; none where the device does not tell


@dataclass(frozen=True)
class Training(Shown):
    """Print it, or read it. `parts`: bytes by what they are for; of the activations, those kept for backward.
    `measured`: real steps, if they were asked for and could be run; `failure`: why they could not."""

    source: Source
    input: tuple[Shape, ...]
    device: str
    plan: Plan
    batch: int
    layers: tuple[Layer, ...]
    parts: dict[str, int]
    peak: Moment
    trainable: int  # weights
    fit: Fit | None = None
    without_checkpoints: int | None = None  # activations in bytes, if some are computed again
    peak_without_checkpoints: int | None = None
    uncounted: tuple[Unknown, ...] = ()
    tied: tuple[str, ...] = ()  # what is frozen beside what was named, as it is one parameter
    values: tuple[str, ...] = ()  # what the values of the input decide, and was guessed here
    unattributed: int = 0  # add-multiplies of backward that belong to no layer: see `netsize.facts.network.Network`
    unpredicted: tuple[str, ...] = ()  # operations that keep more for backward than is known without running them
    frozen: tuple[tuple[str, int], ...] = ()  # parameters that are not trained, and their elements
    untouched: tuple[str, ...] = ()  # parameters that are to be trained, and get no gradient
    checkpoints: tuple[str, ...] = ()  # modules that compute their activations again
    measured: Measured | None = None
    failure: str = ""
    out_of_memory: Fit | None = None  # the largest batch for what the device has, if this one was too large
    timeline: Timeline | None = field(default=None, compare=False)  # the predicted step, operation by operation

    def total(self, number: str) -> int:
        """Over all layers."""
        return sum(getattr(layer, number) for layer in self.layers)

    @property
    def operations(self) -> int:
        """Add-multiplies of a step, per example."""
        return self.total("forward") + self.total("backward") + self.total("recomputation")

    @property
    def ratio(self) -> float | None:
        """Add-multiplies in training for each connection: the lecture's "about 3"."""
        forward = self.total("forward")
        return self.operations / forward if forward else None

    @property
    def problems(self) -> tuple[str, ...]:
        """Where torch's backward pass does not execute what the formulas say."""
        return tuple(f"{layer.path}: {problem}" for layer in self.layers for problem in layer.problems)

    @property
    def fits(self) -> bool:
        """Whether the batch fits into the memory that was given."""
        return self.fit is None or self.peak.size <= usable(self.fit.limit)

    @property
    def differs(self) -> bool:
        """Whether anything that was run contradicts a prediction, or a limit is not met."""
        measured, limit = self.measured, self.plan.memory
        wrong = measured is not None and (
            (limit is not None and measured.peak is not None and measured.peak > limit)
            or (measured.saved != self.parts.get("activations", 0) and not self.unpredicted)
            or measured.recomputation != self.total("recomputation")
        )
        return bool(self.problems) or wrong or not self.fits or self.out_of_memory is not None


def layers_of(report: Report, timeline: Timeline, order: Sequence[str], types: dict[str, str]) -> tuple[Layer, ...]:
    """A row for each layer that has connections, parameters, or activations that backward needs. `order`: paths of
    all modules; `types`: their classes."""
    saved = timeline.by_layer("activations")
    parts = [timeline.by_layer(part) for part in TRAINED]
    recomputed: Counter[str] = Counter()
    for event in timeline.events:
        if event.phase == "recomputation":
            recomputed[event.path] += event.connections
    labels: dict[str, list[str]] = {}
    counts: dict[str, Counter[str]] = {}
    problems: dict[str, list[str]] = {}
    for row in report.layers:
        labels.setdefault(row.path, []).append(row.operation)
        count = counts.setdefault(row.path, Counter())
        count["units"] += row.units
        count["forward"] += row.connections
        if row.backward is not None:
            count["backward_inputs"] += row.backward.inputs
            count["backward_weights"] += row.backward.weights
            if row.backward.inputs + row.backward.weights != row.backward.executed:
                problems.setdefault(row.path, []).append(_difference(row.backward))
    place = {path: index for index, path in enumerate(order)}
    paths = dict.fromkeys([*labels, *saved, *recomputed, *(path for part in parts for path in part)])
    return tuple(
        Layer(
            path,
            _label(labels.get(path, []), types.get(path, "parameters")),
            activations=saved.get(path, 0),
            **dict(zip(("parameters", "gradients", "optimizer_state"), (part.get(path, 0) for part in parts))),
            recomputation=recomputed[path] // timeline.batch,
            problems=tuple(problems.get(path, ())),
            **counts.get(path, Counter()),
        )
        for path in sorted(paths, key=lambda path: _place(path, place))
    )


def _difference(backward: Any) -> str:
    expected = backward.inputs + backward.weights
    return f"backward executes {backward.executed:,} add-multiplies, the formulas say {expected:,}"


def _label(labels: list[str], type: str) -> str:
    if not labels:
        return type
    return labels[0] if len(labels) == 1 else f"{labels[0]}, and {len(labels) - 1} more"


def _place(path: str, place: dict[str, int]) -> int:
    """That of the module; of a parameter in a list, that of the list."""
    while path and path not in place:
        path = path.rpartition(".")[0]
    return place.get(path, 0)


def roll_up(layers: Sequence[Layer], depth: int) -> tuple[Layer, ...]:
    """One row for each module at most `depth` levels deep, with the sums of what lies deeper."""
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(".".join(layer.path.split(".")[:depth]), []).append(layer)
    return tuple(group[0] if len(group) == 1 else _sum(path, group) for path, group in groups.items())


def _sum(path: str, layers: list[Layer]) -> Layer:
    problems = tuple(problem for layer in layers for problem in layer.problems)
    total = Layer(path, f"{len(layers)} layers", problems=problems, layers=len(layers))
    return replace(total, **{number: sum(getattr(layer, number) for layer in layers) for number in NUMBERS})
