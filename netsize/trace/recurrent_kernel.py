"""A recurrent layer in one kernel, which shows no products: scripted and traced networks on a CPU (oneDNN)."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch

from netsize.facts.network import Execution
from netsize.lecture.formulas import Recurrent
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.operations import Given, Operation, Weighted, is_read, named, read, reads

_MODES = {2: ("lstm", 4), 3: ("gru", 3)}  # of oneDNN; others are executed product by product


@reads(torch.ops.aten.mkldnn_rnn_layer)
def recurrent_layer(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation | None:
    """One layer and direction."""
    if given["mode"] not in _MODES:
        return None
    input, weights = given["input"], [given["weight0"], given["weight1"]]
    cell, gates = _MODES[given["mode"]]
    hidden = given["hidden_size"]
    formula = Recurrent(tuple(input.shape[:-1]), input.shape[-1], hidden, hidden, gates, cell)
    run = partial(_on_ones, formula, input.device, weighted)
    bias, state_bias = (given["weight2"], given["weight3"]) if given["has_biases"] else (None, None)
    return Operation(formula, input, output[0], run, weights, bias, (input, *weights), state_bias)


def _on_ones(formula: Recurrent, device: torch.device, weighted: Weighted) -> Execution:
    """Gates bend what is summed: the layer is taken apart, as torch executes it without oneDNN, and each of its
    products is run on ones."""
    (length, batch), hidden = formula.steps, formula.hidden_size
    input = torch.zeros(length, batch, formula.input_size, device=device)
    state = torch.zeros(1, batch, hidden, device=device)
    weights = [torch.zeros(formula.gates * hidden, n, device=device) for n in (formula.input_size, hidden)]
    states = (state, state) if formula.cell == "lstm" else state
    function = getattr(torch._VF, formula.cell)
    with ExitStack() as stack:
        for context in (torch._C.DisableTorchFunction(), torch.backends.mkldnn.flags(enabled=False), torch.no_grad()):
            stack.enter_context(context)
        products: _Products = stack.enter_context(_Products(weighted))
        function(input, states, weights, False, 1, 0.0, False, False, False)
    return products.executed()


class _Products(DispatchMode):
    """Inside, every product that is executed is run on ones, each kind once."""

    def __init__(self, weighted: Weighted) -> None:
        super().__init__()
        self._weighted = weighted
        self._counts: Counter[Any] = Counter()
        self._runs: dict[Any, Callable[[], Execution]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not is_read(func) and func._can_decompose():  # an operation's own kernel calls it whole
            with self:
                return func.decompose(*args, **(kwargs or {}))
        output = func(*args, **(kwargs or {}))
        operation = read(func, named(func, args, kwargs or {}), output, self._weighted) if is_read(func) else None
        if operation is not None:
            key = (func, operation.formula)
            self._counts[key] += 1
            self._runs.setdefault(key, operation.run_on_ones)
        return output

    def executed(self) -> Execution:
        runs = [(self._runs[key](), times) for key, times in self._counts.items()]
        return Execution(sum(run.connections * n for run, n in runs), sum(run.inside * n for run, n in runs))
