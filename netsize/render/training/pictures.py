"""A training step in pictures: its memory over its operations, and its layers by what they take and do."""

from collections.abc import Sequence

from netsize.costs.timeline import Timeline
from netsize.costs.training import Alive, Training
from netsize.machine import binary
from netsize.render.figures import Areas, Figure, Quantity, Tree
from netsize.results.kinds import KINDS
from netsize.results.tree import Leaf, tree

MOST = 1_000  # events that are drawn: of more, each stands for several, by the highest of them
BYTES = {
    "activations": "activations kept", "parameters": "parameters", "gradients": "gradients",
    "optimizer_state": "optimizer",
}  # fmt: skip
COUNTS = {"forward": "forward", "backward": "backward"}


def figures(training: Training) -> tuple[Figure, ...]:
    found: list[Figure] = [_tree(training)]
    if training.timeline is not None:
        found.insert(0, _areas(training, training.timeline))
    return tuple(found)


def _areas(training: Training, timeline: Timeline) -> Areas:
    parts, live = timeline.live_parts(), timeline.live()
    step = -(-len(live) // MOST)
    chosen = [max(range(at, min(at + step, len(live))), key=live.__getitem__) for at in range(0, len(live), step)]
    events = [timeline.events[index] for index in chosen]
    phases = [
        (event.phase, place)
        for place, event in enumerate(events)
        if not place or event.phase != events[place - 1].phase
    ]
    highest = max(range(len(chosen)), key=lambda place: live[chosen[place]])
    peak = training.peak
    alive = ", ".join(f"{binary(size)} {part}" for part, size in sorted(peak.parts.items(), key=lambda part: -part[1]))
    measured = training.measured
    lines = [("measured peak", measured.peak)] if measured is not None and measured.peak is not None else []
    return Areas(
        f"Memory of a step with a batch of {training.batch:,}, operation by operation",
        tuple(parts),
        tuple(f"{event.phase} {event.path} {event.operation}" for event in events),
        tuple(tuple(sizes[index] for index in chosen) for sizes in parts.values()),
        tuple(phases),
        highest,
        f"peak: {binary(peak.size)}, in {peak.event.phase} of {peak.event.path or training.source.title}: {alive}",
        tuple(lines),
        _executed(timeline, measured.alive, step) if measured is not None else (),
    )


def _executed(timeline: Timeline, alive: Sequence[Alive], step: int) -> tuple[tuple[int, int], ...]:
    """What a real step had allocated, at the events that both have; of `step` events the highest."""
    highest: dict[int, int] = {}
    for place, moment in zip(timeline.places([moment[:3] for moment in alive]), alive):
        if place is not None:
            highest[place // step] = max(highest.get(place // step, 0), moment.size)
    return tuple(highest.items())


def _tree(training: Training) -> Tree:
    names = (*BYTES, *COUNTS)
    values = {layer.path: tuple(int(getattr(layer, name)) for name in names) for layer in training.layers}
    quantities = tuple(
        Quantity(name, BYTES.get(name) or COUNTS[name], training.total(name), "bytes" if name in BYTES else "")
        for name in names
    )
    leaves = [
        Leaf(layer.path, layer.path or f"({training.source.title})", _kind(layer.operation), values[layer.path])
        for layer in training.layers
    ]
    kinds = {leaf.kind: KINDS[leaf.kind].plural if leaf.kind in KINDS else "other layers" for leaf in leaves}
    return Tree(quantities, tree(leaves, training.source.title), kinds)


def _kind(operation: str) -> str:
    """conv of conv 3x3, 64 -> 64."""
    first = operation.partition(" ")[0]
    return first if first in KINDS else "other"
