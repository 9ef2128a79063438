"""The lecture's formulas: how many units, connections and weights a layer has.

One small class per kind of layer. Each knows nothing but its hyperparameters and the shape of its
input, and answers for one forward pass. Source: University of Toronto, CSC321, lecture 7 (2020). What
the lecture leaves out (stride, dilation, groups, other dimensions) is named at each class.

To add a layer: write its class here and its steps in derivation.py, then say in trace/operations.py which
torch operation it describes. A kind that is new is named in results/kinds.py.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from netsize.lecture.windows import adaptive_taps, taps_inside, transposed_count, window_count, window_count_ceil

Shape = tuple[int, ...]


class Formula(ABC):
    """What every kind of layer answers."""

    kind: str

    @property
    @abstractmethod
    def output(self) -> Shape:
        """Shape of the result, batch axis first where the input has one."""

    @property
    def units(self) -> int:
        """Outputs that have connections of their own: all of them, unless a class says otherwise."""
        return prod(self.output)

    @property
    @abstractmethod
    def fan_in(self) -> int | None:
        """Inputs that one unit is connected to. None where it differs from unit to unit."""

    @property
    def connections(self) -> int:
        """Multiply-accumulates, those to zero padding among them: units * fan_in."""
        assert self.fan_in is not None, "a layer whose fan-in varies counts its connections itself"
        return self.units * self.fan_in

    @property
    def padding_connections(self) -> int:
        """How many of the connections lead to zero padding."""
        return 0

    @property
    def weights(self) -> int:
        """Parameters that the connections multiply by, if each element stands for itself."""
        return 0

    @property
    def biases(self) -> int:
        """Biases of a layer that has them."""
        return 0

    @property
    def biases_per_unit(self) -> int:
        return 1

    @property
    @abstractmethod
    def label(self) -> str:
        """The hyperparameters as a person writes them."""

    @property
    def hyperparameters(self) -> dict[str, object]:
        """What the JSON shows of a layer besides its shapes."""
        return {}


@dataclass(frozen=True)
class Linear(Formula):
    """Fully connected, M inputs -> N outputs: N units, M N connections, M N weights (lecture 7).

    `input` is (..., M): the layer is applied at every position of the leading axes, with the same weights.
    """

    input: Shape
    out_features: int
    kind = "linear"

    @property
    def output(self) -> Shape:
        return (*self.input[:-1], self.out_features)

    @property
    def fan_in(self) -> int:
        return self.input[-1]

    @property
    def weights(self) -> int:
        return self.input[-1] * self.out_features

    @property
    def biases(self) -> int:
        return self.out_features

    @property
    def label(self) -> str:
        return f"linear {self.input[-1]} -> {self.out_features}"


@dataclass(frozen=True)
class Convolution(Formula):
    """M -> N channels, K x K kernel: W H N units, W H K^2 M N connections, K^2 M N weights (lecture 7).

    `input` is (batch, M, *size), in one, two or three dimensions. Stride, dilation and padding decide the
    W x H of the output only. With g groups (a depthwise convolution has M of them) a unit sees M / g channels:
    fan_in is K^2 M / g.
    `after` is the padding on the far side where it differs (padding="same" with an even kernel).
    """

    input: Shape
    out_channels: int
    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int
    after: Shape | None = None
    kind = "conv"

    @cached_property
    def output(self) -> Shape:
        axes = zip(self.input[2:], self.kernel, self.stride, self.padding, self.after or self.padding, self.dilation)
        return (self.input[0], self.out_channels, *(window_count(*axis) for axis in axes))

    @property
    def fan_in(self) -> int:
        return prod(self.kernel) * self.input[1] // self.groups

    @property
    def padding_connections(self) -> int:
        axes = zip(self.output[2:], self.kernel, self.stride, self.padding, self.dilation, self.input[2:])
        inside = prod(taps_inside(*axis) for axis in axes)
        return self.connections - self.input[0] * self.out_channels * self.input[1] // self.groups * inside

    @property
    def weights(self) -> int:
        return self.fan_in * self.out_channels

    @property
    def biases(self) -> int:
        return self.out_channels

    @property
    def label(self) -> str:
        return _convolution_label("conv", self)

    @property
    def hyperparameters(self) -> dict[str, object]:
        return _convolution_hyperparameters(self) | ({"padding_after": list(self.after)} if self.after else {})


@dataclass(frozen=True)
class DeformableConvolution(Convolution):
    """A convolution whose units look at places that the network computes (Dai et al. 2017): as many connections as a
    plain one. Which of them lead outside of the input hangs on values, so that none is counted as padding. What is
    interpolated between four places is not counted, as in upsampling."""

    @property
    def padding_connections(self) -> int:
        return 0

    @property
    def label(self) -> str:
        return _convolution_label("deformable conv", self)


@dataclass(frozen=True)
class TransposedConvolution(Formula):
    """A convolution from the output to the input, run backwards: each *input* element is connected to
    K^2 N / g outputs (Dumoulin and Visin 2016, section 4).

    Those that fall outside of the output, where padding crops it, are its connections to padding. Fan-in
    differs from unit to unit unless the stride divides the kernel evenly: it is the mean, if that is whole.
    """

    input: Shape
    out_channels: int
    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int
    output_padding: Shape
    kind = "conv_transpose"

    @property
    def output(self) -> Shape:
        axes = zip(self.input[2:], self.kernel, self.stride, self.padding, self.dilation, self.output_padding)
        return (self.input[0], self.out_channels, *(transposed_count(*axis) for axis in axes))

    @property
    def fan_in(self) -> int | None:
        mean, rest = divmod(self.connections, self.units)
        return None if rest else mean

    @property
    def connections(self) -> int:
        return prod(self.input) * prod(self.kernel) * self.out_channels // self.groups

    @property
    def padding_connections(self) -> int:
        axes = zip(self.input[2:], self.kernel, self.stride, self.padding, self.dilation, self.output[2:])
        inside = prod(taps_inside(*axis) for axis in axes)
        return self.connections - self.input[0] * self.input[1] * self.out_channels // self.groups * inside

    @property
    def weights(self) -> int:
        return prod(self.kernel) * self.input[1] * self.out_channels // self.groups

    @property
    def biases(self) -> int:
        return self.out_channels

    @property
    def label(self) -> str:
        return _convolution_label("transposed conv", self)

    @property
    def hyperparameters(self) -> dict[str, object]:
        return _convolution_hyperparameters(self) | {"output_padding": list(self.output_padding)}


@dataclass(frozen=True)
class Pooling(Formula):
    """A window of K x K elements for each output, channel by channel: a connection to each of them.

    Counted on request only (`--pooling`). An adaptive pool has no kernel: its windows share the input
    among the `outputs` of each axis, and may overlap (`outputs` is then given, the rest is empty).
    """

    input: Shape
    kernel: Shape = ()
    stride: Shape = ()
    padding: Shape = ()
    dilation: Shape = ()
    ceil: bool = False
    outputs: Shape = ()
    kind = "pooling"

    @property
    def _spatial(self) -> Shape:
        return self.input[len(self.input) - len(self.kernel or self.outputs) :]

    @property
    def output(self) -> Shape:
        leading = self.input[: len(self.input) - len(self._spatial)]
        if self.outputs:
            return (*leading, *self.outputs)
        axes = zip(self._spatial, self.kernel, self.stride, self.padding, self.dilation)
        if self.ceil:
            return (*leading, *(window_count_ceil(*axis) for axis in axes))
        return (*leading, *(window_count(n, k, s, p, p, d) for n, k, s, p, d in axes))

    @property
    def fan_in(self) -> int | None:
        if self.kernel:
            return prod(self.kernel)
        mean, rest = divmod(self.connections, self.units)
        return None if rest else mean

    @property
    def connections(self) -> int:
        if self.kernel:
            return self.units * prod(self.kernel)
        return self._planes * prod(adaptive_taps(n, o) for n, o in zip(self._spatial, self.outputs))

    @property
    def _planes(self) -> int:
        return prod(self.input[: len(self.input) - len(self._spatial)])

    @property
    def padding_connections(self) -> int:
        """Elements of windows that lie in the padding or, rounded up, beyond it."""
        if not self.kernel:
            return 0
        sizes = self.output[len(self.output) - len(self.kernel) :]
        axes = zip(sizes, self.kernel, self.stride, self.padding, self.dilation, self._spatial)
        return self.connections - self._planes * prod(taps_inside(*axis) for axis in axes)

    @property
    def label(self) -> str:
        if self.outputs:
            return "global pool" if prod(self.outputs) == 1 else f"adaptive pool to {by(self.outputs)}"
        return f"pool {by(self.kernel)}" + (f" /{_short(self.stride)}" if set(self.stride) != {1} else "")

    @property
    def hyperparameters(self) -> dict[str, object]:
        names = ("kernel", "stride", "padding", "dilation") if self.kernel else ()
        return {name: list(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class FractionalPooling(Formula):
    """Windows of K x K elements as in Pooling, whose places are drawn at random so that any number of `outputs` comes
    out of each axis (Graham 2014). All lie inside of the input: nothing is padded."""

    input: Shape
    kernel: Shape
    outputs: Shape
    kind = "pooling"

    @property
    def output(self) -> Shape:
        return (*self.input[: len(self.input) - len(self.kernel)], *self.outputs)

    @property
    def fan_in(self) -> int:
        return prod(self.kernel)

    @property
    def label(self) -> str:
        return f"fractional pool {by(self.kernel)} to {by(self.outputs)}"

    @property
    def hyperparameters(self) -> dict[str, object]:
        return {"kernel": list(self.kernel)}


@dataclass(frozen=True)
class Recurrent(Formula):
    """One layer and direction of a recurrent network: at every step each of H hidden values has `gates`
    units (LSTM 4, GRU 3, plain 1), all connected to the I inputs and to the previous state.

    `steps` is the shape of the steps, as (length, batch). `state` is H, or the size that H is projected
    to. A step has gates * H units with fan-in I + state (Hochreiter and Schmidhuber 1997; Cho et al. 2014).
    """

    steps: Shape
    input_size: int
    hidden_size: int
    state: int
    gates: int
    cell: str = field(default="rnn")
    kind = "recurrent"

    @property
    def output(self) -> Shape:
        return (*self.steps, self.state)

    @property
    def units(self) -> int:
        return prod(self.steps) * self.gates * self.hidden_size

    @property
    def fan_in(self) -> int:
        return self.input_size + self.state

    @property
    def weights(self) -> int:
        return self.gates * self.hidden_size * self.fan_in

    @property
    def biases(self) -> int:
        return self.biases_per_unit * self.gates * self.hidden_size

    @property
    def biases_per_unit(self) -> int:
        """torch keeps one beside each of the two products."""
        return 2

    @property
    def label(self) -> str:
        return f"{self.cell} {self.input_size} -> {self.hidden_size}"


@dataclass(frozen=True)
class Embedding(Formula):
    """A table of V vectors of D numbers. A lookup multiplies nothing: fan-in 0, no connections, and so no
    units of its own; the table is weights, V D of them."""

    input: Shape
    entries: int
    features: int
    summed: bool = False  # an EmbeddingBag adds up the last axis of its input
    kind = "embedding"

    @property
    def output(self) -> Shape:
        return (*(self.input[:-1] if self.summed else self.input), self.features)

    @property
    def units(self) -> int:
        return 0

    @property
    def fan_in(self) -> int:
        return 0

    @property
    def weights(self) -> int:
        return self.entries * self.features

    @property
    def label(self) -> str:
        return f"embedding {self.entries} x {self.features}"


def by(sizes: Shape) -> str:
    """(3, 224, 224) as 3x224x224."""
    return "x".join(str(n) for n in sizes)


def _short(sizes: Shape) -> str:
    """(2, 2) as 2, (1, 2) as 1x2."""
    return str(sizes[0]) if len(set(sizes)) == 1 else by(sizes)


def _convolution_label(name: str, conv: Convolution | TransposedConvolution) -> str:
    text = f"{name} {by(conv.kernel)}"
    text += f" /{_short(conv.stride)}" if set(conv.stride) != {1} else ""
    text += f", {conv.input[1]} -> {conv.out_channels}"
    text += f", {conv.groups} groups" if conv.groups > 1 else ""
    return text + (f", dilation {_short(conv.dilation)}" if set(conv.dilation) != {1} else "")


def _convolution_hyperparameters(conv: Convolution | TransposedConvolution) -> dict[str, object]:
    names = ("kernel", "stride", "padding", "dilation")
    return {name: list(getattr(conv, name)) for name in names} | {"groups": conv.groups}
