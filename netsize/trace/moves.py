"""What moving elements does to the places that a tensor sees: views, slices, pads, splits, and what is not known."""

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from math import prod

import torch

from netsize.lecture import receptive_fields
from netsize.lecture.formulas import Shape
from netsize.lecture.receptive_fields import Axis, View, features
from netsize.trace.operations import Given

# fmt: off
REGROUPS = {"aten.view", "aten._unsafe_view", "aten.unsqueeze", "aten.squeeze", "aten._reshape_copy"}
KEEPS = {"aten.alias", "aten.detach", "aten.clone", "aten.contiguous", "aten._to_copy", "aten.lift_fresh",
         "aten._native_batch_norm_legit_no_training", "aten._batch_norm_no_update", "aten.native_dropout",
         "aten.local_response_norm"}
# by statistics that it keeps, or (in training, or without any) by those of the input: then that argument is set
BATCH_NORMS = {"aten.native_batch_norm": "training", "aten._native_batch_norm_legit": "training",
               "aten.batch_norm": "training", "aten.cudnn_batch_norm": "training",
               "aten.miopen_batch_norm": "training"}
MIXES = {"aten._softmax", "aten._safe_softmax", "aten._log_softmax", "aten.cumsum", "aten.cumprod"}
REDUCES = {"aten.mean", "aten.sum", "aten.amax", "aten.amin", "aten.max", "aten.min", "aten.var", "aten.std",
           "aten.var_mean", "aten.std_mean", "aten.logsumexp", "aten.linalg_vector_norm", "aten.prod"}
PARTS = {"aten.split", "aten.split_with_sizes", "aten.unbind", "aten.unsafe_split", "aten.unsafe_split_with_sizes"}
# fmt: on


def parts(view: View, given: Given, results: list[torch.Tensor]) -> list[View]:
    """Pieces of a tensor, one behind the other along an axis."""
    axis = (given.get("dim") or 0) % len(view.axes)
    if results[0].dim() < len(view.axes):  # unbind
        return [_without(receptive_fields.cut(view, axis, i, 1), axis) for i in range(len(results))]
    lengths = [result.shape[axis] for result in results]
    starts = [0, *accumulate(lengths)]
    return [receptive_fields.cut(view, axis, start, length) for start, length in zip(starts, lengths)]


def _without(view: View, axis: int) -> View:
    return replace(view, axes=(*view.axes[:axis], *view.axes[axis + 1 :]))


def unknown(view: View, shape: Shape) -> View:
    """What an operation does to places is not known here: upsampling, rolling, choosing."""
    view = receptive_fields.lost(view, view.carried())
    along = tuple(sorted(view.carried()))
    if len(view.axes) != len(shape):
        return replace(view, axes=tuple(map(features, shape)))
    axes: list[Axis] = []
    for axis, n in zip(view.axes, shape):
        own = tuple(sorted({a for digit in axis for a in digit.along} & set(along)))
        axes.append((receptive_fields.Digit(n, own),) if own else features(n))
    return replace(view, axes=tuple(axes))


def _permuted(view: View, given: Given, shape: Shape) -> View:
    return receptive_fields.permute(view, [dim % len(view.axes) for dim in given["dims"]])


def _transposed(view: View, given: Given, shape: Shape) -> View:
    order = list(range(len(view.axes)))
    first, second = (given.get("dim0", 0) % len(order), given.get("dim1", 1) % len(order)) if order else (0, 0)
    if len(order) > 1:
        order[first], order[second] = order[second], order[first]
    return receptive_fields.permute(view, order)


def _expanded(view: View, given: Given, shape: Shape) -> View:
    return receptive_fields.union([view], shape)


def _selected(view: View, given: Given, shape: Shape) -> View:
    axis = given["dim"] % len(view.axes)
    length = prod(digit.length for digit in view.axes[axis])
    return _without(receptive_fields.cut(view, axis, given["index"] % max(length, 1), 1), axis)


def _sliced(view: View, given: Given, shape: Shape) -> View:
    axis = given["dim"] % len(view.axes)
    length = prod(digit.length for digit in view.axes[axis])
    start = given["start"] or 0
    start = max(0, start + length if start < 0 else start)
    return receptive_fields.cut(view, axis, min(start, length), shape[axis], given["step"])


def _padded(view: View, given: Given, shape: Shape) -> View:
    for i, before in enumerate(given["pad"][::2]):
        axis = len(shape) - 1 - i
        view = receptive_fields.cut(view, axis, -before, shape[axis])
    return view


MOVES: dict[str, Callable[[View, Given, Shape], View]] = {
    "aten.permute": _permuted,
    "aten.transpose": _transposed,
    "aten.t": _transposed,
    "aten.expand": _expanded,
    "aten.select": _selected,
    "aten.slice": _sliced,
    "aten.constant_pad_nd": _padded,
}
