"""A layer's counts, derived step by step: the formulas with the layer's numbers put in, as on a blackboard."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from typing import Any

from netsize.lecture import product_steps
from netsize.lecture.formulas import (
    Convolution,
    DeformableConvolution,
    Embedding,
    Formula,
    FractionalPooling,
    Linear,
    Pooling,
    Recurrent,
    Shape,
    TransposedConvolution,
    by,
)
from netsize.lecture.products import Bilinear, Custom, GroupedProduct, Outer, Product, SparseProduct
from netsize.lecture.steps import Step, connections, multiplied, remark, times
from netsize.lecture.windows import adaptive_taps, taps_inside

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def derive(formula: Formula) -> list[Step]:
    """All steps from the hyperparameters to the counts."""
    return list(_DERIVATIONS[type(formula)](formula))


def _linear(layer: Linear) -> Iterator[Step]:
    places = [n for n in layer.input[:-1] if n > 1]
    inputs, outputs = layer.input[-1], layer.out_features
    yield Step("fan_in", "M", "", inputs)
    if prod(places) > 1:
        yield Step("units", "places * N", times(multiplied(places), outputs), layer.units)
    else:
        yield Step("units", "N", "", layer.units)
    yield connections(layer)
    yield Step("weights", "M N", times(inputs, outputs), layer.weights)
    yield Step("biases", "N", "", layer.biases)
    if prod(places) > 1:
        yield remark(f"the same weights are used at each of {prod(places):,} places")
    else:
        yield remark("every input is connected to every unit, and no weight is used twice")


def _convolution(layer: Convolution) -> Iterator[Step]:
    channels, outputs, places = layer.input[1], layer.out_channels, layer.output[2:]
    after = layer.after or layer.padding
    sizes = zip(layer.input[2:], layer.kernel, layer.stride, layer.padding, after, layer.dilation, places)
    yield from _output_sizes(list(sizes))
    yield Step("output", "N x places", "", by((outputs, *places)))
    yield _fan_in(layer)
    yield Step("units", "places * N", times(multiplied(places), outputs), layer.units)
    yield connections(layer)
    yield Step("weights", "fan_in * N", times(layer.fan_in, outputs), layer.weights)
    yield Step("biases", "N", "", layer.biases)
    yield from _padding(layer, channels)
    yield from _changes(layer)


def _deformable(layer: DeformableConvolution) -> Iterator[Step]:
    yield from _convolution(layer)
    yield remark("its places are moved by what the network computes; that they are interpolated is not counted")


def _fan_in(layer: Convolution) -> Step:
    kernel = multiplied(layer.kernel)
    formula = f"{_power(layer.kernel)} M" + (" / groups" if layer.groups > 1 else "")
    groups = f" / {layer.groups:,}" if layer.groups > 1 else ""
    return Step("fan_in", formula, f"{times(kernel, layer.input[1])}{groups}", layer.fan_in)


def _power(kernel: Shape) -> str:
    """K^2 of a square kernel, else its sides by their letters."""
    if len(set(kernel)) == 1:
        return f"K^{len(kernel)}" if len(kernel) > 1 else "K"
    return " ".join(("Kd", "Kh", "Kw")[3 - len(kernel) :])


def _output_sizes(axes: list[tuple[int, ...]]) -> Iterator[Step]:
    """floor((size + padding - reach) / stride) + 1, once where all axes are alike."""
    names = AXES[len(axes)]
    alike, before_this = len(set(axes)) == 1 and len(axes) > 1, (0, 0)
    for name, (size, kernel, stride, before, after, dilation, count) in zip(names, axes[:1] if alike else axes):
        reach = dilation * (kernel - 1) + 1
        if dilation > 1 and (dilation, kernel) != before_this:
            yield Step("reach", "dilation (K - 1) + 1", f"{dilation} * {kernel - 1} + 1", reach)
        before_this = (dilation, kernel)
        padding = f"2*{before}" if before == after else f"{before} + {after}"
        numerator = f"{size:,} + {padding} - {reach}" if before or after else f"{size:,} - {reach}"
        symbols = "size + 2 padding - K" if dilation == 1 else "size + 2 padding - reach"
        total, rest = size + before + after - reach, (size + before + after - reach) % stride
        floor = "floor" if stride > 1 else ""
        formula = f"floor(({symbols}) / stride) + 1"
        numbers = f"{floor}(({numerator}) / {stride}) + 1" if floor else f"({numerator}) + 1"
        yield Step(" and ".join(names) if alike else name, formula, numbers, count)
        if rest:
            yield remark(f"{total:,} / {stride} = {total / stride:,.2f} is floored: {_left_over(rest, after)}")


def _left_over(rest: int, after: int) -> str:
    """What no window reaches at the far end: padding first, then the input."""
    part = "padding" if rest <= after else "padded input" if after else "input"
    elements = "element" if rest == 1 else f"{rest} elements"
    return f"the last {elements} of the {part} {'is' if rest == 1 else 'are'} in no window"


def _padding(layer: Convolution, channels: int) -> Iterator[Step]:
    if not layer.padding_connections:
        return
    pairs = [taps_inside(*axis) for axis in zip(layer.output[2:], layer.kernel, layer.stride, layer.padding,
                                                layer.dilation, layer.input[2:])]  # fmt: skip
    yield Step(
        "to padding",
        "connections - N M (pairs inside)" if layer.groups == 1 else "connections - N M / groups (pairs inside)",
        f"{layer.connections:,} - {times(layer.out_channels, channels // layer.groups, multiplied(pairs))}",
        layer.padding_connections,
    )
    share = layer.padding_connections / layer.connections
    windows = dict.fromkeys(zip(pairs, layer.output[2:], layer.kernel))
    inside = " and ".join(f"{pair:,} of {count:,}*{kernel}" for pair, count, kernel in windows)
    yield remark(
        f"along an axis, {inside} pairs of an output and a tap lie inside the input; {share:.1%} of the connections "
        "lead to zeros, and are counted"
    )


def _changes(layer: Convolution) -> Iterator[Step]:
    """What differs from the lecture's plain formula: stride 1, padding (K - 1) / 2, no dilation, one group."""
    same = tuple((k - 1) // 2 for k in layer.kernel)
    ones = (1,) * len(layer.kernel)
    plain = replace(layer, stride=ones, padding=same, dilation=ones, groups=1, after=None)
    if plain == layer:
        plainly = "W H K^2 M N" if len(layer.kernel) == 2 else f"places * {_power(layer.kernel)} M N"
        yield remark(f"stride 1, padding (K - 1) / 2: the lecture's plain formula, {plainly}, holds as it is")
        return
    rounded = ", rounded down," if any(k % 2 == 0 for k in layer.kernel) else ""
    yield remark(
        f"the lecture's plain formula (stride 1, padding (K - 1) / 2{rounded} = {_sizes(same)}, one group) would give "
        f"{by(plain.output[1:])}: {plain.units:,} units, {plain.connections:,} connections, {plain.weights:,} weights"
    )
    usual: dict[str, Any] = {"stride": ones, "padding": same, "dilation": ones, "groups": 1}
    for name, plain_value in usual.items():
        value = getattr(layer, name)
        if value == plain_value:
            continue
        without = replace(layer, after=None if name == "padding" else layer.after, **{name: plain_value})
        instead = f"a padding of {_sizes(plain_value)} would give" if name == "padding" else "without it"
        yield remark(f"{name} {_sizes(value)}: {instead} {_effect(layer, without)}")
    if layer.after:
        yield remark(f'padding "same": {_sizes(layer.padding)} before and {_sizes(layer.after)} behind keep the size')


def _effect(layer: Convolution, without: Convolution) -> str:
    """How many times as much the other layer would have."""
    if min(without.output) < 1:
        return "nothing would come out"
    ratios = {q: getattr(without, q) / getattr(layer, q) for q in ("units", "connections", "weights")}
    told = [f"{ratio:,.3g} times the {quantity}" for quantity, ratio in ratios.items() if ratio != 1]
    size = f"{by(without.output[2:])} places" if without.output != layer.output else "as many places"
    return size + (f", {', '.join(told)}" if told else ", and the same counts")


def _sizes(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return str(value[0]) if len(set(value)) == 1 else by(value)


def _transposed(layer: TransposedConvolution) -> Iterator[Step]:
    names, places = AXES[len(layer.kernel)], layer.output[2:]
    axes = list(
        zip(layer.input[2:], layer.kernel, layer.stride, layer.padding, layer.dilation, layer.output_padding, places)
    )
    alike = len(set(axes)) == 1 and len(axes) > 1
    for name, (size, kernel, stride, padding, dilation, extra, count) in zip(names, axes[:1] if alike else axes):
        yield Step(
            " and ".join(names) if alike else name,
            "(size - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1",
            f"{size - 1:,}*{stride} - 2*{padding} + {dilation}*{kernel - 1} + {extra} + 1",
            count,
        )
    yield Step("output", "N x places", "", by((layer.out_channels, *places)))
    yield Step("units", "places * N", times(multiplied(places), layer.out_channels), layer.units)
    groups = f" / {layer.groups}" if layer.groups > 1 else ""
    elements = times(multiplied(layer.input[2:]), layer.input[1])
    yield Step(
        "connections",
        f"inputs * {_power(layer.kernel)} N" + (" / groups" if groups else ""),
        f"{elements} * {times(multiplied(layer.kernel), layer.out_channels)}{groups}",
        layer.connections,
    )
    fan_in = layer.fan_in if layer.fan_in is not None else f"{layer.connections / layer.units:.4g}"
    yield Step("fan_in", "connections / units", "", fan_in)
    if layer.fan_in is None:
        yield remark("a mean: the stride does not divide the kernel, so that units have more inputs or fewer")
    yield Step(
        "weights",
        f"{_power(layer.kernel)} M N" + (" / groups" if groups else ""),
        f"{times(multiplied(layer.kernel), layer.input[1], layer.out_channels)}{groups}",
        layer.weights,
    )
    yield Step("biases", "N", "", layer.biases)
    if layer.padding_connections:
        yield Step("cropped", "connections that padding cuts off", "", layer.padding_connections)
    yield remark("a convolution backwards: each input is connected to a window of outputs, which overlap")


def _pooling(layer: Pooling) -> Iterator[Step]:
    axes = len(layer.kernel or layer.outputs)
    planes, places = layer.output[: len(layer.output) - axes], layer.output[len(layer.output) - axes :]
    inputs = layer.input[len(layer.input) - axes :]
    if layer.kernel and not layer.ceil:
        padding = layer.padding
        yield from _output_sizes(
            list(zip(inputs, layer.kernel, layer.stride, padding, padding, layer.dilation, places))
        )
    elif layer.kernel:
        for name, size, kernel, stride, pad, count in zip(
            AXES[axes], inputs, layer.kernel, layer.stride, layer.padding, places
        ):
            numbers = f"ceil(({size:,} + 2*{pad} - {kernel}) / {stride}) + 1"
            yield Step(name, "ceil((size + 2 padding - K) / stride) + 1", numbers, count)
        yield remark("rounded up (ceil_mode), without windows that would begin beyond the input")
    yield Step("output", "N x places", "", by((*planes[1:], *places)))
    yield Step("units", "places * N", times(multiplied(places), *planes[1:]), layer.units)
    if layer.kernel:
        yield Step("fan_in", _power(layer.kernel), multiplied(layer.kernel), prod(layer.kernel))
        yield Step("connections", "units * fan_in", times(layer.units, prod(layer.kernel)), layer.connections)
    else:
        taps = [adaptive_taps(n, o) for n, o in zip(inputs, layer.outputs)]
        yield Step(
            "connections",
            "N (pairs of an output and what it sees)",
            times(*planes[1:], multiplied(taps)),
            layer.connections,
        )
        yield remark(f"an adaptive pool shares {by(inputs)} places among {by(layer.outputs)}, whatever their number")
    yield from _no_weights()


def _fractional_pooling(layer: FractionalPooling) -> Iterator[Step]:
    planes, places = layer.input[1 : len(layer.input) - len(layer.outputs)], layer.outputs
    yield Step("output", "N x places", "", by((*planes, *places)))
    yield Step("units", "places * N", times(multiplied(places), *planes), layer.units)
    yield Step("fan_in", _power(layer.kernel), multiplied(layer.kernel), layer.fan_in)
    yield connections(layer)
    yield remark("the windows fall at random, each whole inside of the input")
    yield from _no_weights()


def _no_weights() -> Iterator[Step]:
    yield Step("weights", "", "", 0)
    yield remark("not counted, unless --pooling asks for it: a pool chooses or averages units, and has no weights")


def _recurrent(layer: Recurrent) -> Iterator[Step]:
    steps = prod(layer.steps)
    state = "" if layer.state == layer.hidden_size else f" (the state is projected to {layer.state})"
    yield Step("fan_in", "I + H", f"{layer.input_size:,} + {layer.state:,}", layer.fan_in)
    units = times(steps, layer.gates, layer.hidden_size)
    yield Step("units", "steps * gates * H", units, layer.units)
    yield connections(layer)
    yield Step("weights", "gates * H (I + H)", times(layer.gates, layer.hidden_size, layer.fan_in), layer.weights)
    yield Step("biases", "2 gates * H", times(2, layer.gates, layer.hidden_size), layer.biases)
    yield remark(f"{layer.cell} has {layer.gates} gates a step{state}; all steps use the same weights")


def _embedding(layer: Embedding) -> Iterator[Step]:
    yield Step("weights", "entries * features", times(layer.entries, layer.features), layer.weights)
    yield Step("connections", "", "", 0)
    yield remark("a lookup multiplies nothing: fan_in 0, no connections, no units of its own")


_DERIVATIONS: dict[type, Callable[[Any], Iterator[Step]]] = {
    Linear: _linear,
    Bilinear: product_steps.bilinear,
    Product: product_steps.matmul,
    SparseProduct: product_steps.sparse,
    GroupedProduct: product_steps.grouped,
    Outer: product_steps.outer,
    Custom: product_steps.custom,
    Convolution: _convolution,
    DeformableConvolution: _deformable,
    TransposedConvolution: _transposed,
    Pooling: _pooling,
    FractionalPooling: _fractional_pooling,
    Recurrent: _recurrent,
    Embedding: _embedding,
}
FORMULAS = tuple(_DERIVATIONS)
