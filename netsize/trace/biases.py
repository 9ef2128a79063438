"""Which parameters that are added to a layer's output are its biases: one for each feature, at every place the same."""

from dataclasses import replace
from math import prod

import torch

from netsize.lecture.formulas import Convolution, Formula, Recurrent, Shape, TransposedConvolution
from netsize.lecture.products import GroupedProduct, Product
from netsize.trace.by_tensor import ByTensor
from netsize.trace.drafts import Draft
from netsize.trace.operations import Operation
from netsize.trace.origins import Origin, Origins


class Biases:
    """Finds them while a network runs: an operation adds its own, or a sum behind it does. `sizes`: elements of all
    parameters, by name."""

    def __init__(self, origins: Origins, sizes: dict[str, int]) -> None:
        self._origins, self._sizes = origins, sizes
        self._makers: ByTensor[Draft] = ByTensor(origins.tensors)  # output of a layer -> its draft

    def made(self, output: torch.Tensor, draft: Draft) -> None:
        self._makers[output] = draft

    def viewed(self, tensor: torch.Tensor, views: list[torch.Tensor]) -> None:
        """They are the output of the same layer."""
        if tensor in self._makers:
            for view in views:
                self._makers[view] = self._makers[tensor]

    def of(self, operation: Operation) -> tuple[Formula, list[Origin]]:
        """Of an operation that adds one by itself; what else it may add (a mask, another layer's output) is none."""
        added, formula = operation.bias, operation.formula
        if isinstance(formula, Recurrent):
            return formula, [found for bias in operation.biases if (found := self._origins.of(bias)) is not None]
        origin = self._origins.of(added) if added is not None else None
        if added is None or origin is None or not origin.sources or not operation.operands:
            return formula, []
        if isinstance(formula, (Convolution, TransposedConvolution)):  # theirs is a vector of its own
            return formula, [origin]
        biased = with_bias(formula, tuple(added.shape), tuple(operation.output.shape), added.numel())
        return (formula, []) if biased is None else (biased, [origin])

    def added(self, left: torch.Tensor, right: torch.Tensor) -> None:
        """A parameter that is added to what a layer put out may be its bias, if it has none."""
        for made, added in ((left, right), (right, left)):
            draft, origin = self._makers.get(made), self._origins.of(added)
            if draft is None or draft.biases or not draft.operands or origin is None or not origin.sources:
                continue
            elements = sum(self._sizes[name] for name in origin.parameters) if origin.chosen else added.numel()
            biased = with_bias(draft.call.formula, tuple(added.shape), tuple(made.shape), elements)
            if biased is not None:
                draft.biases.append(origin)
                draft.call = replace(draft.call, formula=biased, bias_elements=elements)


def with_bias(formula: Formula, added: Shape, output: Shape, elements: int) -> Formula | None:
    """The formula of a layer to whose output (of this shape) something of shape `added` is added, if that is its bias;
    None if it is something else: a mask, position embeddings. A product of a batch may have a bias for each matrix. Of
    experts each row gets that of its own: `elements` are those that there are to choose from."""
    if isinstance(formula, GroupedProduct):
        return formula if added == output and elements == formula.biases else None
    aligned = (1,) * (len(output) - len(added)) + tuple(added)
    axis = len(output) + _features_from_end(formula)
    if len(aligned) != len(output) or axis < 0:
        return None
    varying = {i for i, n in enumerate(aligned) if n > 1}
    size = prod(aligned)
    if varying <= {axis} and size == formula.biases:
        return formula
    if isinstance(formula, Product) and formula.weighted in ("left", "right"):
        whole = prod(formula.batch) * formula.biases
        rows = len(output) - (2 if formula.rows is not None and formula.columns is not None else 1)
        if size == whole and axis in (varying or {axis}) and varying - {axis} <= set(range(rows)):
            return replace(formula, matrices=prod(formula.batch))
    return None


def _features_from_end(formula: Formula) -> int:
    """Where the output has its features, counted from the end: behind them a convolution has its places."""
    if isinstance(formula, (Convolution, TransposedConvolution)):
        return -len(formula.kernel) - 1
    return -2 if isinstance(formula, Product) and formula.weighted == "left" and formula.columns is not None else -1
