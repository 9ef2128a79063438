"""Functions that torch takes apart before it executes them, where the whole says more than its parts.

Attention: its two products are told from other products. Recurrent networks: the products of all steps make
one layer. A convolution with padding="same" and an even kernel: its input is padded by a copy first. Local
response normalisation: its pool is none of the network's.
"""

import contextlib
from collections import Counter
from dataclasses import replace
from itertools import chain
from math import prod
from typing import Any

import torch
import torch.nn.functional as F

from netsize.facts.network import Call, Execution
from netsize.lecture.formulas import Recurrent, Shape
from netsize.lecture.products import Product
from netsize.trace.attention import fused, is_long
from netsize.trace.dispatch import Tracer, memory_of
from netsize.trace.drafts import Draft
from netsize.trace.higher_order import Bodies
from netsize.trace.operations import tensors
from netsize.trace.origins import Origin

_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
_CELLS = {f"{name}_cell": gates for name, gates in _GATES.items()}
_ATTENTION = {"scaled_dot_product_attention", "flex_attention"}
_CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
_TRANSPOSED = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}
_WHOLES = {*_GATES, *_CELLS, *_ATTENTION, *_CONVOLUTIONS, *_TRANSPOSED, "multi_head_attention_forward",
           "local_response_norm", "einsum"}  # fmt: skip


class Composites(Bodies):
    """Tells the tracer which of these functions is being executed."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self.tracer = tracer
        self._turn = tracer.threads.turn

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with self._turn:
            if (name := getattr(func, "__name__", "")) in _WHOLES:
                return self._taken_apart(name, func, args, kwargs or {})
            return self.executed(func, args, kwargs or {})

    def _taken_apart(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        if name in _ATTENTION or func is F.multi_head_attention_forward:
            return self._attention(func, args, kwargs)
        if func is F.local_response_norm:
            return self._normalisation(func, args, kwargs)
        if name in _CONVOLUTIONS and any(
            isinstance(value, str) and value == "same" for value in (*args, *kwargs.values())
        ):
            return self._same_padding(func, args, kwargs)
        if name in _CONVOLUTIONS or name in _TRANSPOSED:
            if any(tensor.is_complex() for tensor in tensors(args)):
                return self._complex(func, args, kwargs)
            return self.executed(func, args, kwargs)
        if name == "einsum" and _contracts_ones(args):
            return self._einsum(func, args, kwargs)
        if name in _GATES or name in _CELLS:
            return self._recurrent(func, name, args, kwargs)
        return self.executed(func, args, kwargs)

    def _attention(self, func: Any, args: Any, kwargs: Any) -> Any:
        outside, self.tracer.in_attention = self.tracer.in_attention, True
        try:
            if is_long(func, args, kwargs):
                return fused(self.tracer.origins.tensors, func, args, kwargs)
            return self.executed(func, args, kwargs)
        finally:
            self.tracer.in_attention = outside

    def _normalisation(self, func: Any, args: Any, kwargs: Any) -> Any:
        """torch computes it by a pool, which is none of the network's."""
        mark = len(self.tracer.drafts)
        with self.tracer.flow.whole():
            output = func(*args, **kwargs)
        self.tracer.take_since(mark)
        self.tracer.flow.went_through(tensors(args), tensors(output), ())
        return output

    def _same_padding(self, func: Any, args: Any, kwargs: Any) -> Any:
        input = args[0] if args else kwargs["input"]
        axes = int(func.__name__[len("conv")])
        batch = () if input.dim() == axes + 2 else (1,)
        self.tracer.unpadded = (*batch, *input.shape)
        try:
            return func(*args, **kwargs)
        finally:
            self.tracer.unpadded = None

    def _einsum(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Torch executes it pointwise, where it looks like any other arithmetic."""
        outside, self.tracer.multiplies = self.tracer.multiplies, True
        try:
            return func(*args, **kwargs)
        finally:
            self.tracer.multiplies = outside

    def _complex(self, func: Any, args: Any, kwargs: Any) -> Any:
        """torch computes it by three real ones; a product of two complex numbers is one connection."""
        mark = len(self.tracer.drafts)
        with self.tracer.flow.whole():
            output = func(*args, **kwargs)
        parts = self.tracer.take_since(mark)
        weight, bias = (args + (None,))[1] if len(args) > 1 else kwargs["weight"], None
        bias = args[2] if len(args) > 2 else kwargs.get("bias")
        biases = self._origins([bias] if bias is not None else [])
        call = replace(
            parts[0].call,
            elements=weight.numel(),
            bias_elements=bias.numel() if biases and bias is not None else 0,
            output=tuple(output.shape),
        )
        trained = [product for part in parts for product in part.trained]
        seen = self.tracer.places.of(output) or parts[0].seen
        operands = self._origins([weight])
        draft = replace(parts[0], call=call, operands=operands, biases=biases, seen=seen, trained=trained)
        self.tracer.add(draft)
        self.tracer.flow.went_through(tensors((args, kwargs)), tensors(output), [[[draft]]])
        return output

    def _recurrent(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Without oneDNN and cuDNN torch executes the products one by one, where they can be seen; where there are only
        shapes, and nothing goes backward, there is nothing to see, and the shapes of what comes out are known."""
        mark, steps = len(self.tracer.drafts), len(self.tracer.steps)
        depth = max((seen.depth for seen in map(self.tracer.places.of, tensors((args, kwargs))) if seen), default=0)
        with contextlib.ExitStack() as stack:
            self.tracer.places.paused = True
            stack.callback(setattr, self.tracer.places, "paused", False)
            stack.enter_context(self.tracer.flow.whole())
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
            if torch.backends.cudnn.is_available():
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            output = self._shapes(name, args) if self.tracer.shapes_only else None
            output = func(*args, **kwargs) if output is None else output
        parts = self.tracer.take_since(mark)
        del self.tracer.steps[steps:]  # gates and states of every step
        layers = _cell(name, args, output) if name in _CELLS else _layers(name, args, output)
        products = _Products(parts, layers)
        made = [self._whole(name, layer, products) for layer in layers]
        for draft in chain.from_iterable(made):
            self.tracer.add(draft)
        side = len(made) // _deep(name, args)
        stages = [made[first : first + side] for first in range(0, len(made), side)]
        self.tracer.flow.went_through(tensors((args, kwargs)), tensors(output), stages)
        self.tracer.places.whole(tensors(output), depth + _deep(name, args))
        return output

    def _shapes(self, name: str, args: Any) -> Any:
        """What a recurrent network puts out, without its steps: the last layer's states, and the state behind the last
        step, which is as large as the first one. None for one whose input does not fit: torch says what is wrong."""
        if name in _CELLS:
            return None
        layers = _layers(name, args, (args[0],))
        if any(layer.formula.input_size != layer.parameters[0].shape[1] for layer in layers):
            return None
        packed = isinstance(args[3], (list, tuple))
        first = args[2] if packed else args[1]
        states = tuple(state.new_empty(state.shape) for state in (first if name == "lstm" else [first]))
        directions = 2 if args[7 + packed] else 1
        self.tracer.origins.touch([parameter for layer in layers for parameter in layer.parameters])
        return (args[0].new_empty((*args[0].shape[:-1], directions * layers[-1].formula.state)), *states)

    def _whole(self, name: str, layer: "_Layer", products: "_Products") -> list[Draft]:
        """One layer and direction, and its projection, from the products that were executed for it."""
        formula, (input_weight, state_weight, *more) = layer.formula, layer.parameters
        biases = more[:2] if len(more) >= 2 else []
        parts = [product for weight in (input_weight, state_weight) for product in products.next_with(weight)]
        drafts = [self._draft(name, layer.output, formula, [input_weight, state_weight], biases, parts)]
        if len(more) % 2:  # W_hr, of proj_size
            parts = products.next_with(more[-1])
            rows = sum(draft.call.output[0] for draft in parts) or prod(formula.steps)
            product = Product((), prod(formula.steps), formula.hidden_size, formula.state, "right", "recurrent")
            drafts.append(self._draft(name, (rows, formula.state), product, more[-1:], [], parts))
        return drafts

    def _draft(
        self,
        name: str,
        output: Shape,
        formula: Recurrent | Product,
        weights: list[torch.Tensor],
        biases: list[torch.Tensor],
        made: list[Draft],
    ) -> Draft:
        flops = [part.call.flops for part in made if part.call.flops is not None]
        executed = [part.call.executed for part in made if part.call.executed is not None]
        inside = formula.input_size if isinstance(formula, Recurrent) else formula.inner
        frame = self.tracer.frames[-1]
        call = Call(
            path=frame.path,
            call=0,
            type=frame.type,
            kind="recurrent",
            operation=f"torch.{name}",
            formula=formula,
            input=(*output[:-1], inside),
            output=output,
            elements=sum(weight.numel() for weight in weights),
            bias_elements=sum(bias.numel() for bias in biases),
            executed=_sum(executed) if made and len(executed) == len(made) else None,
            flops=sum(flops) if made and len(flops) == len(made) else None,
        )
        trained = [product for part in made for product in part.trained]
        return Draft(call, self._origins(weights), self._origins(biases), trained=trained)

    def _origins(self, tensors: list[torch.Tensor]) -> list[Origin]:
        return [origin for origin in map(self.tracer.origins.of, tensors) if origin is not None]


def _contracts_ones(args: Any) -> bool:
    """Whether an einsum sums over axes of length 1 only, of two operands."""
    if len(args) < 2 or not isinstance(args[0], str) or "->" not in args[0] or "." in args[0]:
        return False
    operands = args[1] if len(args) == 2 and isinstance(args[1], (list, tuple)) else args[1:]
    left, _, result = args[0].replace(" ", "").partition("->")
    labels = left.split(",")
    if len(labels) != 2 or any(len(names) != tensor.dim() for names, tensor in zip(labels, operands)):
        return False
    shared = set(labels[0]) & set(labels[1]) - set(result)
    sizes = {name: n for names, tensor in zip(labels, operands) for name, n in zip(names, tensor.shape)}
    return bool(shared) and all(sizes[name] == 1 for name in shared)


class _Products:
    """The products that were executed for all layers and directions, by the matrix that they multiply by. A matrix that
    several of them share (tied weights) was used by one after the other, equally often."""

    def __init__(self, parts: list[Draft], layers: "list[_Layer]") -> None:
        self._left: dict[Any, list[Draft]] = {}
        for part in parts:
            for factor in part.factors:
                self._left.setdefault(factor, []).append(part)
        self._users = Counter(memory_of(parameter) for layer in layers for parameter in layer.parameters)

    def next_with(self, matrix: torch.Tensor) -> list[Draft]:
        """Those of the next layer that has this matrix."""
        key = memory_of(matrix)
        left = self._left.get(key, [])
        each = len(left) // self._users[key]
        self._users[key] -= 1
        taken, self._left[key] = left[:each], left[each:]
        return taken


class _Layer:
    """Formula, parameters and output of one layer and direction."""

    def __init__(self, formula: Recurrent, parameters: list[torch.Tensor], output: Shape) -> None:
        self.formula, self.parameters, self.output = formula, parameters, output


def _cell(name: str, args: Any, output: Any) -> list[_Layer]:
    """lstm_cell(input, state, W_ih, W_hh, b_ih, b_hh): one step."""
    input, parameters = args[0], [parameter for parameter in args[2:] if parameter is not None]
    state = output[0] if isinstance(output, tuple) else output
    formula = _formula(name.removesuffix("_cell"), tuple(input.shape[:-1]), input.shape[-1], parameters)
    return [_Layer(formula, parameters, tuple(state.shape))]


def _layers(name: str, args: Any, output: Any) -> list[_Layer]:
    """lstm(input, state, parameters, has_biases, layers, dropout, train, bidirectional, batch_first), or, of a
    packed sequence, lstm(data, batch_sizes, state, parameters, ...): `data` has one row for each step."""
    packed = isinstance(args[3], (list, tuple))
    input, parameters, layers = args[0], args[2 + packed], args[4 + packed]
    directions = 2 if args[7 + packed] else 1
    each = len(parameters) // (layers * directions)
    found = []
    for index in range(layers * directions):
        own = list(parameters[index * each : (index + 1) * each])
        size = input.shape[-1] if index < directions else directions * own[1].shape[1]
        formula = _formula(name, tuple(input.shape[:-1]), size, own)
        shape = output[0].shape
        found.append(_Layer(formula, own, (*shape[:-1], shape[-1] // directions)))
    return found


def _deep(name: str, args: Any) -> int:
    """Layers on the way through it."""
    return 1 if name in _CELLS else int(args[4 + isinstance(args[3], (list, tuple))])


def _formula(name: str, steps: Shape, input_size: int, parameters: list[torch.Tensor]) -> Recurrent:
    gates = _GATES[name]
    state_weight = parameters[1]
    cell = name.partition("_")[0]
    return Recurrent(steps, input_size, state_weight.shape[0] // gates, state_weight.shape[1], gates, cell)


def _sum(executed: list[Execution]) -> Execution:
    return Execution(sum(e.connections for e in executed), sum(e.inside for e in executed))
