"""Which parameters that are added to a layer's output are its biases: one for each feature, at every place the same."""

from dataclasses import replace
from math import prod

from netsize.lecture.formulas import Convolution, Formula, Shape, TransposedConvolution
from netsize.lecture.products import GroupedProduct, Product


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
