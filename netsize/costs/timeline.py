"""Which memory is alive when, in a training step: storages that are born and die, operation by operation. No torch
in here."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

PARTS = (
    "parameters", "buffers", "optimizer state", "input", "activations", "recomputed activations",
    "gradients of weights", "gradients of activations", "temporaries",
)  # fmt: skip


NEAR = 12  # events among which the one of an executed operation is looked for
# Kernels whose memory for backward has a size that only they know; a fake tensor has none in its place.
UNPREDICTED = ("aten.mkldnn_rnn_layer", "aten._cudnn_rnn", "aten.miopen_rnn")


@dataclass
class Storage:
    """Memory of one or more tensors, in bytes. It is alive from the event `born` until before the event `died`."""

    size: int
    part: str
    path: str  # of the layer that made it, or that saved it first
    born: int = 0
    died: int | None = None


@dataclass(frozen=True)
class Event:
    """One operation: in which phase (forward, backward, recomputation, optimizer), and for which layer."""

    phase: str
    path: str
    operation: str
    connections: int = 0  # that it went through, all examples together


@dataclass(frozen=True)
class Moment:
    """The memory at an event, and what it consists of."""

    size: int
    event: Event
    parts: dict[str, int]


@dataclass(frozen=True)
class Timeline:
    """One training step at one batch size."""

    batch: int
    storages: tuple[Storage, ...]
    events: tuple[Event, ...]
    untouched: tuple[str, ...] = ()  # parameters that are to be trained, and get no gradient

    def live(self) -> list[int]:
        """Bytes that are alive at each event."""
        change = [0] * (len(self.events) + 1)
        for storage in self.storages:
            change[storage.born] += storage.size
            if storage.died is not None:
                change[storage.died] -= storage.size
        return list(accumulate(change[:-1]))

    def places(self, executed: Sequence[tuple[str, str, str]]) -> list[int | None]:
        """Of operations that were really executed (phase, path and name), in order, the events that are the same ones;
        None for those that a step without values takes otherwise (one kernel for several)."""
        found: list[int | None] = []
        at = 0
        for operation in executed:
            near = range(at, min(at + NEAR, len(self.events)))
            place = next((i for i in near if self._operation(i) == operation), None)
            found.append(place)
            at = at if place is None else place + 1
        return found

    def _operation(self, index: int) -> tuple[str, str, str]:
        event = self.events[index]
        return event.phase, event.path, event.operation

    def live_parts(self) -> dict[str, list[int]]:
        """Bytes of each part that are alive at each event."""
        changes = {part: [0] * (len(self.events) + 1) for part in PARTS}
        for storage in self.storages:
            changes[storage.part][storage.born] += storage.size
            if storage.died is not None:
                changes[storage.part][storage.died] -= storage.size
        return {part: list(accumulate(change[:-1])) for part, change in changes.items() if any(change)}

    def peak(self) -> Moment:
        """The first of the highest moments."""
        live = self.live()
        size = max(live)
        index = live.index(size)
        parts: Counter[str] = Counter()
        for storage in self.storages:
            if storage.born <= index and (storage.died is None or index < storage.died):
                parts[storage.part] += storage.size
        return Moment(size, self.events[index], {part: parts[part] for part in PARTS if parts[part]})

    def unpredicted(self) -> tuple[str, ...]:
        """Operations that keep more for backward than is known here."""
        return tuple(name for name in UNPREDICTED if any(event.operation == name for event in self.events))

    def parts(self) -> dict[str, int]:
        """Bytes of what lasts through a step or is kept for backward, by part."""
        lasting = PARTS[: PARTS.index("gradients of weights") + 1]
        return {part: sum(self.by_layer(part).values()) for part in lasting if part != "recomputed activations"}

    def by_layer(self, part: str) -> dict[str, int]:
        """Bytes of a part, by layer: of the activations those that are kept for backward."""
        found: Counter[str] = Counter()
        for storage in self.storages:
            if storage.part == part:
                found[storage.path] += storage.size
        return dict(found)


def largest_batch(limit: int, one: Timeline, other: Timeline, peak: Callable[[int], int]) -> int:
    """The largest batch whose peak is at most `limit` bytes; 0 if there is none.

    The memory at each event is a line over the batch (what grows with it, and what does not), known from two
    batches: the first event that reaches the limit decides. `peak(batch)` is asked whether that is right; where it
    is not (an allocator that rounds up, a network that does something else with a large batch), by halving.
    """
    found = max(0, _by_lines(limit, one, other))
    fits = found == 0 or peak(found) <= limit
    if fits and peak(found + 1) > limit:
        return found
    low, high = (found + 1, 2 * found + 2) if fits else (0, found)
    while fits and peak(high) <= limit:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if peak(middle) <= limit else (low, middle)
    return low


def _by_lines(limit: int, one: Timeline, other: Timeline) -> int:
    first, second = one.live(), other.live()
    if len(first) != len(second):
        return one.batch
    step = other.batch - one.batch
    batches = [
        int(one.batch + (limit - here) * Fraction(step, there - here) // 1)
        for here, there in zip(first, second)
        if (there - here) * step > 0
    ]
    return min(batches, default=one.batch)
