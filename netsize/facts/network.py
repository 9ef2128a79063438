"""What one forward pass of a network wrote down: facts only, before any convention. No torch in here."""

from dataclasses import dataclass

from netsize.lecture.formulas import Formula, Shape
from netsize.lecture.receptive_fields import Field

Elements = tuple[tuple[str, int], ...]  # names of parameters, each with a number of its elements


@dataclass(frozen=True)
class Execution:
    """Connections measured by running a layer on ones: each output is its own fan-in, their sum the count."""

    connections: int  # with its padding filled with ones
    inside: int  # with its padding left at zero


@dataclass(frozen=True)
class Backward:
    """Connections that a backward pass goes through again."""

    inputs: int = 0  # to the gradients of its inputs
    weights: int = 0  # to those of its weights
    executed: int = 0  # in both, by the products that torch executed


@dataclass(frozen=True)
class Call:
    """One executed operation that has connections (or is a pool, or a lookup)."""

    path: str  # of the layer that it belongs to, "" for the network itself
    call: int  # counts the operations on this path
    type: str  # class of that layer
    kind: str
    operation: str  # torch's name of what was executed
    formula: Formula
    input: Shape
    output: Shape  # as it came out, not as the formula has it
    elements: int = 0  # of the operand that the connections multiply by, repeated ones among them
    weights_of: str = ""  # the layer that used its parameters first, if it was another one
    weights_chosen: bool = False  # by values, among those that `weights` counts
    weights: Elements = ()  # parameters in it that no call before has used
    bias_elements: int = 0  # of the bias that was added, if any
    biases: Elements = ()  # parameters in it that no call before has used
    executed: Execution | None = None  # None: not run on ones
    field: Field | None = None  # receptive field of its units; None: not known
    field_measured: str | None = None  # by the gradient: "" if it is right, or what is wrong; None: not measured
    flops: int | None = None  # torch's own formula for the operation, where it has one and is right
    backward: Backward | None = None  # None: it was not trained


@dataclass(frozen=True)
class Step:
    """An executed operation that has no connections. `calls`: how many Calls were executed before it."""

    calls: int
    path: str
    type: str
    operation: str
    input: Shape
    output: Shape
    parameters: Elements = ()  # that it is the first to use: a normalisation's scales, position embeddings


@dataclass(frozen=True)
class FlowNode:
    """What feeds what: an input of the network, a call, or another operation that makes one tensor of what several
    nodes made. `operation` is "input", or "" of a call, or its name; `sources`: indices of nodes before it."""

    operation: str
    path: str
    shape: Shape
    sources: tuple[int, ...] = ()
    call: int | None = None  # index of the call


@dataclass(frozen=True)
class Choice:
    """A parameter of `parts` equal parts (experts), `chosen` of which each row (token) goes through."""

    parameter: str
    chosen: int
    parts: int


BY_HAND = "products by hand"


@dataclass(frozen=True)
class Beside:
    """Work that is no connection of a layer, though it multiplies: transforms, linear algebra, products by hand.
    `multiplications` is None where the number hangs on values."""

    kind: str
    operation: str
    calls: int
    multiplications: int | None


@dataclass(frozen=True)
class Unknown:
    """An operation that netsize does not know. `shapes`: what its first call was given, and made."""

    operation: str
    calls: int
    shapes: str


@dataclass(frozen=True)
class Source:
    """Where a network comes from: a kind (torchvision, python), what it is called, and a version."""

    kind: str
    model: str
    title: str
    version: str | None = None
    published: tuple[tuple[str, float], ...] = ()  # what the source itself says of its size


@dataclass(frozen=True)
class Network:
    """A network as one forward pass saw it, at batch size 1."""

    source: Source
    input: tuple[Shape, ...]
    calls: tuple[Call, ...]
    parameters: Elements
    unused: Elements  # parameters that no operation ever touched
    uncounted: tuple[Unknown, ...]  # operations that netsize does not know
    depends_on_values: tuple[str, ...]  # operations whose result has a size that the values decide
    device: str
    torch: str
    executed: bool  # really run, or on fake tensors that hold no values
    seconds: float
    steps: tuple[Step, ...] = ()
    depth: int = 0  # layers with weights on the longest way from the input
    field: Field | None = None  # receptive field at the last feature map
    field_measured: str | None = None  # as of a call
    last_map: int = 0  # index of the last call before that map was made
    settled: tuple[tuple[str, str], ...] = ()  # layers that make a fixed number of places of any: path, what they do
    fixed: tuple[tuple[str, str], ...] = ()  # what may take one number of places only: layer or parameter, why
    features: tuple[Shape, ...] = ()  # what came out behind that layer: of a dictionary or list, each tensor
    replaced: str = ""  # layer that was replaced by one with another number of classes
    until: str = ""  # layer after which the pass was stopped
    piecewise: int = 0  # bytes of parameters, if they were in memory layer by layer only
    unattributed: int = 0  # connections that a backward pass went through for no call: functions with one of their own
    untrained: tuple[str, ...] = ()  # parameters that ask for no gradient
    aliases: tuple[tuple[str, str], ...] = ()  # other names of parameters (tied weights), each with the first one
    guessed: tuple[tuple[str, str], ...] = ()  # operations whose result was guessed without values, and by which layer
    besides: tuple[Beside, ...] = ()  # work that is no connection
    choices: tuple[Choice, ...] = ()  # parameters that a router chooses parts of
    flow: tuple[FlowNode, ...] = ()  # in order of execution
    ends: tuple[int, ...] = ()  # nodes of the flow that the network puts out
    notes: tuple[str, ...] = ()  # what else is to be said of the network, or of its input
    storage: Elements = ()  # bytes that the parameters take, by the type of what is stored
    remembered: str = ""  # when these facts were found, if it was not now


def release(version: str) -> str:
    """2.14.1 of 2.14.1+cu130: the build does not change a count."""
    return version.partition("+")[0]
