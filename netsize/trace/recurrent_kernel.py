"""Recurrent layers in one kernel, which shows no products: scripted and traced networks, by oneDNN and by cuDNN."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from math import prod
from typing import Any

import torch

from netsize.facts.network import Execution
from netsize.lecture.formulas import Recurrent
from netsize.lecture.products import Product
from netsize.trace import ones
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.operations import Given, Operation, Weighted, is_read, named, read, reads

aten = torch.ops.aten
_CELLS = (("rnn_relu", 1), ("rnn_tanh", 1), ("lstm", 4), ("gru", 3))  # as both libraries number them; gates


@reads(aten.mkldnn_rnn_layer)
def recurrent_layer(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """One layer and direction."""
    input = given["input"]
    own = [given[f"weight{index}"] for index in range(4 if given["has_biases"] else 2)]
    return _layer(given, input, input.shape[-1], own, output[0], weighted)


@reads(aten._cudnn_rnn)
def recurrent_layers(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """All layers and directions, and their projections, as parts of one operation. `weight` holds W_ih, W_hh, their
    biases and W_hr of each, as far as it has them; what the inner layers put out is not shown."""
    input, each, parameters = given["input"], given["weight_stride0"], given["weight"]
    side_by_side = (2 if given["bidirectional"] else 1) * each
    state = given["proj_size"] or given["hidden_size"]
    parts: list[Operation] = []
    for index in range(0, len(parameters), each):
        below = parameters[: index // side_by_side * side_by_side]
        trained = next((tensor for tensor in (input, *below) if tensor.requires_grad), input)
        size = side_by_side // each * state if below else input.shape[-1]
        own, made = parameters[index : index + each], torch.empty((*input.shape[:-1], state), device="meta")
        layer = _layer(given, input, size, own, made, weighted, trained)
        parts += [layer, *([_projection(layer, own[-1])] if given["proj_size"] else [])]
    parts[0].parts, parts[0].deep = tuple(parts[1:]), given["num_layers"]
    return parts[0]


def _layer(
    given: Given,
    input: torch.Tensor,
    size: int,
    own: list[torch.Tensor],
    output: torch.Tensor,
    weighted: Weighted,
    trained: torch.Tensor | None = None,
) -> Operation:
    """`size`: features of its own input; `trained`: a tensor that needs a gradient if that input does."""
    cell, gates = _CELLS[given["mode"]]
    formula = Recurrent(
        tuple(input.shape[:-1]), size, given["hidden_size"], output.shape[-1], gates, cell.partition("_")[0]
    )
    run = partial(_on_ones, cell, formula, input.device, weighted)
    bias, state_bias = own[2:4] if len(own) >= 4 else (None, None)
    factors = (input if trained is None else trained, *own[:2])
    inside = torch.empty((*input.shape[:-1], size), device="meta")
    return Operation(formula, inside, output, run, own[:2], bias, factors, state_bias)


def _projection(layer: Operation, weight: torch.Tensor) -> Operation:
    """Of what a layer has hidden to its smaller state, behind each step."""
    formula = layer.formula
    assert isinstance(formula, Recurrent)
    product = Product((), prod(formula.steps), formula.hidden_size, formula.state, "right", "recurrent")
    hidden = weight.new_empty(prod(formula.steps), formula.hidden_size)
    run = partial(ones.product, aten.mm.default, (hidden, weight.t()), None, formula.hidden_size)
    made = torch.empty(product.output, device="meta")
    return Operation(product, hidden, made, run, [weight], factors=(layer.factors[1], weight))


def _on_ones(cell: str, formula: Recurrent, device: torch.device, weighted: Weighted) -> Execution:
    """Gates bend what is summed: the layer is taken apart, as torch executes it without these libraries, and each of
    its products is run on ones. A projection stands beside it, as a product of its own."""
    hidden, state = formula.hidden_size, formula.state
    length, batch = formula.steps if len(formula.steps) == 2 else (prod(formula.steps), 1)
    input = torch.zeros(length, batch, formula.input_size, device=device)
    first = torch.zeros(1, batch, state, device=device)
    weights = [torch.zeros(formula.gates * hidden, n, device=device) for n in (formula.input_size, state)]
    projection = [torch.zeros(state, hidden, device=device)] if state != hidden else []
    states = (first, torch.zeros(1, batch, hidden, device=device)) if cell == "lstm" else first
    with ExitStack() as stack:
        for context in (
            torch._C.DisableTorchFunction(),
            torch.backends.mkldnn.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            torch.no_grad(),
        ):
            stack.enter_context(context)
        products: _Products = stack.enter_context(_Products(weighted, projection))
        getattr(torch._VF, cell)(input, states, [*weights, *projection], False, 1, 0.0, False, False, False)
    return products.executed()


class _Products(DispatchMode):
    """Inside, every product is run on ones, each kind once; but for those with a matrix of `without`."""

    def __init__(self, weighted: Weighted, without: list[torch.Tensor]) -> None:
        super().__init__()
        self._weighted = weighted
        self._without = {matrix.untyped_storage()._cdata for matrix in without}
        self._counts: Counter[Any] = Counter()
        self._runs: dict[Any, Callable[[], Execution]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not is_read(func) and func._can_decompose():  # an operation's own kernel calls it whole
            with self:
                return func.decompose(*args, **(kwargs or {}))
        output = func(*args, **(kwargs or {}))
        operation = read(func, named(func, args, kwargs or {}), output, self._weighted) if is_read(func) else None
        if operation is not None and not self._without & {f.untyped_storage()._cdata for f in operation.factors}:
            key = (func, operation.formula)
            self._counts[key] += 1
            self._runs.setdefault(key, operation.run_on_ones)
        return output

    def executed(self) -> Execution:
        runs = [(self._runs[key](), times) for key, times in self._counts.items()]
        return Execution(sum(run.connections * n for run, n in runs), sum(run.inside * n for run, n in runs))
