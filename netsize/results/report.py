"""What netsize says about a network: rows that add up to the totals, and where the bulk of each quantity is."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from netsize.facts.network import Backward, Beside, Call, Choice, Elements, Source, Unknown
from netsize.lecture.formulas import Shape
from netsize.lecture.receptive_fields import Field
from netsize.results.display import Shown, shown

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
    fact: Call | None = None  # what was executed; None of several rolled up, and of an operation that owns nothing

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
    active_parameters: int  # that one row (token) goes through: all, where no router chooses experts
    macs: int = 0  # multiplications that are added up: connections of all but pools, whatever the convention
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
class Report(Shown):
    """A counted network. Frozen; print it, or use `to_json()`."""

    source: Source
    input: tuple[Shape, ...]
    convention: Convention
    rows: tuple[Row, ...]
    totals: Totals
    unused: Elements
    uncounted: tuple[Unknown, ...]
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
    besides: tuple[Beside, ...] = ()  # see `netsize.facts.network.Network`
    choices: tuple[Choice, ...] = ()
    guessed: tuple[tuple[str, str], ...] = ()  # see `netsize.facts.network.Network`
    notes: tuple[str, ...] = ()
    storage: Elements = ()  # bytes of the parameters, by type
    others: Elements = ()  # parameters that are no weights and no biases, by the layer that used them first

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

    def __rich_console__(self, console: Any, options: Any) -> Iterable[Any]:
        found: Iterable[Any] = shown(self, "rich", options.max_width)
        return found
