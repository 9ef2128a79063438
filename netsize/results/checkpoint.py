"""Files of weights, as they are told: tensors rolled up by name, types, and what such a file cannot tell."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from netsize.facts.stored import Stored, StoredTensor
from netsize.results.display import Shown
from netsize.version import __version__

SCHEMA = 1
UNTOLD = "units and connections need the network that they belong to; what is a bias, a scale or a statistic, too"


@dataclass(frozen=True)
class Part:
    """A tensor, or those of a module together."""

    name: str
    tensors: int
    shape: tuple[int, ...] | None  # None of several
    types: tuple[str, ...]
    weights: int
    bytes: int


@dataclass(frozen=True)
class Checkpoint(Shown):
    """The weights in one file, or in several with an index."""

    stored: Stored

    def parts(self, depth: int | None, most: int) -> tuple[Part, ...]:
        """Tensors rolled up by name, so many levels deep; without `depth` as deep as makes at most so many rows."""
        tensors = self.stored.tensors
        if depth is not None:
            return _rolled(tensors, depth)
        deepest = max((tensor.name.count(".") + 1 for tensor in tensors), default=1)
        every = (_rolled(tensors, levels) for levels in range(deepest, 0, -1))
        return next((parts for parts in every if len(parts) <= most), _rolled(tensors, 1))

    def types(self) -> dict[str, tuple[int, int]]:
        """Weights and bytes of each type, the most bytes first."""
        weights: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for tensor in self.stored.tensors:
            weights[tensor.type] += tensor.weights
            sizes[tensor.type] += tensor.bytes
        return {kind: (weights[kind], size) for kind, size in sizes.most_common()}


def _rolled(tensors: Iterable[StoredTensor], depth: int) -> tuple[Part, ...]:
    groups: dict[str, list[StoredTensor]] = {}
    for tensor in tensors:
        groups.setdefault(".".join(tensor.name.split(".")[:depth]), []).append(tensor)
    return tuple(_part(name, group) for name, group in groups.items())


def _part(name: str, group: list[StoredTensor]) -> Part:
    alone = group[0].shape if len(group) == 1 else None
    types = tuple(dict.fromkeys(tensor.type for tensor in group))
    return Part(name, len(group), alone, types, sum(t.weights for t in group), sum(t.bytes for t in group))


def as_dict(checkpoint: Checkpoint) -> dict[str, Any]:
    """Schema 1: every tensor."""
    stored = checkpoint.stored
    return {
        "schema": SCHEMA,
        "netsize": __version__,
        "model": stored.model,
        "source": {"kind": stored.format, "version": None},
        "tensors": [
            {"name": t.name, "shape": list(t.shape), "type": t.type, "weights": t.weights, "bytes": t.bytes}
            for t in stored.tensors
        ],
        "types": {kind: {"weights": n, "bytes": size} for kind, (n, size) in checkpoint.types().items()},
        "totals": {
            "tensors": len(stored.tensors),
            "weights": stored.weights,
            "bytes": stored.bytes,
            "other_bytes": stored.other_bytes,
            "file_bytes": stored.file_bytes,
            "files": stored.files,
        },
        "notes": list(stored.notes),
    }
