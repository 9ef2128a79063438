"""What netsize says about a network: rows that add up to the totals, and where the bulk of each quantity is."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from netsize.formulas import Shape
from netsize.network import Backward, Elements, Source
from netsize.receptive import Field

QUANTITIES = ("units", "connections", "weights")


@dataclass(frozen=True)
class Convention:
    """What is counted. The default is the homework's: no biases, no pooling, connections to padding counted."""

    bias: bool = False  # a bias is a connection of each unit, and a weight (LeCun et al. 1998)
    pooling: bool = False  # pools are rows: units are their outputs, each connected to its window
    padding: bool = True  # connections to zero padding are counted

    def __str__(self) -> str:
        both = {(False, False): "biases and pooling not counted", (True, True): "biases and pooling counted"}
        mixed = "biases counted, pooling not" if self.bias else "pooling counted, biases not"
        text = both.get((self.bias, self.pooling), mixed)
        return text if self.padding else f"{text}, connections to padding not counted"


@dataclass(frozen=True)
class Options:
    """What is told besides the counts. `fields`: receptive fields. `freeze`: patterns of parameters that are not
    trained. `everything`: operations that own nothing, too. `examples`: size of the data set."""

    fields: bool = False
    freeze: tuple[str, ...] = ()
    everything: bool = False
    examples: int | None = None


@dataclass(frozen=True)
class Row:
    """A layer (one call of it), or several of them rolled up (`layers` > 1)."""

    path: str
    call: int
    type: str
    kind: str
    label: str  # as the homework names it: Convolution Layer 1
    operation: str  # conv 11x11 /4, 3 -> 64
    input: Shape
    output: Shape
    hyperparameters: tuple[tuple[str, Any], ...]
    fan_in: int | None  # None where it differs from unit to unit
    units: int
    connections: int
    padding_connections: int
    weights: int
    biases: int
    verified: str  # passed, failed or skipped
    problems: tuple[str, ...] = ()
    layers: int = 1  # 0 for an operation that owns no units
    frozen: int = 0  # of its weights
    other_parameters: int = 0  # that this operation was the first to use
    field: Field | None = None  # receptive field; None: not known, or not one for all units
    field_verified: str = "skipped"
    backward: Backward | None = None  # None: it was not trained

    @property
    def trainable(self) -> int:
        return self.weights - self.frozen

    @property
    def name(self) -> str:
        """The path, or the class of a network that executed the operation itself; with its call, if not the first."""
        name = self.path or f"({self.type})"
        return f"{name} #{self.call + 1}" if self.call else name


@dataclass(frozen=True)
class Totals:
    """weights + biases + other_parameters = parameters. With biases counted as weights, `biases` is 0."""

    units: int
    connections: int
    weights: int
    biases: int
    other_parameters: int
    parameters: int
    frozen: int = 0  # of the weights
    frozen_parameters: int = 0  # of all parameters

    @property
    def trainable(self) -> int:
        """Weights that are left to learn."""
        return self.weights - self.frozen


@dataclass(frozen=True)
class Verification:
    """Whether running the network agreed with the formulas: passed, failed or skipped."""

    status: str
    device: str
    torch: str
    layers: int
    verified: int
    problems: tuple[str, ...]
    seconds: float
    piecewise: int = 0  # bytes of parameters, if they were in memory layer by layer only
    remembered: str = ""  # when it was run, in ISO 8601, if it was not now


@dataclass(frozen=True)
class Report:
    """A counted network. Frozen; print it, or use `to_json()`."""

    source: Source
    input: tuple[Shape, ...]
    convention: Convention
    rows: tuple[Row, ...]
    totals: Totals
    unused: Elements
    uncounted: Elements
    depends_on_values: tuple[str, ...]
    verification: Verification
    options: Options = Options()
    depth: int = 0  # layers with weights on the longest way from the input
    field: Field | None = None  # receptive field at the last feature map
    field_verified: str = "skipped"
    replaced: str = ""  # the layer that was replaced by one with another number of classes
    until: str = ""  # the layer after which the network was cut off
    features: tuple[Shape, ...] = ()  # shapes of what came out there
    beyond: int = 0  # parameters that lie behind it

    @property
    def layers(self) -> tuple[Row, ...]:
        """The rows that are counted: without operations that own nothing."""
        return tuple(row for row in self.rows if row.layers)

    @property
    def complete(self) -> bool:
        """Whether every executed operation is known to netsize."""
        return not self.uncounted

    def share(self, value: int, quantity: str) -> float:
        """A part of the network's units, connections or weights, from 0 to 1."""
        total: int = getattr(self.totals, quantity)
        return value / total if total else 0.0

    def largest(self, quantity: str) -> Row | None:
        """The row with most of a quantity; the first, if several have as much; None, if there is none of it."""
        row = max(self.rows, key=lambda row: getattr(row, quantity), default=None)
        return row if row is not None and getattr(row, quantity) else None

    def by_kind(self, quantity: str) -> dict[str, int]:
        """How much of a quantity each kind of layer holds, the most first."""
        return self._sums(quantity, lambda row: row.kind)

    def by_part(self, quantity: str) -> dict[str, int]:
        """How much of a quantity each top-level module holds, the most first."""
        return self._sums(quantity, lambda row: row.path.partition(".")[0])

    def _sums(self, quantity: str, key: Callable[[Row], str]) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for row in self.layers:
            sums[key(row)] += getattr(row, quantity)
        return dict(sums.most_common())

    def to_json(self) -> str:
        """The report as JSON, schema 1."""
        from netsize.render import json

        return json.render(self)

    def __str__(self) -> str:
        from netsize.render import table
        from netsize.render.style import Style

        return table.render(self, Style())

    def __rich_console__(self, console: Any, options: Any) -> Iterable[Any]:
        from netsize.render import table

        return table.renderables(self, options.max_width)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from netsize.render import table

        return table.html(self)


def roll_up(rows: Iterable[Row], depth: int) -> tuple[Row, ...]:
    """One row for each module at most `depth` levels deep, in order of first execution, with the sums of
    what lies deeper. A layer that is not so deep keeps its rows, one for each of its calls."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(".".join(row.path.split(".")[:depth]), []).append(row)
    rolled: list[Row] = []
    for path, group in groups.items():
        whole = len(group) == 1 or all(row.path == path for row in group)
        rolled += group if whole else [_sum(path, group)]
    return tuple(rolled)


def depth_that_fits(rows: tuple[Row, ...], most: int) -> int | None:
    """The deepest roll-up of at most so many rows; None if all rows fit as they are."""
    if len(rows) <= most:
        return None
    deepest = max(row.path.count(".") + 1 for row in rows)
    fitting = [depth for depth in range(deepest, 0, -1) if len(roll_up(rows, depth)) <= most]
    return fitting[0] if fitting else 1


def keep_largest(rows: tuple[Row, ...], most: int, quantity: str) -> tuple[Row, ...]:
    """The largest rows in falling order, the others added up in a last one: still the whole network."""
    ordered = sort(rows, quantity)
    kept, others = ordered[:most], ordered[most:]
    return (*kept, _sum(f"[{len(others)} others]", list(others))) if others else kept


def sort(rows: tuple[Row, ...], quantity: str) -> tuple[Row, ...]:
    """The largest first; equal ones in order of execution."""
    return tuple(sorted(rows, key=lambda row: -getattr(row, quantity)))


def _sum(path: str, rows: list[Row]) -> Row:
    kinds = Counter(row.kind for row in rows)
    layers = sum(row.layers for row in rows)
    failed = any(row.verified == "failed" for row in rows)
    return replace(
        rows[0],
        path=path,
        call=0,
        type="",
        kind=rows[0].kind if len(kinds) == 1 else "mixed",
        label=f"{layers} layers",
        operation=f"{layers} layers",
        output=rows[-1].output,
        hyperparameters=(),
        fan_in=None,
        frozen=sum(row.frozen for row in rows),
        other_parameters=sum(row.other_parameters for row in rows),
        field=rows[-1].field,
        field_verified="skipped",
        units=sum(row.units for row in rows),
        connections=sum(row.connections for row in rows),
        padding_connections=sum(row.padding_connections for row in rows),
        weights=sum(row.weights for row in rows),
        biases=sum(row.biases for row in rows),
        verified="failed" if failed else rows[0].verified,
        problems=tuple(problem for row in rows for problem in row.problems),
        layers=layers,
    )
